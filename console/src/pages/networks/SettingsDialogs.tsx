/** What a network tells its guests, changed while they run. */
import { useState } from 'react'
import { ifUnchanged } from '../../api/act.ts'
import { type Network, setNetworkDhcp, setNetworkIpv6 } from '../../api/client.ts'
import { useJob } from '../../app/our-jobs.ts'
import { common } from '../../text/common.ts'
import { useText } from '../../text/language.tsx'
import { networks } from '../../text/networks.ts'
import { FormDialog } from '../../ui/Dialog.tsx'
import { TextField } from '../../ui/fields.tsx'
import { DhcpFields } from './DhcpFields.tsx'
import { isIpv6Slash64 } from './ranges.ts'
import { dhcpOf } from './use-create-network.ts'

interface Props {
  readonly network: Network
  readonly onClose: () => void
}

export function Ipv6Dialog({ network, onClose }: Props) {
  const t = useText()
  const [before] = useState(network)
  const [prefix, setPrefix] = useState(before.ipv6_cidr ?? '')
  const act = useJob((ipv6_cidr: string | null, options) =>
    setNetworkIpv6(before.id, { ipv6_cidr }, ifUnchanged(before, options)),
  )
  return (
    <FormDialog
      title={t(networks.setIpv6)}
      submit={t(common.save)}
      act={act}
      values={() => prefix.trim() || null}
      fields={['ipv6_cidr']}
      onClose={onClose}
    >
      {before.nic_count > 0 && <p>{t(networks.ipv6Change)}</p>}
      <TextField
        label={t(networks.ipv6Range)}
        name="ipv6_cidr"
        value={prefix}
        onChange={setPrefix}
        check={(value) => (isIpv6Slash64(value) ? undefined : t(networks.mustBeIpv6))}
        hint={t(networks.ipv6Empty)}
        placeholder="fd00:0:0:1::/64"
        isMono
        autoFocus
      />
    </FormDialog>
  )
}

export function DhcpDialog({ network, onClose }: Props) {
  const t = useText()
  const [before] = useState(network)
  const [form, setForm] = useState({
    lease: String(before.dhcp.lease_seconds),
    dns: before.dhcp.dns_servers.join(', '),
    domain: before.dhcp.domain ?? '',
  })
  const act = useJob((body: ReturnType<typeof dhcpOf>, options) =>
    setNetworkDhcp(before.id, body, ifUnchanged(before, options)),
  )
  return (
    <FormDialog
      title={t(networks.dhcpSettings)}
      submit={t(common.save)}
      act={act}
      values={() => dhcpOf(form)}
      fields={['lease_seconds', 'dns_servers', 'domain']}
      onClose={onClose}
    >
      <DhcpFields form={form} set={(changes) => setForm((now) => ({ ...now, ...changes }))} />
    </FormDialog>
  )
}
