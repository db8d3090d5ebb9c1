import { common } from '../text/common.ts'
import { useText } from '../text/language.tsx'
import { tagWords } from '../text/tags.ts'
import { TextField } from './fields.tsx'

interface TagsFieldProps {
  /** As typed: a tag on each line. */
  readonly value: string
  readonly onChange: (value: string) => void
}

/** Names with values, one on each line: `team=payments`. */
export function TagsField({ value, onChange }: TagsFieldProps) {
  const t = useText()
  return (
    <TextField
      label={t(common.tags)}
      name="tags"
      hint={t(tagWords.hint)}
      placeholder="team=payments"
      isLong
      isMono
      value={value}
      onChange={onChange}
      check={(text) => (lines(text).some((line) => line.startsWith('=')) ? t(tagWords.nameless) : undefined)}
    />
  )
}

const lines = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean)

/** What is sent for what was typed; a line without `=` is a tag without value. */
export const tagsFrom = (text: string): Record<string, string> =>
  Object.fromEntries(
    lines(text).map((line) => {
      const end = line.indexOf('=')
      return end < 0 ? [line, ''] : [line.slice(0, end).trim(), line.slice(end + 1).trim()]
    }),
  )

export const textOfTags = (tags: Readonly<Record<string, string>>): string =>
  Object.entries(tags)
    .map(([name, value]) => (value === '' ? name : `${name}=${value}`))
    .join('\n')
