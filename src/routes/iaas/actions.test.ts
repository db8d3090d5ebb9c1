import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { packageRoot } from '../../package-root.ts'
import { ACTIONS } from './actions.ts'

describe('the actions of the wire', () => {
  const doc = readFileSync(join(packageRoot, 'docs/qingcloud-wire.md'), 'utf8')

  it('are those that the documentation lists, each once', () => {
    const table = doc.slice(doc.indexOf('## Actions'), doc.indexOf('Any other action'))
    const listed = table.match(/\b[A-Z][a-z]+[A-Z]\w+/g) ?? []
    expect(listed.sort()).toEqual([...ACTIONS.keys()].sort())
  })

  it('have ret_codes that the documentation lists with their names', () => {
    const source = readFileSync(join(import.meta.dirname, 'refusals.ts'), 'utf8')
    const names = [...source.matchAll(/^ {2}(\d{4}): '(\w+)',$/gm)].map(([, code, name]) => `| ${code} | ${name} |`)
    expect(names.length).toBeGreaterThan(10)
    for (const row of names) expect(doc).toContain(row)
  })
})
