import { common } from '../text/common.ts'
import { useText } from '../text/language.tsx'
import styles from './usage-bar.module.css'

const SCARCE = 0.9

/** How much of something is in use, for the eye: the words are beside it. */
export function UsageBar({ used, total }: { readonly used: number; readonly total: number }) {
  const share = total === 0 ? 1 : used / total
  const level = share >= 1 ? 'full' : share > SCARCE ? 'scarce' : undefined
  return (
    <span className={styles.bar} aria-hidden>
      <span data-level={level} style={{ width: `${Math.ceil(share * 100)}%` }} />
    </span>
  )
}

interface UsageProps {
  readonly free: number
  readonly total: number
  /** The same in a sentence. */
  readonly title?: string
}

/** How many are free, in numbers and as a bar of those in use. */
export function Usage({ free, total, title }: UsageProps) {
  const t = useText()
  return (
    <span className={styles.usage} title={title}>
      <span className={styles.words}>{t(common.freeOf, { free, total })}</span>
      <UsageBar used={total - free} total={total} />
    </span>
  )
}
