import { describe, expect, it } from 'vitest'
import type { Nic } from '../../api/client.ts'
import { firstFree, lookOf, nicsBySlot, SLOT_NUMBERS, untold } from './slots.ts'

const aNic = (id: string, more: Partial<Nic> = {}): Nic => ({
  id,
  name: id,
  description: '',
  tags: {},
  network_id: 'net-1',
  port: 1,
  address: null,
  ipv6_address: null,
  primary: false,
  state: 'in_use',
  server_id: 'i-1',
  slot: null,
  job_id: null,
  last_error: null,
  security_group_ids: [],
  anti_spoofing: true,
  allowed_address_pairs: [],
  bandwidth: { in_mbps: null, out_mbps: null },
  host: null,
  guest: null,
  observed_at: null,
  elastic_ip: null,
  generation: 1,
  created_at: '',
  updated_at: '',
  ...more,
})

describe('the slots of a server', () => {
  it('hold its NICs, which stay the same objects', () => {
    const first = aNic('a', { slot: 0 })
    expect(nicsBySlot([first, aNic('b', { slot: 7 })], []).get(0)).toBe(first)
    expect(nicsBySlot([first], []).has(1)).toBe(false)
  })

  it('show at once what was asked for here', () => {
    const free = aNic('a', { state: 'available', server_id: null, last_error: 'once' })
    const there = aNic('b', { slot: 7 })
    const slots = nicsBySlot(
      [there],
      [
        { nic: free, slot: 3, state: 'attaching' },
        { nic: there, slot: 7, state: 'detaching' },
      ],
    )
    expect([slots.get(3), slots.get(7)].map((nic) => nic && lookOf(nic))).toEqual(['busy', 'busy'])
    expect(slots.get(3)?.last_error).toBeNull()
  })

  it('show what the service tells as soon as it tells of a move', () => {
    const nic = aNic('a', { state: 'available', generation: 4 })
    const attach = { nic, slot: 3, state: 'attaching' } as const
    expect(untold([attach], [], [nic])).toEqual([attach])
    expect(untold([attach], [], [])).toEqual([attach])
    expect(untold([attach], [{ ...nic, generation: 5 }], [nic])).toEqual([])
    expect(untold([attach], [], [{ ...nic, generation: 6 }])).toEqual([])
    const detach = { nic, slot: 3, state: 'detaching' } as const
    expect(untold([detach], [nic], [])).toEqual([detach])
    expect(untold([detach], [{ ...nic, generation: 5 }], [])).toEqual([])
    // It has left, and is not among the free ones that were read.
    expect(untold([detach], [], [])).toEqual([])
  })

  it('give the lowest free one to whoever names none, and never the primary NIC’s', () => {
    expect(firstFree(new Map())).toBe(1)
    expect(firstFree(new Map([[1, aNic('a')]]))).toBe(2)
    expect(firstFree(new Map(SLOT_NUMBERS.slice(1).map((slot) => [slot, aNic(String(slot))])))).toBeUndefined()
  })

  it('look failed when a card could not be taken out', () => {
    expect(lookOf(aNic('a', { last_error: 'the guest holds on to it' }))).toBe('failed')
    expect(lookOf(aNic('a', { state: 'detaching' }))).toBe('busy')
  })
})
