import { useState } from 'react'
import { joinServer, leaveServer, type Nic, type Server } from '../../api/client.ts'
import { networksQuery, useById } from '../../api/queries.ts'
import { useJob } from '../../app/our-jobs.ts'
import { common } from '../../text/common.ts'
import { useText } from '../../text/language.tsx'
import { servers } from '../../text/servers.ts'
import { FormDialog } from '../../ui/Dialog.tsx'
import { Select } from '../../ui/fields.tsx'
import { AddressField } from './AddressField.tsx'
import { NetworkField, useOnlyNetwork } from './NetworkField.tsx'

interface JoinProps {
  readonly server: Server
  /** Why it cannot be done now. */
  readonly why?: string | undefined
  readonly onClose: () => void
}

/** Joins a server to a network, by its primary NIC when it has none yet. */
export function JoinNetwork({ server, why, onClose }: JoinProps) {
  const t = useText()
  const [networkId, setNetworkId] = useOnlyNetwork()
  const [address, setAddress] = useState('')
  const act = useJob((wanted: Parameters<typeof joinServer>[1], options) => joinServer(server.id, wanted, options))
  return (
    <FormDialog
      title={t(servers.join)}
      submit={t(servers.join)}
      act={act}
      values={() => ({
        network_id: networkId ?? '',
        ...(address.trim() === '' ? {} : { address: address.trim() }),
      })}
      fields={['network_id', 'address']}
      why={why}
      onClose={onClose}
    >
      <p className="soft">{t(servers.joinHint)}</p>
      <NetworkField value={networkId} onChange={setNetworkId} isRequired />
      <AddressField value={address} onChange={setAddress} />
    </FormDialog>
  )
}

/** Takes a server out of a network that it joined. Which those are only the service knows: it has NICs in these. */
export function LeaveNetwork({ server, nics, why, onClose }: JoinProps & { readonly nics: readonly Nic[] }) {
  const t = useText()
  const networks = useById(networksQuery())
  const ids = [...new Set(nics.map((nic) => nic.network_id))]
  const [chosen, choose] = useState<string | null>(null)
  const networkId = chosen ?? nics.find(({ primary }) => primary)?.network_id ?? null
  const act = useJob((id: string, options) => leaveServer(server.id, { network_id: id }, options))
  return (
    <FormDialog
      title={t(servers.leave)}
      submit={t(servers.leaves)}
      look="danger"
      act={act}
      values={() => networkId ?? ''}
      fields={['network_id']}
      why={why}
      onClose={onClose}
    >
      <p className="soft">{t(servers.leaveHint)}</p>
      <Select
        label={t(common.network)}
        name="network_id"
        isRequired
        value={networkId}
        onChange={choose}
        options={ids.map((id) => ({ id, label: networks.get(id)?.name ?? id }))}
      />
    </FormDialog>
  )
}
