/**
 * Every word that the console shows, in both languages side by side: a text that lacks one does not compile. The tables
 * are in the files beside this one, by area; `{name}` stands for a value, and English may tell one from several by
 * `{count}`.
 */
export const LANGUAGES = ['en', 'zh'] as const
export type Language = (typeof LANGUAGES)[number]

/** BCP 47, for numbers, dates, and the words of React Aria. */
export const LOCALE: Readonly<Record<Language, string>> = { en: 'en-GB', zh: 'zh-CN' }
export const LANGUAGE_NAME: Readonly<Record<Language, string>> = { en: 'English', zh: '中文' }

export interface Text {
  readonly en: string | { readonly one: string; readonly other: string }
  readonly zh: string
}
export type TextTable = Readonly<Record<string, Text>>
export type Values = Readonly<Record<string, string | number>>

/** Keeps the keys of a table, and has the compiler look at each text. */
export const texts = <T extends TextTable>(table: T): T => table

const plural = new Intl.PluralRules('en')

/** The words of a text. Numbers are written as the language does. @throws {RangeError} when a value is missing. */
export function say(text: Text, language: Language, values: Values = {}): string {
  const form = text[language]
  const words = typeof form === 'string' ? form : plural.select(Number(values.count)) === 'one' ? form.one : form.other
  return words.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = values[name]
    if (value === undefined) throw new RangeError(`"${words}" needs {${name}}`)
    return typeof value === 'number' ? value.toLocaleString(LOCALE[language]) : value
  })
}

/** The language of a reader: what was chosen before, or the first of the browser's that we have. */
export const languageOf = (chosen: string | null, preferred: readonly string[]): Language =>
  LANGUAGES.find((language) => language === chosen) ??
  preferred.map((tag) => LANGUAGES.find((language) => tag.toLowerCase().split('-')[0] === language)).find(Boolean) ??
  'en'
