import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'

/** 32 bytes that encrypt the secrets in the database; every replica has the same. */
export type SecretKey = Buffer

const ALGORITHM = 'aes-256-gcm'
const IV_BYTES = 12 // the nonce length GCM is specified for (NIST SP 800-38D, 5.2.1.1)
const TAG_BYTES = 16

/** @returns nonce, tag and cipher text, one behind the other. */
export function encryptSecret(key: SecretKey, secret: string): Buffer {
  const iv = randomBytes(IV_BYTES)
  const cipher = createCipheriv(ALGORITHM, key, iv, { authTagLength: TAG_BYTES })
  const text = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()])
  return Buffer.concat([iv, cipher.getAuthTag(), text])
}

/** @throws Error when the key is not the one it was encrypted with, or the bytes were changed. */
export function decryptSecret(key: SecretKey, sealed: Buffer): string {
  const decipher = createDecipheriv(ALGORITHM, key, sealed.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES })
  decipher.setAuthTag(sealed.subarray(IV_BYTES, IV_BYTES + TAG_BYTES))
  return Buffer.concat([decipher.update(sealed.subarray(IV_BYTES + TAG_BYTES)), decipher.final()]).toString('utf8')
}
