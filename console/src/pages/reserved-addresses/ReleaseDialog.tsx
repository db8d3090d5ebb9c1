import { useState } from 'react'
import { ifUnchanged, useAct } from '../../api/act.ts'
import { type ReservedAddress, releaseAddress } from '../../api/client.ts'
import { networksQuery, useById } from '../../api/queries.ts'
import { useText } from '../../text/language.tsx'
import { reservedAddresses as words } from '../../text/reserved-addresses.ts'
import { ConfirmDialog } from '../../ui/Dialog.tsx'

interface Props {
  readonly addresses: readonly ReservedAddress[]
  readonly onClose: () => void
}

/** Gives reserved addresses back, one after the other. */
export function ReleaseDialog({ addresses, onClose }: Props) {
  const t = useText()
  const networks = useById(networksQuery())
  // When one of several is refused, those before it are gone: only the others are asked for again.
  const [left, setLeft] = useState(addresses)
  const act = useAct<void, true>(async (_, options) => {
    for (const address of left) {
      await releaseAddress(address.id, ifUnchanged(address, options))
      setLeft((now) => now.filter(({ id }) => id !== address.id))
    }
    return true
  })
  const [first] = left
  if (!first) return null
  const isOne = left.length === 1
  return (
    <ConfirmDialog
      title={isOne ? t(words.releaseOne, { address: first.address }) : t(words.releaseMany, { count: left.length })}
      confirm={t(words.release)}
      act={act}
      onClose={onClose}
    >
      {!isOne && <p className="mono">{left.map(({ address }) => address).join(', ')}</p>}
      <p>
        {isOne
          ? t(words.releaseLoses, { network: networks.get(first.network_id)?.name ?? first.network_id })
          : t(words.releaseManyLoses)}
      </p>
    </ConfirmDialog>
  )
}
