import { Pencil } from 'lucide-react'
import { useMemo } from 'react'
import { Link } from 'react-router'
import type { Network, ReservedAddress } from '../../api/client.ts'
import { useLacks } from '../../api/session.tsx'
import { common } from '../../text/common.ts'
import { useText } from '../../text/language.tsx'
import { networks as networkWords } from '../../text/networks.ts'
import { reservedAddresses as words } from '../../text/reserved-addresses.ts'
import { Button } from '../../ui/Button.tsx'
import { createdColumn } from '../../ui/created-column.tsx'
import type { Column } from '../../ui/DataTable.tsx'
import { ipv4Number } from '../networks/ranges.ts'

interface Wanted {
  /** By id: with a column that says which network it is. */
  readonly networks?: ReadonlyMap<string, Network>
  readonly onEdit?: (address: ReservedAddress) => void
  readonly onRelease: (addresses: readonly ReservedAddress[]) => void
}

export function useReservedColumns({ networks, onEdit, onRelease }: Wanted): readonly Column<ReservedAddress>[] {
  const t = useText()
  const why = useLacks()('operator')
  return useMemo(() => {
    const nameOf = (id: string) => networks?.get(id)?.name ?? id
    const network: Column<ReservedAddress> = {
      id: 'network',
      header: t(common.network),
      sortBy: ({ network_id }) => nameOf(network_id),
      cell: ({ network_id }) => <Link to={`/networks/${network_id}`}>{nameOf(network_id)}</Link>,
    }
    const range: Column<ReservedAddress> = {
      id: 'range',
      header: t(networkWords.range),
      width: '150px',
      cell: ({ network_id }) => <span className="mono">{networks?.get(network_id)?.cidr}</span>,
    }
    return [
      {
        id: 'address',
        header: t(common.address),
        width: '150px',
        sortBy: ({ address }) => ipv4Number(address) ?? 0,
        cell: ({ address }) => <span className="mono">{address}</span>,
      },
      {
        id: 'name',
        header: t(common.name),
        sortBy: ({ name }) => name,
        cell: ({ name }) => name || <span className="soft">{t(common.unnamed)}</span>,
      },
      ...(networks ? [network, range] : []),
      {
        id: 'description',
        header: t(common.description),
        cell: ({ description }) => <span title={description}>{description}</span>,
      },
      createdColumn(t),
      {
        id: 'acts',
        header: t(common.actions),
        width: '150px',
        isEnd: true,
        cell: (row) => (
          <span style={{ display: 'inline-flex', alignItems: 'center', verticalAlign: 'middle' }}>
            {onEdit && (
              <Button
                look="quiet"
                isSmall
                icon={<Pencil size={15} aria-hidden />}
                label={t(words.editThis, { address: row.address })}
                why={why}
                onPress={() => onEdit(row)}
              />
            )}
            <Button look="quiet" isSmall why={why} onPress={() => onRelease([row])}>
              {t(words.release)} <span className="visually-hidden">{row.address}</span>
            </Button>
          </span>
        ),
      },
    ]
  }, [t, why, networks, onEdit, onRelease])
}
