import { expect, it } from 'vitest'
import { storable } from './storable.ts'

it('what PostgreSQL cannot store becomes U+FFFD, however deep, and the rest stays', () => {
  const said = { a: 'x\0y', b: ['\ud83d', '\ud83d\ude00', null, 1.5, true], c: { d: '\udc00\n' } }
  expect(storable(said)).toEqual({
    a: 'x\ufffdy',
    b: ['\ufffd', '\ud83d\ude00', null, 1.5, true],
    c: { d: '\ufffd\n' },
  })
  expect(storable(null)).toBeNull()
})
