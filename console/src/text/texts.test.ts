/** That every word of the console is in both languages, and none is anywhere but in the tables of this folder. */
import path from 'node:path'
import { parseSync } from 'vite'
import { describe, expect, it } from 'vitest'
import { LANGUAGES, type Text, type TextTable } from './text.ts'

/** Where texts are kept is no table of them. */
const NO_TABLES = ['text.ts', 'language.tsx']

/** What is the same in Chinese: proper names, abbreviations and units. */
const NAMES = new Set([
  'VNI',
  'ID',
  'Node.js',
  'CPU',
  'vCPU',
  'Mbps',
  'MTU',
  'CIDR',
  'MAC',
  'IP',
  'IPv4',
  'IPv6',
  'DHCP',
  'DNS',
])

const LETTER = /\p{L}/u

interface Entry {
  /** `common.save`. */
  readonly key: string
  readonly text: Text
}

const modules = import.meta.glob<Record<string, unknown>>(['./*.ts', '!./*.test.ts'], { eager: true })
const tables = Object.entries(modules)
  .filter(([file]) => !NO_TABLES.includes(path.basename(file)))
  .map(([file, exported]) => ({ file: path.basename(file, '.ts'), tables: Object.entries(exported).filter(isTable) }))
const entries: Entry[] = tables.flatMap((of) =>
  of.tables.flatMap(([name, table]) => Object.entries(table).map(([key, text]) => ({ key: `${name}.${key}`, text }))),
)

function isTable(exported: [string, unknown]): exported is [string, TextTable] {
  const [, value] = exported
  return typeof value === 'object' && value !== null && Object.values(value).every((one) => typeof one === 'object')
}

/** The words of a text in a language: English may have two. */
const wordsOf = (text: Text, language: (typeof LANGUAGES)[number]): string[] => {
  const words = text[language] as Text['en'] | undefined
  if (words === undefined) return ['']
  return typeof words === 'string' ? [words] : [words.one, words.other]
}
/** Names of the values in words. */
const placeholders = (words: string): string =>
  [...new Set([...words.matchAll(/\{(\w+)\}/g)].map(([, name]) => name))].sort().join()

const faultsOf = (fault: (entry: Entry) => string | undefined): string[] =>
  entries.flatMap((entry) => {
    const words = fault(entry)
    return words === undefined ? [] : [`${entry.key}: ${words}`]
  })

describe('the texts', () => {
  it('are found', () => {
    expect(tables.every((of) => of.tables.length > 0)).toBe(true)
    expect(entries.length).toBeGreaterThan(200)
  })

  it('are there in every language', () => {
    const missing = faultsOf(({ text }) =>
      LANGUAGES.find((language) => wordsOf(text, language).some((words) => words.trim() === '')),
    )
    expect(missing).toEqual([])
  })

  it('have the same values in every language', () => {
    const different = faultsOf(({ text }) => {
      // "1 server" need not take its number from outside.
      const forms = typeof text.en === 'object' ? [`${text.en.one} {count}`, text.en.other] : [text.en]
      const named = new Set([...forms, text.zh].map(placeholders))
      return named.size === 1 ? undefined : [...named].join(' | ')
    })
    expect(different).toEqual([])
  })

  it('are Chinese in Chinese, and not in English', () => {
    const han = /\p{Script=Han}/u
    const foreign = faultsOf(({ text }) => {
      if (wordsOf(text, 'en').some((words) => han.test(words))) return `${wordsOf(text, 'en')}`
      const words = text.zh.replace(/\{\w+\}/g, '').split(/[^\p{L}\d.]+/u)
      const isNamed = words.every((word) => !LETTER.test(word) || NAMES.has(word))
      return han.test(text.zh) || isNamed ? undefined : text.zh
    })
    expect(foreign).toEqual([])
  })

  it('that are common are not said again elsewhere', () => {
    const wordsOfText = ({ en, zh }: Text) => JSON.stringify([en, zh])
    const isCommon = ({ key }: Entry) => key.startsWith('common.')
    const common = new Map(entries.filter(isCommon).map((entry) => [wordsOfText(entry.text), entry]))
    const again = faultsOf((entry) => {
      const same = common.get(wordsOfText(entry.text))
      // A table may take a text of the common ones itself.
      return isCommon(entry) || same?.text === entry.text ? undefined : same?.key
    })
    expect(again).toEqual([])
  })
})

