import { createContext, type ReactNode, useContext, useLayoutEffect, useMemo, useState } from 'react'
import { I18nProvider } from 'react-aria-components'
import { type Language, LOCALE, languageOf, say, type Text, type Values } from './text.ts'

const STORED = 'patchbay.language'

export interface Words {
  readonly language: Language
  readonly setLanguage: (language: Language) => void
  /** The words of a text in the reader's language. */
  readonly t: (text: Text, values?: Values) => string
}

const WordsContext = createContext<Words | undefined>(undefined)

export function LanguageProvider({ children }: { children: ReactNode }) {
  const [language, choose] = useState(() => languageOf(localStorage.getItem(STORED), navigator.languages))
  useLayoutEffect(() => {
    document.documentElement.lang = LOCALE[language]
  }, [language])
  const words = useMemo<Words>(
    () => ({
      language,
      setLanguage: (chosen) => {
        localStorage.setItem(STORED, chosen)
        choose(chosen)
      },
      t: (text, values) => say(text, language, values),
    }),
    [language],
  )
  return (
    <WordsContext value={words}>
      <I18nProvider locale={LOCALE[language]}>{children}</I18nProvider>
    </WordsContext>
  )
}

export function useWords(): Words {
  const words = useContext(WordsContext)
  if (!words) throw new Error('useWords outside LanguageProvider')
  return words
}

/** `const t = useText()`, then `t(common.save)`. */
export const useText = (): Words['t'] => useWords().t
