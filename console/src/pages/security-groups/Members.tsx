import { useMemo } from 'react'
import { Link } from 'react-router'
import { listNics, type Nic } from '../../api/client.ts'
import { networksQuery, pagedList, serversQuery, useById, useRows } from '../../api/queries.ts'
import { refusalOf } from '../../api/refusal.ts'
import { common } from '../../text/common.ts'
import { useText } from '../../text/language.tsx'
import { securityGroups as words } from '../../text/security-groups.ts'
import { NicState } from '../../ui/Badge.tsx'
import { LinkButton } from '../../ui/Button.tsx'
import { type Column, DataTable } from '../../ui/DataTable.tsx'
import { Empty, Panel } from '../../ui/page.tsx'
import { RefusalView } from '../../ui/Refusal.tsx'

/** The NICs that a security group protects. */
export function Members({ groupId }: { groupId: string }) {
  const t = useText()
  const { rows, error, hasMore, readOn } = useRows(
    pagedList('nic', { securityGroupId: groupId }, (cursor) => listNics({ securityGroupId: groupId, cursor })),
  )
  const columns = useColumns()
  return (
    <Panel title={t(words.members)}>
      {error ? (
        <RefusalView refusal={refusalOf(error)} />
      ) : (
        <DataTable
          label={t(words.members)}
          columns={columns}
          rows={rows}
          idOf={({ id }) => id}
          nameOf={({ name, id }) => name || id}
          hasMore={hasMore}
          onEnd={readOn}
          empty={
            <Empty>
              <p>{t(words.noMembers)}</p>
              <LinkButton to="/nics">{t(words.toNics)}</LinkButton>
            </Empty>
          }
        />
      )}
    </Panel>
  )
}

function useColumns(): readonly Column<Nic>[] {
  const t = useText()
  const networks = useById(networksQuery())
  const servers = useById(serversQuery())
  return useMemo(
    () => [
      {
        id: 'name',
        header: t(common.name),
        width: 'minmax(160px, 1fr)',
        cell: ({ id, name }) => <Link to={`/nics/${id}`}>{name || t(common.unnamed)}</Link>,
      },
      { id: 'state', header: t(common.state), width: '120px', cell: (nic) => <NicState nic={nic} /> },
      { id: 'address', header: t(common.address), width: '150px', cell: ({ address }) => <code>{address}</code> },
      { id: 'mac', header: t(common.mac), width: '170px', cell: ({ id }) => <code>{id}</code> },
      {
        id: 'network',
        header: t(common.network),
        cell: ({ network_id }) => (
          <Link to={`/networks/${network_id}`}>{networks.get(network_id)?.name ?? network_id}</Link>
        ),
      },
      {
        id: 'server',
        header: t(common.server),
        cell: ({ server_id }) =>
          server_id && <Link to={`/servers/${server_id}`}>{servers.get(server_id)?.name ?? server_id}</Link>,
      },
    ],
    [t, networks, servers],
  )
}
