import { useText } from '../../text/language.tsx'
import { networks } from '../../text/networks.ts'
import { NumberField, Pair, TextField } from '../../ui/fields.tsx'
import { addressesIn, isDomain, isIpv4 } from './ranges.ts'
import type { NetworkForm } from './use-create-network.ts'

type DhcpForm = Pick<NetworkForm, 'lease' | 'dns' | 'domain'>

/** What DHCP tells the guests of a network. */
export function DhcpFields({ form, set }: { form: DhcpForm; set: (changes: Partial<DhcpForm>) => void }) {
  const t = useText()
  const checkDns = (value: string) => {
    const addresses = addressesIn(value)
    return addresses.length <= 3 && addresses.every(isIpv4) ? undefined : t(networks.mustBeDns)
  }
  return (
    <>
      <TextField
        label={t(networks.dns)}
        name="dns_servers"
        value={form.dns}
        onChange={(dns) => set({ dns })}
        check={checkDns}
        hint={t(networks.dnsHint)}
        isMono
      />
      <Pair>
        <TextField
          label={t(networks.domain)}
          name="domain"
          value={form.domain}
          onChange={(domain) => set({ domain })}
          check={(value) => (isDomain(value) ? undefined : t(networks.mustBeDomain))}
        />
        <NumberField
          label={t(networks.lease)}
          name="lease_seconds"
          value={form.lease}
          onChange={(lease) => set({ lease })}
          min={120}
          max={31_536_000}
          placeholder="86400"
        />
      </Pair>
    </>
  )
}
