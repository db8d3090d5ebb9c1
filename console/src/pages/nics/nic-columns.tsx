import { CircleAlert } from 'lucide-react'
import { useMemo } from 'react'
import { Link } from 'react-router'
import type { Nic } from '../../api/client.ts'
import { networksQuery, securityGroupsQuery, serversQuery, useById } from '../../api/queries.ts'
import { common } from '../../text/common.ts'
import { useText } from '../../text/language.tsx'
import { nics as words } from '../../text/nics.ts'
import { NicState } from '../../ui/Badge.tsx'
import type { Column } from '../../ui/DataTable.tsx'
import { Lines, TimeLines } from '../../ui/Lines.tsx'
import styles from './nics.module.css'
import { Sparkline } from './Sparkline.tsx'

/** Only says that the service sorts by it. */
const byService = () => ''

/** Shares are as the least widths: a table as wide as its content has no column wider than it needs. */
export function useNicColumns(): readonly Column<Nic>[] {
  const t = useText()
  const networks = useById(networksQuery())
  const servers = useById(serversQuery())
  const groups = useById(securityGroupsQuery())
  return useMemo(
    () => [
      {
        id: 'name',
        header: t(common.name),
        width: 'minmax(140px, 1.4fr)',
        sortBy: byService,
        cell: ({ id, name }) => (
          <Lines
            first={
              <Link to={`/nics/${id}`} className={name ? undefined : styles.unnamed}>
                {name || t(common.unnamed)}
              </Link>
            }
            second={<code>{id}</code>}
          />
        ),
      },
      { id: 'state', header: t(common.state), width: '122px', sortBy: byService, cell: (nic) => <State nic={nic} /> },
      {
        id: 'address',
        header: t(common.address),
        width: 'minmax(136px, 1.36fr)',
        sortBy: byService,
        cell: ({ address, ipv6_address }) =>
          address === null && ipv6_address === null ? (
            <span className="soft">{t(common.none)}</span>
          ) : (
            <Lines
              first={<code>{address ?? ipv6_address}</code>}
              second={address !== null && ipv6_address !== null && <code>{ipv6_address}</code>}
              title={ipv6_address ?? undefined}
            />
          ),
      },
      {
        id: 'network',
        header: t(common.network),
        width: 'minmax(104px, 1.04fr)',
        cell: ({ network_id: id }) => <Link to={`/networks/${id}`}>{networks.get(id)?.name || id}</Link>,
      },
      {
        id: 'server',
        header: t(common.server),
        width: 'minmax(122px, 1.22fr)',
        cell: ({ server_id: id, slot, primary }) =>
          id !== null && (
            <>
              <Link to={`/servers/${id}`}>{servers.get(id)?.name || id}</Link>{' '}
              <span className={styles.slot} title={t(primary ? words.primary : common.slot)}>
                {slot}
              </span>
            </>
          ),
      },
      {
        id: 'groups',
        header: t(common.securityGroups),
        width: 'minmax(149px, 1.49fr)',
        cell: ({ security_group_ids: ids }) =>
          ids.map((id, index) => (
            <span key={id}>
              {index > 0 && ', '}
              <Link to={`/security-groups/${id}`}>{groups.get(id)?.name || id}</Link>
            </span>
          )),
      },
      {
        id: 'eip',
        header: t(common.elasticIp),
        width: '124px',
        cell: ({ elastic_ip: eip }) =>
          eip && (
            <Link to={`/elastic-ips?search=${eip.address}`}>
              <code>{eip.address}</code>
            </Link>
          ),
      },
      {
        id: 'traffic',
        header: t(words.traffic),
        width: '96px',
        cell: ({ id, server_id }) => server_id !== null && <Sparkline nicId={id} />,
      },
      {
        id: 'created_at',
        header: t(common.created),
        width: '134px',
        sortBy: byService,
        cell: ({ created_at }) => <TimeLines at={created_at} />,
      },
    ],
    [t, networks, servers, groups],
  )
}

function State({ nic }: { readonly nic: Nic }) {
  const t = useText()
  return (
    <span className={styles.state}>
      <NicState nic={nic} />
      {nic.last_error !== null && (
        <span
          className={styles.alert}
          role="img"
          title={nic.last_error}
          aria-label={t(words.failed, { error: nic.last_error })}
        >
          <CircleAlert size={15} aria-hidden />
        </span>
      )}
    </span>
  )
}
