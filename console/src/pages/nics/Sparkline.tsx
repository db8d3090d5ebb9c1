import { useQuery } from '@tanstack/react-query'
import { scaleLinear, scaleTime } from 'd3-scale'
import { line } from 'd3-shape'
import { useWords } from '../../text/language.tsx'
import { nics as words } from '../../text/nics.ts'
import { LOCALE } from '../../text/text.ts'
import styles from './traffic.module.css'
import { rateText, sparkQuery, type TrafficPoint } from './traffic.ts'

const WIDTH = 72
const HEIGHT = 24
const HOURS = 3

/** What went through a NIC in the last three hours, for a row of a table. */
export function Sparkline({ nicId }: { readonly nicId: string }) {
  const { t, language } = useWords()
  const { data } = useQuery(sparkQuery(nicId))
  if (data === undefined) return null
  const last = data.at(-1)
  if (!last) return <span className="soft">{t(words.noTraffic)}</span>
  const rate = (bytes: number) => rateText(bytes, LOCALE[language])
  const label = t(words.trafficNow, { in: rate(last.in_bytes_per_second), out: rate(last.out_bytes_per_second) })
  const now = Date.now()
  const x = scaleTime([now - HOURS * 3_600_000, now], [1, WIDTH - 1])
  const most = Math.max(1, ...data.flatMap((point) => [point.in_bytes_per_second, point.out_bytes_per_second]))
  const y = scaleLinear([0, most], [HEIGHT - 2, 2])
  const path = (of: (point: TrafficPoint) => number) =>
    line<TrafficPoint>(
      (point) => x(Date.parse(point.at)),
      (point) => y(of(point)),
    )([...data]) ?? ''
  return (
    <svg className={styles.spark} width={WIDTH} height={HEIGHT} role="img" aria-label={label}>
      <title>{label}</title>
      <path className={styles.in} d={path((point) => point.in_bytes_per_second)} />
      <path className={styles.out} d={path((point) => point.out_bytes_per_second)} />
    </svg>
  )
}
