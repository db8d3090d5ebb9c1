import { useMemo } from 'react'
import { Link } from 'react-router'
import type { Network, Vpc } from '../../api/client.ts'
import { common } from '../../text/common.ts'
import { useText } from '../../text/language.tsx'
import { type NetworkKind, networkKindHints, networkKinds, networks } from '../../text/networks.ts'
import { createdColumn } from '../../ui/created-column.tsx'
import type { Column } from '../../ui/DataTable.tsx'
import { AddressUsage } from './AddressUsage.tsx'
import { ipv4Number } from './ranges.ts'

export const kindOf = ({ type, mode }: Pick<Network, 'type' | 'mode'>): NetworkKind =>
  type === 'unmanaged' ? 'unmanaged' : mode

/** @param vpcs - by id, for their names; without it there is no such column. */
export function useNetworkColumns(vpcs?: ReadonlyMap<string, Vpc>): readonly Column<Network>[] {
  const t = useText()
  return useMemo(
    () => [
      {
        id: 'name',
        header: t(common.name),
        width: 'minmax(150px, 1.4fr)',
        sortBy: ({ name }) => name,
        cell: ({ id, name }) => <Link to={`/networks/${id}`}>{name}</Link>,
      },
      {
        id: 'mode',
        header: t(networks.mode),
        width: '100px',
        sortBy: (network) => kindOf(network),
        cell: (network) => <span title={t(networkKindHints[kindOf(network)])}>{t(networkKinds[kindOf(network)])}</span>,
      },
      ...(vpcs ? [vpcColumn(t, vpcs)] : []),
      {
        id: 'cidr',
        header: t(networks.range),
        width: '145px',
        sortBy: ({ cidr }) => ipv4Number(cidr?.split('/')[0] ?? '') ?? -1,
        cell: ({ cidr, ipv6_cidr }) => (
          <span className="mono" title={ipv6_cidr ?? undefined}>
            {cidr ?? <Nothing />}
          </span>
        ),
      },
      {
        id: 'gateway',
        header: t(networks.gateway),
        width: '130px',
        cell: ({ gateway }) => <span className="mono">{gateway ?? <Nothing />}</span>,
      },
      {
        id: 'free',
        header: t(networks.free),
        width: '200px',
        sortBy: ({ addresses_available, cidr }) => (cidr === null ? -1 : addresses_available),
        cell: (network) => <AddressUsage network={network} />,
      },
      {
        id: 'nics',
        header: t(common.nics),
        width: '84px',
        isEnd: true,
        sortBy: ({ nic_count }) => nic_count,
        cell: ({ id, nic_count }) => <Link to={`/nics?network=${id}`}>{nic_count}</Link>,
      },
      createdColumn(t),
    ],
    [t, vpcs],
  )
}

const vpcColumn = (t: ReturnType<typeof useText>, vpcs: ReadonlyMap<string, Vpc>): Column<Network> => ({
  id: 'vpc',
  header: t(common.vpc),
  width: 'minmax(120px, 1fr)',
  sortBy: ({ vpc_id }) => (vpc_id === null ? '' : (vpcs.get(vpc_id)?.name ?? vpc_id)),
  cell: ({ vpc_id }) =>
    vpc_id === null ? <Nothing /> : <Link to={`/vpcs/${vpc_id}`}>{vpcs.get(vpc_id)?.name ?? vpc_id}</Link>,
})

const Nothing = () => <span className="soft">–</span>
