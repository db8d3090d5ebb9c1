import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { ToggleButton, ToggleButtonGroup } from 'react-aria-components'
import { useText, useWords } from '../../text/language.tsx'
import { nicPage } from '../../text/nic-page.ts'
import { nics as words } from '../../text/nics.ts'
import { LOCALE } from '../../text/text.ts'
import { Button } from '../../ui/Button.tsx'
import { Loading, Panel, Time } from '../../ui/page.tsx'
import { TrafficChart } from './TrafficChart.tsx'
import styles from './traffic.module.css'
import { RANGES, rateText, type TrafficPoint, trafficQuery } from './traffic.ts'

const LABELS = { '3h': nicPage.range3h, '1d': nicPage.range1d, '15d': nicPage.range15d } as const

/** What went through a NIC, as a chart and as a table. */
export function TrafficPanel({ nicId }: { readonly nicId: string }) {
  const t = useText()
  const [range, choose] = useState<(typeof RANGES)[number]>(RANGES[0])
  const [isTable, setTable] = useState(false)
  const { data } = useQuery(trafficQuery(nicId, range))
  return (
    <Panel
      title={t(words.traffic)}
      actions={
        <>
          <ToggleButtonGroup
            className={styles.ranges}
            aria-label={t(nicPage.range)}
            disallowEmptySelection
            selectedKeys={[range.id]}
            onSelectionChange={([key]) => choose(RANGES.find(({ id }) => id === key) ?? RANGES[0])}
          >
            {RANGES.map(({ id }) => (
              <ToggleButton key={id} id={id} className={styles.range}>
                {t(LABELS[id])}
              </ToggleButton>
            ))}
          </ToggleButtonGroup>
          <Button isSmall look="quiet" onPress={() => setTable(!isTable)}>
            {t(isTable ? nicPage.asChart : nicPage.asTable)}
          </Button>
        </>
      }
    >
      {data === undefined ? (
        <Loading />
      ) : data.length === 0 ? (
        <p className="soft">{t(nicPage.noTraffic)}</p>
      ) : isTable ? (
        <TrafficTable points={data} />
      ) : (
        <TrafficChart points={data} range={range} rangeName={t(LABELS[range.id])} />
      )}
    </Panel>
  )
}

function TrafficTable({ points }: { points: readonly TrafficPoint[] }) {
  const { t, language } = useWords()
  const rate = (bytes: number) => rateText(bytes, LOCALE[language])
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reachable by keyboard
    <section className={styles.tableFrame} tabIndex={0} aria-label={t(words.traffic)}>
      <table className={styles.table}>
        <thead>
          <tr>
            <th scope="col">{t(nicPage.time)}</th>
            <th scope="col">{t(nicPage.trafficIn)}</th>
            <th scope="col">{t(nicPage.trafficOut)}</th>
          </tr>
        </thead>
        <tbody>
          {points.toReversed().map((point) => (
            <tr key={point.at}>
              <td>
                <Time at={point.at} />
              </td>
              <td>{rate(point.in_bytes_per_second)}</td>
              <td>{rate(point.out_bytes_per_second)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}
