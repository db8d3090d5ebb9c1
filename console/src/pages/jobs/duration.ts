import { type Language, LOCALE } from '../../text/text.ts'

/** How long something took, to two places that matter: `340ms`, `1.2s`, `3m 5s`. @param ms - milliseconds; what is below 0 counts as 0. */
export function duration(ms: number, language: Language): string {
  const unit = (value: number, name: string, digits = 0) =>
    value.toLocaleString(LOCALE[language], {
      style: 'unit',
      unit: name,
      unitDisplay: 'narrow',
      maximumFractionDigits: digits,
    })
  const seconds = Math.max(0, ms) / 1000
  if (seconds < 1) return unit(Math.round(seconds * 1000), 'millisecond')
  if (seconds < 60) return unit(seconds, 'second', seconds < 10 ? 1 : 0)
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${unit(minutes, 'minute')} ${unit(Math.floor(seconds % 60), 'second')}`
  return `${unit(Math.floor(minutes / 60), 'hour')} ${unit(minutes % 60, 'minute')}`
}
