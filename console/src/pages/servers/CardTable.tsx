import { Link } from 'react-router'
import type { Nic } from '../../api/client.ts'
import { networksQuery, useById } from '../../api/queries.ts'
import { common } from '../../text/common.ts'
import { useText } from '../../text/language.tsx'
import { servers } from '../../text/servers.ts'
import { NicState } from '../../ui/Badge.tsx'
import { type Column, DataTable } from '../../ui/DataTable.tsx'

/** The NICs of a server, by slot. */
export function CardTable({ nics }: { nics: readonly Nic[] }) {
  const t = useText()
  const networks = useById(networksQuery())
  const columns: Column<Nic>[] = [
    {
      id: 'slot',
      header: t(common.slot),
      width: '110px',
      sortBy: ({ slot }) => slot ?? -1,
      cell: ({ slot, primary }) => (
        <>
          {slot} {primary && <span className="soft">{t(servers.primary)}</span>}
        </>
      ),
    },
    {
      id: 'name',
      header: t(common.name),
      sortBy: ({ name }) => name,
      cell: ({ id, name }) => <Link to={`/nics/${id}`}>{name || t(common.unnamed)}</Link>,
    },
    { id: 'state', header: t(common.state), width: '130px', cell: (nic) => <NicState nic={nic} /> },
    {
      id: 'address',
      header: t(common.address),
      width: '150px',
      sortBy: ({ address }) => address ?? '',
      cell: ({ address }) =>
        address === null ? <span className="soft">{t(servers.noAddress)}</span> : <code>{address}</code>,
    },
    { id: 'mac', header: t(common.mac), width: '170px', cell: ({ id }) => <code>{id}</code> },
    {
      id: 'network',
      header: t(common.network),
      sortBy: ({ network_id: id }) => networks.get(id)?.name ?? id,
      cell: ({ network_id: id }) => <Link to={`/networks/${id}`}>{networks.get(id)?.name ?? id}</Link>,
    },
    {
      id: 'guest',
      header: t(servers.inGuest),
      width: '120px',
      cell: ({ guest }) => (guest === null ? <span className="soft">–</span> : <code>{guest.interface_name}</code>),
    },
  ]
  return (
    <DataTable
      label={t(servers.cardList)}
      columns={columns}
      rows={nics}
      idOf={({ id }) => id}
      nameOf={({ name, id }) => name || id}
      firstSort={{ column: 'slot', isDescending: false }}
      empty={t(servers.none64)}
    />
  )
}
