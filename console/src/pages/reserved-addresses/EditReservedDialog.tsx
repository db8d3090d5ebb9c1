import { type ReservedAddress, updateReservedAddress } from '../../api/client.ts'
import { useText } from '../../text/language.tsx'
import { reservedAddresses as words } from '../../text/reserved-addresses.ts'
import { EditDialog } from '../../ui/EditDialog.tsx'

export function EditReservedDialog({ of: reserved, onClose }: { of: ReservedAddress; onClose: () => void }) {
  const t = useText()
  return (
    <EditDialog
      title={t(words.editThis, { address: reserved.address })}
      of={reserved}
      mayBeNameless
      save={(changes, options) => updateReservedAddress(reserved.id, changes, options)}
      onClose={onClose}
    />
  )
}
