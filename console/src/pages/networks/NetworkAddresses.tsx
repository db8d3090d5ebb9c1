import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useNavigate } from 'react-router'
import type { Network, ReservedAddress } from '../../api/client.ts'
import { nicsQuery, reservedAddressesQuery } from '../../api/queries.ts'
import { useLacks } from '../../api/session.tsx'
import { common } from '../../text/common.ts'
import { useText } from '../../text/language.tsx'
import { networks } from '../../text/networks.ts'
import { Button } from '../../ui/Button.tsx'
import { DataTable } from '../../ui/DataTable.tsx'
import { Loading, Panel } from '../../ui/page.tsx'
import { AddressGrid } from '../nics/AddressGrid.tsx'
import { ReleaseDialog } from '../reserved-addresses/ReleaseDialog.tsx'
import { ReserveDialog } from '../reserved-addresses/ReserveDialog.tsx'
import { useReservedColumns } from '../reserved-addresses/reserved-columns.tsx'

/** Who has which address of a network; free ones are reserved here, and reserved ones released. */
export function NetworkAddresses({ network }: { network: Network }) {
  const t = useText()
  const lacks = useLacks()
  const navigate = useNavigate()
  const { data: nics } = useQuery(nicsQuery({ networkId: network.id }))
  const { data: reserved } = useQuery(reservedAddressesQuery({ networkId: network.id }))
  const [picked, setPicked] = useState<readonly string[]>([])
  const [isReserving, setReserving] = useState(false)
  const [releasing, setReleasing] = useState<readonly ReservedAddress[]>()
  const columns = useReservedColumns({ onRelease: setReleasing })

  if (network.cidr === null) {
    const isUnmanaged = network.type === 'unmanaged'
    return (
      <Panel title={t(networks.addresses)}>
        <p className="soft">{t(isUnmanaged ? networks.noAddressesUnmanaged : networks.noAddresses)}</p>
      </Panel>
    )
  }
  if (!nics || !reserved) return <Loading />
  const taken = new Set([...nics.items, ...reserved.items].map(({ address }) => address))
  // Somebody may have taken one of them since it was chosen.
  const chosen = picked.filter((address) => !taken.has(address))
  return (
    <Panel
      title={t(networks.addresses)}
      actions={
        <>
          {chosen.length > 0 && (
            <Button look="quiet" onPress={() => setPicked([])}>
              {t(common.clear)}
            </Button>
          )}
          <Button
            look={chosen.length > 0 ? 'primary' : 'plain'}
            why={lacks('operator') ?? (chosen.length === 0 ? t(networks.chooseFirst) : undefined)}
            onPress={() => setReserving(true)}
          >
            {chosen.length > 0 ? t(networks.reserveChosen, { count: chosen.length }) : t(networks.reserve)}
          </Button>
        </>
      }
    >
      <p className="soft">{t(networks.chooseToReserve)}</p>
      <AddressGrid
        network={network}
        nics={nics.items}
        reserved={reserved.items}
        chosen={chosen}
        onChosen={lacks('operator') ? undefined : setPicked}
        onOpen={(cell) => {
          if (cell.kind === 'used') void navigate(`/nics/${cell.nic.id}`)
          if (cell.kind === 'reserved' && !lacks('operator')) setReleasing([cell.reserved])
        }}
      />
      {reserved.items.length > 0 && (
        <>
          <h3>{t(common.reservedAddresses)}</h3>
          <DataTable
            label={t(common.reservedAddresses)}
            columns={columns}
            rows={reserved.items}
            idOf={({ id }) => id}
            nameOf={({ address }) => address}
          />
        </>
      )}
      {isReserving && (
        <ReserveDialog
          network={network}
          addresses={chosen}
          onClose={() => setReserving(false)}
          onDone={() => setPicked([])}
        />
      )}
      {releasing && <ReleaseDialog addresses={releasing} onClose={() => setReleasing(undefined)} />}
    </Panel>
  )
}
