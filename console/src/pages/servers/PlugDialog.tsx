import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { attachNic, createNic, type Server } from '../../api/client.ts'
import { networksQuery, useById } from '../../api/queries.ts'
import { useJob } from '../../app/our-jobs.ts'
import { common } from '../../text/common.ts'
import { useText } from '../../text/language.tsx'
import { servers } from '../../text/servers.ts'
import { FormDialog } from '../../ui/Dialog.tsx'
import { ComboBox, RadioGroup } from '../../ui/fields.tsx'
import { NameField } from '../../ui/NameFields.tsx'
import { AddressField } from './AddressField.tsx'
import { NetworkField, useOnlyNetwork } from './NetworkField.tsx'
import { nicName } from './nic-name.ts'
import { freeNicsQuery } from './use-plugging.ts'

interface PlugDialogProps {
  readonly server: Server
  readonly slot: number
  /** Why nothing can be plugged in. */
  readonly why: string | undefined
  readonly onClose: () => void
}

/** Plugs a NIC into a slot: a free one, or a new one that is made for it. */
export function PlugDialog({ server, slot, why, onClose }: PlugDialogProps) {
  const t = useText()
  const networks = useById(networksQuery())
  const { data: free } = useQuery(freeNicsQuery(''))
  const [chosenWay, setWay] = useState<'existing' | 'fresh'>()
  const [nicId, setNicId] = useState<string | null>(null)
  const [networkId, setNetworkId] = useOnlyNetwork()
  const [name, setName] = useState('')
  const [address, setAddress] = useState('')
  const way = chosenWay ?? (free?.items.length === 0 ? 'fresh' : 'existing')

  const act = useJob(async (wanted: { nic_id: string } | Parameters<typeof createNic>[0], options) => {
    if ('nic_id' in wanted) return attachNic(wanted.nic_id, { server_id: server.id, slot }, options)
    const made = await createNic(wanted, options)
    // What was made is not made again when plugging it in is refused.
    setNicId(made.id)
    setWay('existing')
    return attachNic(made.id, { server_id: server.id, slot })
  })
  return (
    <FormDialog
      title={t(servers.plugInto, { slot: String(slot) })}
      submit={t(servers.plug)}
      act={act}
      values={() =>
        way === 'existing'
          ? { nic_id: nicId ?? '' }
          : {
              network_id: networkId ?? '',
              ...(name.trim() === '' ? {} : { name: name.trim() }),
              ...(address.trim() === '' ? {} : { address: address.trim() }),
            }
      }
      fields={way === 'existing' ? ['nic_id'] : ['network_id', 'name', 'address']}
      why={why}
      onClose={onClose}
    >
      <RadioGroup
        label={t(servers.which)}
        name="way"
        value={way}
        onChange={(next) => setWay(next === 'fresh' ? 'fresh' : 'existing')}
        options={[
          { id: 'existing', label: t(servers.existing) },
          { id: 'fresh', label: t(servers.fresh) },
        ]}
      />
      {way === 'existing' ? (
        <ComboBox
          label={t(common.nic)}
          name="nic_id"
          isRequired
          value={nicId}
          onChange={setNicId}
          options={(free?.items ?? []).map((nic) => ({
            id: nic.id,
            label: nicName(nic),
            hint: [nic.address ?? t(servers.noAddress), networks.get(nic.network_id)?.name ?? nic.network_id].join(
              ' · ',
            ),
          }))}
        />
      ) : (
        <>
          <NetworkField value={networkId} onChange={setNetworkId} isRequired />
          <NameField value={name} onChange={setName} />
          <AddressField value={address} onChange={setAddress} />
        </>
      )}
    </FormDialog>
  )
}
