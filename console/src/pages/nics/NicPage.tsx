import { useQuery } from '@tanstack/react-query'
import { Link, useParams } from 'react-router'
import type { Nic } from '../../api/client.ts'
import { networkQuery, nicQuery, securityGroupsQuery, serverQuery, useById } from '../../api/queries.ts'
import { common } from '../../text/common.ts'
import { useText } from '../../text/language.tsx'
import { nicPage } from '../../text/nic-page.ts'
import { nics as words } from '../../text/nics.ts'
import { Badge, NicState } from '../../ui/Badge.tsx'
import { Columns, Copyable, Facts, Failed, Loading, Page, Panel, Tags, Time } from '../../ui/page.tsx'
import { History } from '../events/History.tsx'
import { Comparison } from './Comparison.tsx'
import { NicActs } from './NicActs.tsx'
import { NicJobs } from './NicJobs.tsx'
import styles from './nics.module.css'
import { TrafficPanel } from './TrafficPanel.tsx'

export default function NicPage() {
  const t = useText()
  const { id = '' } = useParams()
  const above = { label: t(common.nics), to: '/nics' }
  const { data: nic, error } = useQuery(nicQuery(id))
  const server = useQuery({ ...serverQuery(nic?.server_id ?? ''), enabled: nic?.server_id != null }).data
  if (!nic) return error ? <Failed error={error} back={above} /> : <Loading />
  return (
    <Page
      title={nic.name || nic.id}
      above={above}
      beside={
        <>
          <NicState nic={nic} /> {nic.primary && <Badge tone="info">{t(nicPage.primary)}</Badge>}
        </>
      }
      actions={<NicActs nic={nic} />}
    >
      {nic.last_error !== null && (
        <p className={styles.failure} role="status">
          <strong>{t(nicPage.lastError)}.</strong> {nic.last_error}
        </p>
      )}
      <Columns>
        <Place nic={nic} />
        <Settings nic={nic} />
      </Columns>
      <Comparison nic={nic} server={server} />
      <TrafficPanel nicId={nic.id} />
      <Columns>
        <div className={styles.stack}>
          <NicJobs nicId={nic.id} jobId={nic.job_id} />
        </div>
        <Panel title={t(common.history)}>
          <History id={nic.id} />
        </Panel>
      </Columns>
    </Page>
  )
}

function Place({ nic }: { nic: Nic }) {
  const t = useText()
  const network = useQuery(networkQuery(nic.network_id)).data
  const server = useQuery({ ...serverQuery(nic.server_id ?? ''), enabled: nic.server_id !== null }).data
  const none = <span className="soft">{t(common.none)}</span>
  return (
    <Panel title={t(nicPage.place)}>
      <Facts
        facts={[
          [t(common.mac), <Copyable key="mac" text={nic.id} />],
          [t(common.address), nic.address === null ? none : <Copyable key="address" text={nic.address} />],
          [t(words.ipv6), nic.ipv6_address === null ? undefined : <Copyable key="ipv6" text={nic.ipv6_address} />],
          [
            t(common.network),
            <span key="network" className={styles.apart}>
              <span>
                <Link to={`/networks/${nic.network_id}`}>{network?.name || nic.network_id}</Link>
              </span>
              {network?.cidr && <code className="soft">{network.cidr}</code>}
            </span>,
          ],
          [
            t(common.server),
            nic.server_id === null ? (
              none
            ) : (
              <Link key="server" to={`/servers/${nic.server_id}`}>
                {server?.name || nic.server_id}
              </Link>
            ),
          ],
          [t(common.slot), nic.slot === null ? undefined : String(nic.slot)],
          [
            t(common.elasticIp),
            nic.elastic_ip === null ? (
              none
            ) : (
              <Link key="eip" to={`/elastic-ips?search=${nic.elastic_ip.address}`}>
                <code>{nic.elastic_ip.address}</code>
              </Link>
            ),
          ],
        ]}
      />
    </Panel>
  )
}

function Settings({ nic }: { nic: Nic }) {
  const t = useText()
  const groups = useById(securityGroupsQuery())
  const { in_mbps: inwards, out_mbps: outwards } = nic.bandwidth
  const limit = (mbps: number | null) => (mbps === null ? t(nicPage.notLimited) : `${mbps} Mbit/s`)
  return (
    <Panel title={t(nicPage.settings)}>
      <Facts
        facts={[
          [
            t(common.securityGroups),
            nic.security_group_ids.map((id, index) => (
              <span key={id}>
                {index > 0 && ', '}
                <Link to={`/security-groups/${id}`}>{groups.get(id)?.name || id}</Link>
              </span>
            )),
          ],
          [
            t(nicPage.bandwidth),
            inwards === null && outwards === null
              ? t(nicPage.notLimited)
              : t(nicPage.bandwidthIs, { in: limit(inwards), out: limit(outwards) }),
          ],
          [t(nicPage.antiSpoofing), t(nic.anti_spoofing ? nicPage.on : nicPage.off)],
          [
            t(nicPage.pairs),
            nic.allowed_address_pairs.length === 0
              ? undefined
              : nic.allowed_address_pairs.map(({ address, mac }) => (
                  <div key={`${address} ${mac}`}>
                    <code>{mac === undefined ? address : `${address} ${mac}`}</code>
                  </div>
                )),
          ],
          [t(common.description), nic.description || undefined],
          [t(common.tags), <Tags key="tags" tags={nic.tags} />],
          [t(common.created), <Time key="created" at={nic.created_at} />],
          [t(common.changed), <Time key="changed" at={nic.updated_at} />],
        ]}
      />
    </Panel>
  )
}
