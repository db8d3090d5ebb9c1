import { expect, it } from 'vitest'
import { searched } from './search.ts'

it.each([
  ['52:54:EE:9A:0C:89', { resourceId: '52:54:ee:9a:0c:89' }],
  [' net-5dsytamzby ', { resourceId: 'net-5dsytamzby' }],
  ['172.16.1.100', { address: '172.16.1.100' }],
  ['172.16.', {}],
  ['FD00:0:0:1::9', { address: 'fd00:0:0:1::9' }],
  ['52:5', {}],
  ['', {}],
])('looks for %j by %j', (text, filter) => {
  expect(searched(text)).toEqual(filter)
})
