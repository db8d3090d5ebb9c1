/** SSH keys in the forms that OpenSSH writes them. @see RFC 4253, section 6.6 */
import { generateKeyPair, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'

const RSA_BITS = 2048
const ALGORITHMS = [
  'ssh-rsa',
  'ssh-dss',
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'sk-ssh-ed25519@openssh.com',
  'sk-ecdsa-sha2-nistp256@openssh.com',
] as const

/** A public key without its comment. */
export interface PublicKey {
  /** As it stands in the key: `ssh-rsa`, `ssh-ed25519`, … */
  readonly algorithm: string
  /** Base64 only. */
  readonly publicKey: string
}

/**
 * Reads a line of `authorized_keys` or of a `.pub` file: algorithm, base64, and a comment if there is one.
 * @returns `undefined` when it is none.
 */
export function parsePublicKey(line: string): PublicKey | undefined {
  const [algorithm = '', publicKey = ''] = line.trim().split(/\s+/, 2)
  if (!ALGORITHMS.some((known) => known === algorithm)) return undefined
  const blob = Buffer.from(publicKey, 'base64')
  if (blob.toString('base64') !== publicKey) return undefined
  // The key says itself what it is.
  const name = blob.subarray(0, 4 + algorithm.length)
  return name.equals(field(Buffer.from(algorithm))) && blob.length > name.length ? { algorithm, publicKey } : undefined
}

/** Makes an RSA key. @returns with the private key as PEM (PKCS #1), which is not kept anywhere. */
export async function makeRsaKey(): Promise<PublicKey & { readonly privateKey: string }> {
  const made = await promisify(generateKeyPair)('rsa', { modulusLength: RSA_BITS })
  return {
    algorithm: 'ssh-rsa',
    publicKey: rsaBlob(made.publicKey).toString('base64'),
    privateKey: made.privateKey.export({ type: 'pkcs1', format: 'pem' }).toString(),
  }
}

function rsaBlob(key: KeyObject): Buffer {
  const { e = '', n = '' } = key.export({ format: 'jwk' })
  return Buffer.concat([Buffer.from('ssh-rsa'), positive(e), positive(n)].map(field))
}

/** A positive number, of which the first bit is not set: it would be the sign. */
function positive(base64url: string): Buffer {
  const bytes = Buffer.from(base64url, 'base64url')
  return (bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes
}

/** Bytes with their number before them. */
function field(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}
