/** What was asked for a NIC beside what hypervisor and guest show of it. */
import type { Network, Nic } from '../../api/client.ts'

export type Aspect = 'mac' | 'address' | 'ipv6' | 'interface' | 'link' | 'bridge' | 'mtu'
export type Difference =
  | 'macDiffers'
  | 'addressMissing'
  | 'addressExtra'
  | 'ipv6Missing'
  | 'linkDown'
  | 'bridgeDiffers'
  | 'bridgeMissing'
  | 'mtuDiffers'

export interface Compared {
  readonly aspect: Aspect
  /** `undefined`: it does not say, and need not. `null`: there is none. */
  readonly asked?: string | null
  readonly host?: string | null
  readonly guest?: string | null
  readonly difference?: Difference
}

/** For a NIC on a server. What has not been reported is no difference. */
export function compare(nic: Nic, network: Pick<Network, 'vni' | 'mtu'> | undefined): readonly Compared[] {
  const { host, guest } = nic
  const mac: Compared = {
    aspect: 'mac',
    asked: nic.id,
    ...(guest && { guest: guest.mac, ...marked(guest.mac !== nic.id, 'macDiffers') }),
  }
  const rows = [mac, address(nic), ipv6(nic)]
  if (host || guest) rows.push({ aspect: 'interface', host: host?.tap, guest: guest?.interface_name })
  rows.push({
    aspect: 'link',
    asked: 'up',
    ...(host && { host: host.up ? 'up' : 'down', ...marked(!host.up, 'linkDown') }),
  })
  if (network) {
    const bridge = bridgeName(network.vni)
    const isElsewhere = host?.bridge !== bridge
    rows.push(
      {
        aspect: 'bridge',
        asked: bridge,
        ...(host && {
          host: host.bridge,
          ...marked(isElsewhere, host.bridge === null ? 'bridgeMissing' : 'bridgeDiffers'),
        }),
      },
      {
        aspect: 'mtu',
        asked: String(network.mtu),
        ...(host && { host: String(host.mtu), ...marked(host.mtu !== network.mtu, 'mtuDiffers') }),
      },
    )
  }
  return rows.filter(({ asked, host: seen, guest: told }) => asked != null || seen != null || told != null)
}

/** As workers name it. */
const bridgeName = (vni: number): string => `br-${vni.toString(16)}`

const marked = (is: boolean, difference: Difference) => (is ? { difference } : {})

function address(nic: Nic): Compared {
  const row = { aspect: 'address', asked: nic.address } as const
  if (!nic.guest) return row
  const shown = bare(nic.guest.addresses).filter((one) => !one.includes(':'))
  const guest = shown.join(', ') || null
  // Without an address of its own it may use reserved ones, and what is outside our networks.
  if (nic.address === null) return { ...row, guest }
  if (!shown.includes(nic.address)) return { ...row, guest, difference: 'addressMissing' }
  const isExtra = nic.anti_spoofing && nic.allowed_address_pairs.length === 0 && shown.length > 1
  return { ...row, guest, ...marked(isExtra, 'addressExtra') }
}

function ipv6(nic: Nic): Compared {
  const row = { aspect: 'ipv6', asked: nic.ipv6_address } as const
  if (!nic.guest) return row
  const shown = bare(nic.guest.addresses).filter((one) => one.includes(':') && !/^fe[89ab]/i.test(one))
  const isMissing = nic.ipv6_address !== null && !shown.includes(nic.ipv6_address)
  return { ...row, guest: shown.join(', ') || null, ...marked(isMissing, 'ipv6Missing') }
}

/** Without the length of the prefix. */
const bare = (addresses: readonly string[]): readonly string[] => addresses.map((one) => one.replace(/\/.*$/, ''))
