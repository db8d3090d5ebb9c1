import { randomBytes } from 'node:crypto'
import { expect, it } from 'vitest'
import { decryptSecret, encryptSecret } from './secrets.ts'

const key = randomBytes(32)

it.each(['', 'secret', 'ümlaut 🔑', 'x'.repeat(100_000)])('what was encrypted is decrypted to the same', (secret) => {
  expect(decryptSecret(key, encryptSecret(key, secret))).toBe(secret)
})

it('the same secret is encrypted differently each time, and is nowhere in it', () => {
  const [one, two] = [encryptSecret(key, 'a secret'), encryptSecret(key, 'a secret')]
  expect(one.equals(two)).toBe(false)
  expect(one.includes('a secret')).toBe(false)
})

it('another key decrypts nothing', () => {
  expect(() => decryptSecret(randomBytes(32), encryptSecret(key, 'a secret'))).toThrow()
})

it('a changed byte anywhere, or a missing end, is noticed', () => {
  const sealed = encryptSecret(key, 'a secret')
  for (let at = 0; at < sealed.length; at++) {
    const changed = Buffer.from(sealed)
    changed[at] = (changed[at] ?? 0) ^ 1
    expect(() => decryptSecret(key, changed), `byte ${at}`).toThrow()
  }
  for (const length of [0, 12, 20, sealed.length - 1])
    expect(() => decryptSecret(key, sealed.subarray(0, length))).toThrow()
})
