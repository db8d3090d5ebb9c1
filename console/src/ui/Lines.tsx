import type { ReactNode } from 'react'
import { useWords } from '../text/language.tsx'
import { type Language, LOCALE } from '../text/text.ts'
import styles from './lines.module.css'

interface LinesProps {
  readonly first: ReactNode
  readonly second: ReactNode
  /** What is not seen where there is too little room. */
  readonly title?: string | undefined
}

/** Two things in one cell of a table, one above the other: what one looks for, and what belongs to it. */
export const Lines = ({ first, second, title }: LinesProps) => (
  <span className={styles.lines} title={title}>
    <span className={styles.line}>{first}</span>
    {second && <span className={`${styles.line} ${styles.second}`}>{second}</span>}
  </span>
)

/** Made once, as those of `Time`. */
const formats = (language: Language) => ({
  date: new Intl.DateTimeFormat(LOCALE[language], { dateStyle: 'medium' }),
  time: new Intl.DateTimeFormat(LOCALE[language], { timeStyle: 'medium' }),
})
const FORMATS = { en: formats('en'), zh: formats('zh') } as const satisfies Record<Language, unknown>

/** A time where it has to be narrow: the day above, the time of day below. */
export function TimeLines({ at }: { at: string }) {
  const { date, time } = FORMATS[useWords().language]
  const then = new Date(at)
  return (
    <time dateTime={at} title={at}>
      <Lines first={date.format(then)} second={time.format(then)} />
    </time>
  )
}
