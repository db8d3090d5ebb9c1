import { expect, it } from 'vitest'

import { bridgedPortNames, segmentNumber, uplinkBridgeName, uplinkHostEndName, uplinkPortName } from './names.ts'
import { segmentsOf } from './segments.ts'
import type { ElasticIpSpec, RouterSpec } from './specs.ts'

const anElasticIp = (address: string, cidr = '203.0.113.0/24'): ElasticIpSpec => ({
  address,
  cidr,
  gateway: '203.0.113.1',
  interface: 'eth1',
})

const aRouter = (...elasticIps: ElasticIpSpec[]): RouterSpec => ({
  vpcId: 'vpc-3f9k2m7qxz',
  cidr: '172.16.0.0/16',
  elasticIps,
  routing: true,
  sourceNat: false,
  portForwardings: [],
})

it('elastic IPs of one block on one interface are on one segment, whatever their order', () => {
  const [a, b, c] = [
    anElasticIp('203.0.113.7'),
    anElasticIp('203.0.113.8'),
    anElasticIp('198.51.100.9', '198.51.100.0/24'),
  ]
  const segments = segmentsOf(aRouter(b, c, a))
  expect(segments).toEqual(segmentsOf(aRouter(a, b, c)))
  expect(segments.map(({ elasticIps }) => elasticIps)).toEqual([[c], [a, b]])
})

it('every name fits in IFNAMSIZ', () => {
  const [segment] = segmentsOf(aRouter(anElasticIp('203.0.113.7')))
  const names = [
    segment?.port,
    segment?.link,
    uplinkBridgeName('enp0s31f6'),
    uplinkPortName('enp0s31f6'),
    uplinkHostEndName('patchbay', 'enp0s31f6'),
    ...Object.values(bridgedPortNames(2 ** 24 - 1)),
  ]
  for (const name of names) expect(name).toMatch(/^[a-z]{2,3}-[0-9a-f]{6,10}$/)
})

it('numbers of segments are far from the tables that the kernel has names for', () => {
  const number = segmentNumber({ interface: 'eth1', cidr: '203.0.113.0/24' })
  expect(number).toBeGreaterThanOrEqual(2 ** 28)
  expect(number).toBeLessThan(2 ** 29)
})
