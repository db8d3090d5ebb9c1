import { expect, it } from 'vitest'

import { ensureShaping, parseShaping } from './elastic-ip-shaping.ts'

// As iproute2 6.1 prints it.
const SHOWN = `qdisc htb 1: root refcnt 3 r2q 10 default 0 direct_packets_stat 0 direct_qlen 1000
qdisc bfifo 8001: parent 1:7105 limit 256Kb
class htb 1:7106 root prio 0 rate 25Gbit ceil 25Gbit burst 125000b cburst 125000b
class htb 1:7105 root leaf 8001: prio 0 rate 1500Mbit ceil 1500Mbit burst 131050b cburst 131050b
filter protocol ip pref 28933 u32 chain 0
filter protocol ip pref 28933 u32 chain 0 fh 800: ht divisor 1
filter protocol ip pref 28933 u32 chain 0 fh 800::800 order 2048 key ht 800 bkt 0 *flowid 1:7105 not_in_hw
  match cb007105/ffffffff at 12
`

it('reads classes with their queues and filters, also half of one', () => {
  expect(parseShaping(SHOWN)).toEqual(
    new Map([
      ['7106', { bitsPerSecond: 25e9 }],
      ['7105', { bitsPerSecond: 1.5e9, hasQueue: true, match: 'cb007105/ffffffff at 12' }],
    ]),
  )
})

it('a device with another queue shapes nothing of ours', () => {
  expect(parseShaping('qdisc noqueue 0: root refcnt 2\n')).toBeUndefined()
  expect(parseShaping('')).toBeUndefined()
})

it('two addresses that would share a class are refused', async () => {
  const addresses = ['10.1.0.7', '10.2.0.7'].map((address) => ({ address, mbps: 1 }))
  await expect(ensureShaping('nowhere', 'ext-00000000', 'src', addresses)).rejects.toThrow(RangeError)
})
