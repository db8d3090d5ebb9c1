import { scaleLinear, scaleTime } from 'd3-scale'
import { area, line } from 'd3-shape'
import { type PointerEvent, useLayoutEffect, useRef, useState } from 'react'
import { useWords } from '../../text/language.tsx'
import { nicPage } from '../../text/nic-page.ts'
import { LOCALE } from '../../text/text.ts'
import styles from './traffic.module.css'
import { type Range, rateText, segments, type TrafficPoint } from './traffic.ts'

const HEIGHT = 220
/** What the axis reaches to when there is next to nothing. Per second. */
const LEAST_BITS = 1000
const MARGIN = { top: 10, right: 12, bottom: 24, left: 76 }

interface TrafficChartProps {
  /** Oldest first, and at least one. */
  readonly points: readonly TrafficPoint[]
  readonly range: Range
  readonly rangeName: string
}

/** Traffic over time. A screen reader hears what matters; the table beside it has every value. */
export function TrafficChart({ points, range, rangeName }: TrafficChartProps) {
  const { t, language } = useWords()
  const frame = useRef<HTMLDivElement>(null)
  const width = useWidth(frame)
  const [pointed, point] = useState<TrafficPoint>()
  const locale = LOCALE[language]
  const rate = (bytes: number) => rateText(bytes, locale)

  const mostIn = Math.max(...points.map((one) => one.in_bytes_per_second))
  const mostOut = Math.max(...points.map((one) => one.out_bytes_per_second))
  const now = Date.now()
  const x = scaleTime([now - range.hours * 3_600_000, now], [MARGIN.left, width - MARGIN.right])
  // Of bits, so that the lines are at round numbers of what is written beside them.
  const bits = scaleLinear(
    [0, Math.max(LEAST_BITS, 8 * mostIn, 8 * mostOut)],
    [HEIGHT - MARGIN.bottom, MARGIN.top],
  ).nice(4)
  const y = (bytes: number) => bits(8 * bytes)
  const parts = segments(points, range.stepSeconds * 1000)
  const at = (one: TrafficPoint) => x(Date.parse(one.at))
  const inwards = area<TrafficPoint>(at, y(0), (one) => y(one.in_bytes_per_second))
  const inLine = line<TrafficPoint>(at, (one) => y(one.in_bytes_per_second))
  const outLine = line<TrafficPoint>(at, (one) => y(one.out_bytes_per_second))
  const drawn = (draw: (part: TrafficPoint[]) => string | null) => parts.map(draw).join('')
  const when = range.hours > 24 ? { month: 'numeric', day: 'numeric' } : { hour: '2-digit', minute: '2-digit' }
  const timeFormat = new Intl.DateTimeFormat(locale, when as Intl.DateTimeFormatOptions)

  const follow = (event: PointerEvent<SVGSVGElement>) => {
    const time = x.invert(event.clientX - event.currentTarget.getBoundingClientRect().left).getTime()
    point(points.toSorted((a, b) => Math.abs(Date.parse(a.at) - time) - Math.abs(Date.parse(b.at) - time))[0])
  }
  return (
    <div className={styles.chart} ref={frame}>
      <svg
        width={width}
        height={HEIGHT}
        role="img"
        aria-label={t(nicPage.trafficSummary, { range: rangeName, in: rate(mostIn), out: rate(mostOut) })}
        onPointerMove={follow}
        onPointerLeave={() => point(undefined)}
      >
        {bits.ticks(4).map((tick) => (
          <g key={tick} transform={`translate(0 ${bits(tick)})`}>
            <line className={styles.gridLine} x1={MARGIN.left} x2={width - MARGIN.right} />
            <text className={styles.tick} x={MARGIN.left - 8} dy="0.32em" textAnchor="end">
              {rate(tick / 8)}
            </text>
          </g>
        ))}
        {x.ticks(Math.max(2, Math.floor(width / 120))).map((tick) => (
          <text key={tick.getTime()} className={styles.tick} x={x(tick)} y={HEIGHT - 6} textAnchor="middle">
            {timeFormat.format(tick)}
          </text>
        ))}
        <path className={styles.area} d={drawn(inwards)} />
        <path className={styles.in} d={drawn(inLine)} />
        <path className={styles.out} d={drawn(outLine)} />
        {points.length < 2 &&
          points.map((one) => (
            <g key={one.at}>
              <circle className={styles.inDot} cx={at(one)} cy={y(one.in_bytes_per_second)} r={3} />
              <circle className={styles.outDot} cx={at(one)} cy={y(one.out_bytes_per_second)} r={3} />
            </g>
          ))}
        {pointed && (
          <g>
            <line className={styles.pointer} x1={at(pointed)} x2={at(pointed)} y1={MARGIN.top} y2={y(0)} />
            <circle className={styles.inDot} cx={at(pointed)} cy={y(pointed.in_bytes_per_second)} r={4} />
            <circle className={styles.outDot} cx={at(pointed)} cy={y(pointed.out_bytes_per_second)} r={4} />
          </g>
        )}
      </svg>
      <p className={styles.legend}>
        <span className={styles.inKey}>{t(nicPage.trafficIn)}</span>
        {pointed && <b>{rate(pointed.in_bytes_per_second)}</b>}
        <span className={styles.outKey}>{t(nicPage.trafficOut)}</span>
        {pointed && <b>{rate(pointed.out_bytes_per_second)}</b>}
        {pointed && (
          <span>{new Date(pointed.at).toLocaleString(locale, { dateStyle: 'medium', timeStyle: 'short' })}</span>
        )}
      </p>
    </div>
  )
}

function useWidth(frame: React.RefObject<HTMLDivElement | null>): number {
  const [width, setWidth] = useState(600)
  useLayoutEffect(() => {
    const element = frame.current
    if (!element) return
    const measure = () => setWidth(Math.max(200, element.clientWidth))
    measure()
    const observer = new ResizeObserver(measure)
    observer.observe(element)
    return () => observer.disconnect()
  }, [frame])
  return width
}
