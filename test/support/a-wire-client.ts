/**
 * A client of the QingCloud wire, written from the facts of that wire and not from our own code: it signs as the Go
 * client does (sorted, `%20`, SHA-256, path as requested) and sends GET unless told otherwise.
 */
import { createHmac } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { expect } from 'vitest'
import { transaction } from '../../src/db/client.ts'
import { createAccessKey } from '../../src/domain/access-key/access-keys.ts'
import type { AccessRole } from '../../src/domain/actor.ts'
import type { RunningService } from './a-running-service.ts'
import type { Service } from './a-service.ts'

export interface WireKey {
  readonly access_key_id: string
  readonly secret_access_key: string
}
/** Lists as arrays, objects as arrays of objects; `undefined` is not sent. */
export type WireParameters = Readonly<
  Record<
    string,
    string | number | undefined | readonly (string | number)[] | readonly Readonly<Record<string, string | number>>[]
  >
>

export interface WireOptions {
  readonly method?: 'GET' | 'POST'
  /** `/iaas/` or `/iaas`. */
  readonly path?: string
  readonly hash?: 'HmacSHA256' | 'HmacSHA1'
  /** The time stamp, as milliseconds. */
  readonly at?: number
  /** A POST whose length is not said, as the Go client sends them. */
  readonly chunked?: boolean
  /** Replaces parameters after signing. */
  readonly tamper?: Readonly<Record<string, string>>
}

// biome-ignore lint/suspicious/noExplicitAny: tests read answers freely
export type WireAnswer = any

const percentEncoded = (text: string) =>
  [...Buffer.from(text)]
    .map((byte) => {
      const letter = String.fromCharCode(byte)
      return /[A-Za-z0-9\-_.~]/.test(letter) ? letter : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
    })
    .join('')

/** Parameters as `name.N.field` and the like. */
export function flatten(parameters: WireParameters): Record<string, string> {
  const flat: Record<string, string> = {}
  for (const [name, value] of Object.entries(parameters)) {
    if (value === undefined) continue
    if (!Array.isArray(value)) flat[name] = String(value)
    for (const [index, item] of Array.isArray(value) ? value.entries() : []) {
      if (typeof item !== 'object') flat[`${name}.${index + 1}`] = String(item)
      else for (const [field, inner] of Object.entries(item)) flat[`${name}.${index + 1}.${field}`] = String(inner)
    }
  }
  return flat
}

/** The query string (or body) of a signed request. */
export function signed(key: WireKey, parameters: WireParameters, options: WireOptions = {}): string {
  const { method = 'GET', path = '/iaas/', hash = 'HmacSHA256', at = Date.now() } = options
  const all: Record<string, string> = {
    ...flatten(parameters),
    access_key_id: key.access_key_id,
    signature_method: hash,
    signature_version: '1',
    time_stamp: `${new Date(at).toISOString().slice(0, 19)}Z`,
  }
  const text = Object.keys(all)
    .sort()
    .map((name) => `${percentEncoded(name)}=${percentEncoded(all[name] ?? '')}`)
    .join('&')
  const signature = createHmac(hash === 'HmacSHA1' ? 'sha1' : 'sha256', key.secret_access_key)
    .update(`${method}\n${path}\n${text}`)
    .digest('base64')
  const sent = Object.entries({ ...all, ...options.tamper }).map(
    ([name, value]) => `${percentEncoded(name)}=${percentEncoded(value)}`,
  )
  return [...sent, `signature=${percentEncoded(signature)}`].join('&')
}

export interface WireClient {
  readonly key: WireKey
  /** Sends an action and returns the answer, whatever its `ret_code`. HTTP status and content type are checked. */
  send(action: string, parameters?: WireParameters, options?: WireOptions): Promise<WireAnswer>
  /** The same, for an action that has to succeed. */
  ok(action: string, parameters?: WireParameters, options?: WireOptions): Promise<WireAnswer>
  /** The same, for one that has to be refused. */
  refused(retCode: number, action: string, parameters?: WireParameters, options?: WireOptions): Promise<WireAnswer>
}

/** A client of a service that is injected into, with a key of its own. */
export async function aWireClient(
  service: Service,
  { role = 'operator', projectId = service.projectId }: { role?: AccessRole; projectId?: string } = {},
): Promise<WireClient> {
  const { deps } = service
  const key = await transaction(service.db, (tx) =>
    createAccessKey(tx, undefined, { projectId, name: role, role }, deps.secretKey),
  )
  return wireClient(key, async (method, path, query) => {
    const response = await service.app.inject(
      method === 'GET'
        ? { method, url: `${path}?${query}` }
        : { method, url: path, payload: query, headers: { 'content-type': 'application/x-www-form-urlencoded' } },
    )
    return { status: response.statusCode, type: response.headers['content-type'], text: response.body }
  })
}

/** The key that a service has made for its administrator. */
export const adminKeyOf = async ({ dataDir }: RunningService): Promise<WireKey> =>
  JSON.parse(await readFile(path.join(dataDir, 'admin-key.json'), 'utf8'))

/** A client of a service that runs at a URL. */
export const aWireClientAt = (url: string, key: WireKey): WireClient =>
  wireClient(key, async (method, path, query, chunked) => {
    const post = {
      method,
      body: chunked ? new Blob([query]).stream() : query,
      duplex: 'half', // for streams
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    }
    const response = await (method === 'GET'
      ? fetch(`${url}${path}?${query}`)
      : fetch(`${url}${path}`, post as RequestInit))
    return { status: response.status, type: response.headers.get('content-type'), text: await response.text() }
  })

function wireClient(
  key: WireKey,
  transport: (
    method: 'GET' | 'POST',
    path: string,
    query: string,
    chunked: boolean,
  ) => Promise<{ status: number; type: unknown; text: string }>,
): WireClient {
  const send: WireClient['send'] = async (action, parameters = {}, options = {}) => {
    const { method = 'GET', path = '/iaas/', chunked = false } = options
    const answer = await transport(method, path, signed(key, { action, ...parameters }, options), chunked)
    expect(answer.status, answer.text).toBe(200)
    expect(answer.type).toBe('application/json')
    const body: WireAnswer = JSON.parse(answer.text)
    expect(Number.isInteger(body.ret_code), answer.text).toBe(true)
    if (body.ret_code === 0) expect(body.action).toBe(`${action}Response`)
    else expect(body.message).toMatch(/^[A-Z][A-Za-z]+, [^A-Z]/)
    return body
  }
  return {
    key,
    send,
    ok: async (action, parameters, options) => {
      const body = await send(action, parameters, options)
      expect(body.ret_code, `${action}: ${body.message}`).toBe(0)
      return body
    },
    refused: async (retCode, action, parameters, options) => {
      const body = await send(action, parameters, options)
      expect(body.ret_code, `${action}: ${JSON.stringify(body)}`).toBe(retCode)
      return body
    },
  }
}
