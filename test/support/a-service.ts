/**
 * The control plane as tests see it: a real database, the real application, requests injected. Every answer is checked
 * against the OpenAPI document on the way. There is no worker: `asWorker` plays one through the worker's own routes.
 */
import { randomBytes } from 'node:crypto'
import { sql } from 'drizzle-orm'
import { pino } from 'pino'
import { expect, inject } from 'vitest'
import { type App, buildApp, type Deps } from '../../src/app.ts'
import { type Database, openDatabase, transaction } from '../../src/db/client.ts'
import { hypervisor } from '../../src/db/schema.ts'
import { createAccessKey } from '../../src/domain/access-key/access-keys.ts'
import type { AccessRole } from '../../src/domain/actor.ts'
import { registerHypervisor } from '../../src/domain/hypervisor/hypervisors.ts'
import { createProject } from '../../src/domain/project/projects.ts'
import type { Message } from '../../src/jobs/engines.ts'
import { aDatabase } from './databases.ts'
import { expectDocumented } from './documented.ts'

export interface Answer<T = Record<string, never>> {
  readonly status: number
  readonly headers: Readonly<Record<string, string | undefined>>
  // biome-ignore lint/suspicious/noExplicitAny: tests read answers freely; `expectDocumented` checks their shape
  readonly body: T extends Record<string, never> ? any : T
}

export interface CallOptions {
  readonly token?: string
  readonly headers?: Record<string, string>
}

export interface Service {
  readonly app: App
  readonly db: Database
  readonly databaseUrl: string
  readonly deps: Deps
  readonly projectId: string
  /** Of the admin key that `call` uses. */
  readonly token: string
  readonly hypervisorToken: string
  /** Messages given to the queue so far. */
  readonly published: Message[]
  call(method: string, url: string, body?: unknown, options?: CallOptions): Promise<Answer>
  /** A call with the token of the hypervisor `hv-test`, below its own path. */
  asWorker(method: string, path: string, body?: unknown): Promise<Answer>
  /** A token of a role, in the project of the tests or another one. */
  tokenOf(role: AccessRole, projectId?: string): Promise<string>
  aProject(): Promise<string>
  close(): Promise<void>
}

export const HYPERVISOR = 'hv-test'

export async function aService(): Promise<Service> {
  const database = await aDatabase(inject('postgresUrl'))
  const db = openDatabase(database.url, 20)
  const secretKey = randomBytes(32)
  const published: Message[] = []
  const deps: Deps = {
    db,
    secretKey,
    publisher: {
      publish: async (message) => void published.push(message),
      ping: async () => undefined,
      close: async () => undefined,
    },
    relay: { send: () => undefined, look: () => undefined },
    instances: { guest: 'namespace', images: ['img-ours'] },
    queueAccess: { engine: 'postgres', url: 'postgres://nobody@nowhere/none' },
  }
  const app = await buildApp(deps, pino({ level: process.env.PATCHBAY_TEST_LOG ?? 'silent' }))
  await app.ready()

  const tokenOf = async (role: AccessRole, project: string) =>
    (await transaction(db, (tx) => createAccessKey(tx, undefined, { projectId: project, name: role, role }, secretKey)))
      .token
  const aProject = async () =>
    (await transaction(db, (tx) => createProject(tx, undefined, `p-${randomBytes(6).toString('hex')}`))).id
  const projectId = await aProject()
  const token = await tokenOf('admin', projectId)
  const hypervisorToken = await transaction(db, (tx) => registerHypervisor(tx, HYPERVISOR, 'zone-test'))
  // Up for as long as any test takes: nobody sends heartbeats here.
  await db.update(hypervisor).set({ lastSeenAt: sql`now() + interval '1 hour'` })

  let calls = 0
  const call: Service['call'] = async (method, url, body, options = {}) => {
    calls++
    const response = await app.inject({
      method: method as 'GET',
      url,
      // Each from an address of its own: sign-ins are limited by address.
      remoteAddress: `10.${calls >> 16}.${(calls >> 8) & 255}.${calls & 255}`,
      headers: { authorization: `Bearer ${options.token ?? token}`, ...options.headers },
      ...(body === undefined ? {} : { payload: body as object }),
    })
    const answer = {
      status: response.statusCode,
      headers: response.headers as Record<string, string | undefined>,
      body: response.body === '' ? undefined : parse(response.body),
    }
    if (url.startsWith('/v1')) expectDocumented(method, url, answer)
    return answer
  }
  return {
    app,
    db,
    databaseUrl: database.url,
    deps,
    projectId,
    token,
    hypervisorToken,
    published,
    call,
    asWorker: (method, path, body) =>
      call(method, `/v1/hypervisors/${HYPERVISOR}${path}`, body, { token: hypervisorToken }),
    tokenOf: (role, project = projectId) => tokenOf(role, project),
    aProject,
    close: async () => {
      await app.close()
      await db.$client.end()
      await database.drop()
    },
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** Expects a refusal: status, code, and that it is a whole problem. */
export function expectProblem(answer: Answer, status: number, code: string): void {
  expect(answer.body, `${answer.status} ${JSON.stringify(answer.body)}`).toMatchObject({ status, code })
  expect(answer.status).toBe(status)
  expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/)
  expect(answer.body.detail).not.toBe('')
}
