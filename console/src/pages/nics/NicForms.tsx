/** What a NIC is called, and where it is. */
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { ifUnchanged, useAct } from '../../api/act.ts'
import { type Nic, updateNic } from '../../api/client.ts'
import { networksQuery } from '../../api/queries.ts'
import { common } from '../../text/common.ts'
import { useText } from '../../text/language.tsx'
import { nicPage } from '../../text/nic-page.ts'
import { ConfirmDialog, FormDialog } from '../../ui/Dialog.tsx'
import { EditDialog } from '../../ui/EditDialog.tsx'
import { ComboBox } from '../../ui/fields.tsx'
import { AddressesField } from './AddressesField.tsx'
import { useNetworkOptions } from './use-network-options.ts'

export interface NicDialogProps {
  /** As the user saw it when the dialog was opened. */
  readonly nic: Nic
  readonly onClose: () => void
}

const useUpdate = (nic: Nic) =>
  useAct((changes: Parameters<typeof updateNic>[1], options) => updateNic(nic.id, changes, ifUnchanged(nic, options)))

export function EditNicDialog({ nic, onClose }: NicDialogProps) {
  const t = useText()
  return (
    <EditDialog
      title={t(common.edit)}
      of={nic}
      mayBeNameless
      save={(changes, options) => updateNic(nic.id, changes, options)}
      onClose={onClose}
    />
  )
}

export function ChangeAddressDialog({ nic, onClose }: NicDialogProps) {
  const t = useText()
  const network = useQuery(networksQuery()).data?.items.find(({ id }) => id === nic.network_id)
  const [address, setAddress] = useState('')
  return (
    <FormDialog
      title={t(nicPage.changeAddress)}
      submit={t(common.save)}
      isWide
      act={useUpdate(nic)}
      values={() => ({ address: address.trim() })}
      fields={['address']}
      onClose={onClose}
    >
      {network && (
        <AddressesField
          label={t(nicPage.newAddress)}
          name="address"
          network={network}
          value={address}
          onChange={setAddress}
          isRequired
          isSingle
        />
      )}
    </FormDialog>
  )
}

export function RemoveAddressDialog({ nic, onClose }: NicDialogProps) {
  const t = useText()
  const network = useQuery(networksQuery()).data?.items.find(({ id }) => id === nic.network_id)
  const act = useAct<void, Nic>((_, options) => updateNic(nic.id, { address: null }, ifUnchanged(nic, options)))
  return (
    <ConfirmDialog title={t(nicPage.removeAddress)} confirm={t(nicPage.removeAddress)} act={act} onClose={onClose}>
      <p>
        {t(nicPage.removeAddressLoses, {
          network: network?.name || nic.network_id,
          address: nic.address ?? t(common.none),
        })}
      </p>
    </ConfirmDialog>
  )
}

export function MoveNicDialog({ nic, onClose }: NicDialogProps) {
  const t = useText()
  const { data } = useQuery(networksQuery())
  const options = useNetworkOptions(data?.items ?? []).map((option) =>
    option.id === nic.network_id ? { ...option, why: t(nicPage.moveSame) } : option,
  )
  const [networkId, setNetworkId] = useState<string | null>(null)
  const [address, setAddress] = useState('')
  const network = data?.items.find(({ id }) => id === networkId)
  return (
    <FormDialog
      title={t(nicPage.move)}
      submit={t(common.save)}
      isWide
      act={useUpdate(nic)}
      values={() => ({ network_id: networkId ?? '', ...(address.trim() !== '' && { address: address.trim() }) })}
      fields={['network_id', 'address']}
      onClose={onClose}
    >
      {nic.address !== null && <p>{t(nicPage.moveLoses, { address: nic.address })}</p>}
      <ComboBox
        label={t(common.network)}
        name="network_id"
        isRequired
        options={options}
        value={networkId}
        onChange={(id) => {
          if (id !== networkId) setAddress('')
          setNetworkId(id)
        }}
      />
      {network && network.cidr !== null && (
        <AddressesField
          key={network.id}
          label={t(common.address)}
          name="address"
          network={network}
          value={address}
          onChange={setAddress}
          isSingle
        />
      )}
    </FormDialog>
  )
}
