import { expect, it } from 'vitest'
import { rateText, segments } from './traffic.ts'

it.each([
  [0, '0 bit/s'],
  [100, '800 bit/s'],
  [125, '1 kbit/s'],
  [150_000, '1.2 Mbit/s'],
  [12_500_000, '100 Mbit/s'],
  [12_500_000_000, '100 Gbit/s'],
  [12_500_000_000_000, '100,000 Gbit/s'],
])('%d bytes per second are %s', (bytes, text) => expect(rateText(bytes, 'en-GB')).toBe(text))

it('a line has a gap where nothing was measured', () => {
  const at = (minutes: number) => ({
    at: new Date(minutes * 60_000).toISOString(),
    in_bytes_per_second: 1,
    out_bytes_per_second: 1,
  })
  const parts = segments([at(0), at(5), at(30), at(35), at(60)], 5 * 60_000)
  expect(parts.map(({ length }) => length)).toEqual([2, 2, 1])
})