const components = import.meta.glob<string>('../**/*.tsx', { eager: true, query: '?raw', import: 'default' })

/** Attributes whose words a reader sees or hears. */
const SPOKEN = new Set(['label', 'title', 'aria-label', 'placeholder', 'header', 'alt', 'hint', 'submit', 'confirm'])

/** An example of what is typed, the same in every language: `fd00::/64`, `team=payments`. */
const AS_TYPED = /^\S*[:/=]\S*$/

interface Node {
  readonly type: string
  readonly start: number
  readonly [key: string]: unknown
}
const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null && 'type' in value

/** What is shown of an attribute or between tags without being looked up: its words, if it is a string at all. */
function literal(node: unknown): string | undefined {
  if (!isNode(node)) return undefined
  if (node.type === 'JSXExpressionContainer') return literal(node.expression)
  if (node.type === 'Literal') return typeof node.value === 'string' ? node.value : undefined
  if (node.type !== 'TemplateLiteral') return undefined
  return (node.quasis as { value: { cooked: string } }[]).map(({ value }) => value.cooked).join('')
}

/** Words in JSX, and in the properties of columns and the like. */
function spokenWords(node: unknown, found: { at: number; words: string }[] = []): { at: number; words: string }[] {
  if (Array.isArray(node)) for (const one of node) spokenWords(one, found)
  if (!isNode(node)) return found
  const note = (words: string | undefined) => {
    if (words !== undefined && LETTER.test(words) && !AS_TYPED.test(words))
      found.push({ at: node.start, words: words.trim() })
  }
  if (node.type === 'JSXText') note(String(node.value))
  if (node.type === 'JSXElement' || node.type === 'JSXFragment') {
    for (const child of node.children as unknown[])
      if (isNode(child) && child.type === 'JSXExpressionContainer') note(literal(child))
  }
  if (node.type === 'JSXAttribute' && SPOKEN.has(String((node.name as { name: unknown }).name)))
    note(literal(node.value))
  if (node.type === 'Property') {
    const key = node.key as { name?: unknown; value?: unknown }
    if (SPOKEN.has(String(key.name ?? key.value))) note(literal(node.value))
  }
  for (const [name, value] of Object.entries(node)) if (name !== 'parent') spokenWords(value, found)
  return found
}

function wordsIn(file: string, source: string): string[] {
  const { program, errors } = parseSync(file, source)
  if (errors.length > 0) throw new Error(`${file}: ${errors[0]?.message}`)
  return spokenWords(program).map(({ at, words }) => `${file}:${source.slice(0, at).split('\n').length}: ${words}`)
}

describe('the components', () => {
  it('say nothing that is not in a table', () => {
    expect(Object.keys(components).length).toBeGreaterThan(20)
    expect(Object.entries(components).flatMap(([file, source]) => wordsIn(file, source))).toEqual([])
  })

  it('would be caught if they did', () => {
    expect(wordsIn('a.tsx', 'const a = <p className="x">Hello <b>{"there"}</b></p>')).toEqual([
      'a.tsx:1: Hello',
      'a.tsx:1: there',
    ])
    expect(wordsIn('a.tsx', 'const a = <C label="One" title={`Two`} alt="" header={t(common.three)} />')).toEqual([
      'a.tsx:1: One',
      'a.tsx:1: Two',
    ])
    expect(wordsIn('a.tsx', 'const column = { id: "name",\n header: "Name", cell: () => <>· {x}</> }')).toEqual([
      'a.tsx:2: Name',
    ])
  })
})
