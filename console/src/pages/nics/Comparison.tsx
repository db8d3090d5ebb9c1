import { useQuery } from '@tanstack/react-query'
import { TriangleAlert } from 'lucide-react'
import { Fragment, type ReactNode } from 'react'
import type { Nic, Server } from '../../api/client.ts'
import { networkQuery } from '../../api/queries.ts'
import { common } from '../../text/common.ts'
import { useText } from '../../text/language.tsx'
import { nicDifferences, nicPage } from '../../text/nic-page.ts'
import { nics as words } from '../../text/nics.ts'
import { Badge } from '../../ui/Badge.tsx'
import { Panel, Time } from '../../ui/page.tsx'
import { type Aspect, type Compared, compare } from './compare.ts'
import styles from './comparison.module.css'

/** What was asked for a NIC, what the hypervisor shows and what the guest reports, side by side. */
export function Comparison({ nic, server }: { readonly nic: Nic; readonly server: Server | undefined }) {
  const t = useText()
  const { data: network } = useQuery(networkQuery(nic.network_id))
  const rows = compare(nic, network)
  const differences = rows.filter(({ difference }) => difference !== undefined).length
  // What was seen is older than the last change of the NIC: it may have come about since.
  const isOld = nic.observed_at !== null && nic.observed_at < nic.updated_at
  return (
    <Panel
      title={t(nicPage.comparison)}
      actions={nic.observed_at !== null && <Verdict differences={differences} isOld={isOld} />}
    >
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reachable by keyboard */}
      <section className={styles.scroll} tabIndex={0} aria-label={t(nicPage.comparison)}>
        <table className={styles.table}>
          <thead>
            <tr>
              <td />
              <th scope="col">{t(nicPage.asked)}</th>
              <th scope="col">{t(nicPage.hostShows)}</th>
              <th scope="col">{t(nicPage.guestReports)}</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <Row key={row.aspect} row={row} isOld={isOld} />
            ))}
          </tbody>
        </table>
      </section>
      <p className="soft">
        <State nic={nic} server={server} />
      </p>
    </Panel>
  )
}

function Verdict({ differences, isOld }: { differences: number; isOld: boolean }) {
  const t = useText()
  return differences === 0 ? (
    <Badge tone="good">{t(nicPage.allAsAsked)}</Badge>
  ) : (
    <Badge tone={isOld ? 'info' : 'bad'}>{t(nicPage.differences, { count: differences })}</Badge>
  )
}

function State({ nic, server }: { nic: Nic; server: Server | undefined }) {
  const t = useText()
  if (nic.server_id === null) return t(nicPage.notPlugged)
  if (nic.observed_at !== null) {
    return (
      <>
        {t(nicPage.seenAt)} <Time at={nic.observed_at} />
        {nic.host !== null && nic.guest === null && <> · {t(nicPage.guestSilent)}</>}
      </>
    )
  }
  return server?.state === 'stopped' ? t(nicPage.serverStopped) : t(nicPage.notSeenYet)
}

function Row({ row, isOld }: { row: Compared; isOld: boolean }) {
  const t = useText()
  const { aspect, asked, host, guest, difference } = row
  const age = isOld ? 'old' : 'new'
  const names: Readonly<Record<Aspect, string>> = {
    mac: t(common.mac),
    address: t(words.ipv4),
    ipv6: t(words.ipv6),
    interface: t(nicPage.interface),
    link: t(nicPage.link),
    bridge: t(nicPage.bridge),
    mtu: 'MTU',
  }
  return (
    <Fragment>
      <tr data-differs={difference === undefined ? undefined : age}>
        <th scope="row">
          {difference !== undefined && <TriangleAlert size={14} aria-label={t(nicPage.differs)} />}
          {names[aspect]}
        </th>
        <Value value={asked} aspect={aspect} />
        <Value value={host} aspect={aspect} />
        <Value value={guest} aspect={aspect} />
      </tr>
      {difference !== undefined && (
        <tr data-differs={age}>
          <td />
          <td colSpan={3} className={styles.why}>
            {t(nicDifferences[difference])}
            {isOld && ` ${t(nicPage.isOld)}`}
          </td>
        </tr>
      )}
    </Fragment>
  )
}

function Value({ value, aspect }: { value: string | null | undefined; aspect: Aspect }): ReactNode {
  const t = useText()
  if (value === undefined) return <td className={styles.silent}>–</td>
  if (value === null) return <td className="soft">{t(common.none)}</td>
  if (aspect === 'link') return <td>{t(value === 'up' ? nicPage.up : nicPage.down)}</td>
  return (
    <td>
      <code>{value}</code>
    </td>
  )
}
