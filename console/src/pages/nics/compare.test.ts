import { describe, expect, it } from 'vitest'
import type { Nic } from '../../api/client.ts'
import { compare } from './compare.ts'

const network = { vni: 4100, mtu: 1500 }
const host = { tap: 'tap00000001', bridge: 'br-1004', up: true, mtu: 1500 }
const guest = { interface_name: 'eth1', mac: '52:54:00:00:00:01', addresses: ['10.0.0.2/24', 'fe80::1/64'] }
const aNic = (over: Partial<Nic> = {}): Nic =>
  ({
    id: '52:54:00:00:00:01',
    address: '10.0.0.2',
    ipv6_address: null,
    anti_spoofing: true,
    allowed_address_pairs: [],
    host,
    guest,
    ...over,
  }) as Nic
const differences = (nic: Nic) => compare(nic, network).flatMap(({ difference }) => difference ?? [])

describe('what was asked and what is seen', () => {
  it('is the same when all is well, and what nobody has is left out', () => {
    expect(differences(aNic())).toEqual([])
    expect(compare(aNic(), network).map(({ aspect }) => aspect)).toEqual([
      'mac',
      'address',
      'interface',
      'link',
      'bridge',
      'mtu',
    ])
  })

  it.each([
    ['the guest has lost its address', { guest: { ...guest, addresses: ['fe80::1/64'] } }, 'addressMissing'],
    [
      'the guest has another besides',
      { guest: { ...guest, addresses: ['10.0.0.2/24', '10.0.0.9/24'] } },
      'addressExtra',
    ],
    ['the guest lacks its IPv6 address', { ipv6_address: 'fd00::1' }, 'ipv6Missing'],
    ['the guest shows another MAC', { guest: { ...guest, mac: '52:54:00:00:00:99' } }, 'macDiffers'],
    ['the tap is down', { host: { ...host, up: false } }, 'linkDown'],
    ['the tap is on another bridge', { host: { ...host, bridge: 'br-1005' } }, 'bridgeDiffers'],
    ['the tap is on none', { host: { ...host, bridge: null } }, 'bridgeMissing'],
    ['packets are shorter than asked', { host: { ...host, mtu: 1400 } }, 'mtuDiffers'],
  ] as const)('differs when %s', (_, over, difference) => {
    expect(differences(aNic(over as Partial<Nic>))).toEqual([difference])
  })

  it('does not differ by what has not been reported', () => {
    expect(differences(aNic({ host: null, guest: null, ipv6_address: 'fd00::1' }))).toEqual([])
  })

  it('does not differ by addresses that the NIC may use', () => {
    const addresses = ['10.0.0.2/24', '10.0.0.9/24']
    expect(
      differences(aNic({ guest: { ...guest, addresses }, allowed_address_pairs: [{ address: '10.0.0.9' }] })),
    ).toEqual([])
    expect(differences(aNic({ guest: { ...guest, addresses }, anti_spoofing: false }))).toEqual([])
    expect(differences(aNic({ guest, address: null }))).toEqual([])
  })
})
