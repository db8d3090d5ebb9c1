import { describe, expect, it } from 'vitest'
import type { Nic, ReservedAddress } from '../../api/client.ts'
import { addressCells, toggled, withBetween } from './address-cells.ts'

const routed = { cidr: '172.16.1.0/24', gateway: '172.16.1.1', address_range: null }
const nic = { id: '52:54:00:00:00:01', address: '172.16.1.7' } as Nic
const held = { id: 'rsv-1', address: '172.16.1.9' } as ReservedAddress

describe('the cells of a network', () => {
  const cells = addressCells(routed, [nic], [held])

  it('are those of its /24, of which 252 can be given out', () => {
    expect(cells).toHaveLength(256)
    expect(cells.filter(({ kind }) => ['free', 'used', 'reserved'].includes(kind))).toHaveLength(252)
    expect(cells[0]?.kind).toBe('outside')
    expect(cells[1]?.kind).toBe('gateway')
    expect(cells[2]).toEqual({ address: '172.16.1.2', octet: 2, kind: 'free' })
    expect(cells[254]?.kind).toBe('dhcp')
    expect(cells[255]?.kind).toBe('outside')
  })

  it('say who has an address', () => {
    expect(cells[7]).toMatchObject({ kind: 'used', nic })
    expect(cells[9]).toMatchObject({ kind: 'reserved', reserved: held })
  })

  it('leave out what is not in the range of a bridged network, and its gateway wherever it is', () => {
    const range = { first: '203.0.113.10', last: '203.0.113.20' }
    const bridged = addressCells({ cidr: '203.0.113.0/24', gateway: '203.0.113.129', address_range: range }, [], [])
    expect(bridged.filter(({ kind }) => kind === 'free').map(({ octet }) => octet)).toEqual([
      10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20,
    ])
    expect(bridged[129]?.kind).toBe('gateway')
  })

  it('are none without a range of addresses', () => {
    expect(addressCells({ cidr: null, gateway: null, address_range: null }, [], [])).toEqual([])
  })

  it('are taken from one to another, as far as they are free', () => {
    expect(withBetween(cells, ['172.16.1.6'], 10, 6)).toEqual(['172.16.1.6', '172.16.1.8', '172.16.1.10'])
  })
})

it('choosing an address again gives it back', () => {
  expect(toggled(toggled([], '10.0.0.2'), '10.0.0.3')).toEqual(['10.0.0.2', '10.0.0.3'])
  expect(toggled(['10.0.0.2', '10.0.0.3'], '10.0.0.2')).toEqual(['10.0.0.3'])
})
