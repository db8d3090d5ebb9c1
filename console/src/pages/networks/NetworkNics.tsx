import { useQuery } from '@tanstack/react-query'
import { Link } from 'react-router'
import type { Network, Nic } from '../../api/client.ts'
import { nicsQuery, serversQuery, useById } from '../../api/queries.ts'
import { common } from '../../text/common.ts'
import { useText } from '../../text/language.tsx'
import { networks } from '../../text/networks.ts'
import { NicState } from '../../ui/Badge.tsx'
import { LinkButton } from '../../ui/Button.tsx'
import { type Column, DataTable } from '../../ui/DataTable.tsx'
import { Panel } from '../../ui/page.tsx'
import { ipv4Number } from './ranges.ts'

/** The cards of a network, at most 252. */
export function NetworkNics({ network }: { network: Network }) {
  const t = useText()
  const { data } = useQuery(nicsQuery({ networkId: network.id }))
  const servers = useById(serversQuery())
  const nameOf = (id: string | null) => (id === null ? '' : (servers.get(id)?.name ?? id))
  const columns: readonly Column<Nic>[] = [
    {
      id: 'name',
      header: t(common.name),
      sortBy: ({ name }) => name,
      cell: ({ id, name }) => <Link to={`/nics/${id}`}>{name || t(common.unnamed)}</Link>,
    },
    {
      id: 'state',
      header: t(common.state),
      width: '130px',
      sortBy: ({ state }) => state,
      cell: (nic) => <NicState nic={nic} />,
    },
    {
      id: 'address',
      header: t(common.address),
      width: '150px',
      sortBy: ({ address }) => ipv4Number(address ?? '') ?? -1,
      cell: ({ address }) => <span className="mono">{address ?? '–'}</span>,
    },
    {
      id: 'mac',
      header: t(common.mac),
      width: '170px',
      sortBy: ({ id }) => id,
      cell: ({ id }) => <span className="mono">{id}</span>,
    },
    {
      id: 'server',
      header: t(common.server),
      sortBy: ({ server_id }) => nameOf(server_id),
      cell: ({ server_id }) =>
        server_id === null ? (
          <span className="soft">–</span>
        ) : (
          <Link to={`/servers/${server_id}`}>{nameOf(server_id)}</Link>
        ),
    },
    {
      id: 'slot',
      header: t(common.slot),
      width: '84px',
      isEnd: true,
      sortBy: ({ slot }) => slot ?? -1,
      cell: ({ slot }) => slot ?? '–',
    },
  ]
  const create = <LinkButton to={`/nics?network=${network.id}&create=true`}>{t(networks.createNics)}</LinkButton>
  return (
    <Panel title={t(networks.nicsOf)} actions={create}>
      <DataTable
        label={t(networks.nicsOf)}
        columns={columns}
        rows={data?.items}
        idOf={({ id }) => id}
        nameOf={({ name, id }) => name || id}
        firstSort={{ column: 'address', isDescending: false }}
        empty={t(networks.noNics)}
      />
    </Panel>
  )
}
