import { expect, it } from 'vitest'

import {
  bridgeMac,
  bridgeName,
  gatewayLinkLocal,
  gatewayMac,
  gatewayMark,
  gatewayOfMark,
  gatewayPortName,
  networkMark,
  networkOfMark,
  nicMark,
  nicOfMark,
  nicOfShaperMark,
  routerPortName,
  shaperMark,
  shaperName,
  tapMac,
  tapName,
} from './names.ts'

it('names of the largest VNI and of any tap fit into an interface name (15 bytes)', () => {
  for (const name of [bridgeName, gatewayPortName, routerPortName]) expect(name(2 ** 24 - 1).length).toBeLessThan(16)
  expect(tapName('52:54:0a:b1:c2:d3')).toBe('tap0ab1c2d3')
  expect(shaperName('52:54:0a:b1:c2:d3')).toBe('ifb0ab1c2d3')
})

it('a VNI outside 4096..2^24-1 has no name', () => {
  for (const vni of [0, 4095, 2 ** 24, 5000.5, Number.NaN]) expect(() => bridgeName(vni)).toThrow(RangeError)
  expect(bridgeName(4096)).toBe('br-1000')
})

it('a MAC that is not ours, or not in lower case, has no tap', () => {
  for (const mac of ['52:55:00:00:00:01', '52:54:00:00:00:0A', '52:54:00:00:00', '']) {
    expect(() => tapName(mac)).toThrow(RangeError)
  }
})

it('hardware addresses that we make are unicast, and none is a NIC', () => {
  const made = [tapMac('52:54:00:00:00:01'), gatewayMac(4096), bridgeMac(0xabcdef)]
  expect(made).toEqual(['fe:54:00:00:00:01', '02:50:42:00:10:00', '02:50:43:ab:cd:ef'])
  for (const mac of made) expect(Number.parseInt(mac.slice(0, 2), 16) & 1).toBe(0)
})

it('the link-local address of a gateway is written as the kernel does', () => {
  expect(gatewayLinkLocal(0x1000)).toBe('fe80::50:42ff:fe00:1000')
  expect(gatewayLinkLocal(0xab0001)).toBe('fe80::50:42ff:feab:1')
  expect(gatewayLinkLocal(0x010000)).toBe('fe80::50:42ff:fe01:0')
})

it('marks are read back as they were written, and others are not', () => {
  expect(nicOfMark(nicMark('52:54:00:00:00:01'))).toBe('52:54:00:00:00:01')
  expect(nicOfShaperMark(shaperMark('52:54:00:00:00:01'))).toBe('52:54:00:00:00:01')
  expect(networkOfMark(networkMark('net-1'))).toBe('net-1')
  expect(gatewayOfMark(gatewayMark('net-1', 'vpc-2'))).toEqual({ networkId: 'net-1', routerId: 'vpc-2' })
  for (const read of [nicOfMark, nicOfShaperMark, networkOfMark, gatewayOfMark]) {
    expect(read(undefined)).toBeUndefined()
    expect(read('libvirt:web-1')).toBeUndefined()
  }
  expect(networkOfMark(nicMark('52:54:00:00:00:01'))).toBeUndefined()
})
