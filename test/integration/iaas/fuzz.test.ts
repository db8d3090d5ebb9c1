/**
 * Random and hostile requests over every action of the wire: each is answered soon, with HTTP 200 and a `ret_code` that
 * is no fault of ours, and a refused one stores nothing. `PATCHBAY_TEST_SEED` repeats a run.
 */
import { createHmac, randomInt } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ACTIONS } from '../../../src/routes/iaas/actions.ts'
import { aService, HYPERVISOR, type Service } from '../../support/a-service.ts'
import {
  aWireClient,
  flatten,
  type WireAnswer,
  type WireKey,
  type WireParameters,
} from '../../support/a-wire-client.ts'
import { WireFuzzer } from '../../support/a-wire-fuzzer.ts'
import { aNetwork, aPool, aServer, finish, nics } from '../../support/builders.ts'
import { Random } from '../../support/random.ts'
import { rowCounts } from '../../support/row-counts.ts'
import { HOSTILE } from '../../support/wire-values.ts'

const seed = Number(process.env.PATCHBAY_TEST_SEED ?? randomInt(2 ** 31))
const random = new Random(seed)
/** Of jobs: some end at a time that no seed decides. */
const outcomes = new Random(seed + 1)
const fuzzer = new WireFuzzer(random)
const NAMES = [...ACTIONS.keys()]

/** Far above what any request takes, and far below for ever. */
const SOON_MS = 5_000
/** A release that is forced waits for its hypervisor to let go, and so for the worker, which is played after a second. */
const WAITS = /(^|&)action=ReleaseEips(&|$)/
const WAITS_MS = 1_000
/** Rounds over all actions go on for so long, and there are so many at least. */
const ENOUGH_MS = 15_000
const LEAST_ROUNDS = 12
/** Requests between two looks at the tables. */
const BATCH = 30
/** Done as often as the others, these would leave nothing to try the others on. */
const TAKES_AWAY = /^(Delete|Terminate|Cease|Release|Detach|Leave|PowerOff|Stop)/
const KNOWN_CODES = new Set([0, 1100, 1101, 1200, 1300, 1400, 2100, 2110, 2500, 5200])

let service: Service
let key: WireKey
let stopLearning: () => void
beforeAll(async () => {
  service = await aService()
  key = (await aWireClient(service)).key
  await service.db.execute(`UPDATE hypervisor SET facts = '{"interfaces":["eth1"]}'`)
  stopLearning = fuzzer.learn()
  await makeWorld()
})
afterAll(async () => {
  stopLearning()
  await service.close()
})

/** Something of each kind, and a request of each of the actions that random ones seldom get right. */
async function makeWorld(): Promise<void> {
  const network = await aNetwork(service)
  await aPool(service)
  const nicIds: string[] = (await nics(service, network.id, 20)).map(({ id }) => id)
  const servers: string[] = []
  for (let count = 0; count < 4; count++) servers.push((await aServer(service, { network_id: network.id })).id)
  const [instance = '', other = ''] = servers
  const router = network.vpc_id.replace('vpc-', 'rtr-')
  for (const what of ['Nics', 'Vxnets', 'Routers', 'Instances', 'SecurityGroups']) await opening(`Describe${what}`)
  await opening('AddRouterStatics', {
    router,
    statics: [{ static_type: 1, val1: 80, val2: network.cidr.replace('0/24', '5'), val3: 80 }],
  })
  const vpn = await opening('AddRouterStatics', { router, statics: [{ static_type: 2, val1: 'openvpn' }] })
  const router_static = vpn.router_statics?.[0] ?? ''
  await opening('AddRouterStaticEntries', { router_static, entries: [{ val1: 'user', val2: 'password' }] })
  const { tag_id = '' } = await opening('CreateTag', { tag_name: 'a' })
  await opening('AttachTags', {
    resource_tag_pairs: [{ tag_id, resource_type: 'nic', resource_id: nicIds[0] ?? '' }],
  })
  await opening('AttachNics', { nics: nicIds.slice(0, 2), instance })
  await endJobs()
  await opening('DetachNics', { nics: nicIds.slice(0, 1) })
  const { eips } = await opening('AllocateEips', { bandwidth: 5, count: 2 })
  await opening('AssociateEip', { eip: eips?.[0] ?? '', instance: other })
  const { keypair_id = '' } = await opening('CreateKeyPair', { keypair_name: 'a', mode: 'system' })
  await opening('AttachKeyPairs', { keypairs: [keypair_id], instances: [instance] })
  await endJobs()
}

async function opening(action: string, parameters: WireParameters = {}): Promise<WireAnswer> {
  const pairs = Object.entries(flatten(parameters))
  const answer = await ask(query([['action', action], ...pairs]))
  if (answer.ret_code === 0) fuzzer.succeeded(action, pairs)
  return answer
}

/** Leaves nothing for the transport to encode in its own way. */
const encoded = (text: string) =>
  encodeURIComponent(text.toWellFormed()).replace(/[!'()*]/g, (letter) => `%${letter.charCodeAt(0).toString(16)}`)
const query = (pairs: readonly (readonly [string, string])[]) =>
  pairs.map(([name, value]) => `${encoded(name)}=${encoded(value)}`).join('&')

interface Options {
  readonly method?: 'GET' | 'POST'
  readonly path?: string
  readonly type?: string
}

/** Signs a query string or form as it stands, as clients do that sign what they send. */
function signed(raw: string, method: string, path: string): string {
  const stamp = `${new Date().toISOString().slice(0, 19)}Z`
  const own = `access_key_id=${key.access_key_id}&signature_method=HmacSHA256&signature_version=1&time_stamp=${encoded(stamp)}`
  const text = [raw, own].filter(Boolean).join('&')
  const signature = createHmac('sha256', key.secret_access_key).update(`${method}\n${path}\n${text}`).digest('base64')
  return `${text}&signature=${encoded(signature)}`
}

/** Sends a signed request and checks what holds for every answer. */
async function ask(raw: string, options: Options = {}): Promise<WireAnswer> {
  const { method = 'GET', path = '/iaas/' } = options
  return send(signed(raw, method, path), raw, options)
}

async function send(
  whole: string,
  shown: string,
  { method = 'GET', path = '/iaas/', type }: Options,
): Promise<WireAnswer> {
  const told = `seed ${seed}: ${method} ${path} ${shown.slice(0, 2_000)}`
  const begun = performance.now()
  let played: Promise<void> | undefined
  const worker = WAITS.test(shown)
    ? setTimeout(() => {
        played = endJobs()
      }, WAITS_MS)
    : undefined
  const response = await service.app
    .inject(
      method === 'GET'
        ? { method, url: `${path}?${whole}` }
        : {
            method,
            url: path,
            payload: whole,
            headers: { 'content-type': type ?? 'application/x-www-form-urlencoded' },
          },
    )
    .finally(() => clearTimeout(worker))
  await played
  const took = performance.now() - begun
  expect(response.statusCode, told).toBe(200)
  expect(response.headers['content-type'], told).toBe('application/json')
  const answer = JSON.parse(response.body)
  expect(KNOWN_CODES, `${told}\n${response.body.slice(0, 500)}`).toContain(answer.ret_code)
  if (answer.ret_code === 0) assertWhole(answer, told)
  else expect(answer.message, told).toMatch(/^[A-Z][A-Za-z]+, /)
  expect(took, told).toBeLessThan(SOON_MS)
  fuzzer.remember(/^action=(\w+)/.exec(shown)?.[1] ?? '', response.body)
  return answer
}

function assertWhole(answer: Record<string, unknown>, told: string): void {
  const name = String(answer.action).replace(/Response$/, '')
  expect(ACTIONS.has(name), told).toBe(true)
  if (!name.startsWith('Describe')) return
  const [set, ...others] = Object.keys(answer).filter((field) => field.endsWith('_set'))
  expect(others, told).toEqual([])
  expect(answer[set ?? ''], told).toBeInstanceOf(Array)
  expect(Number.isInteger(answer.total_count), told).toBe(true)
  expect((answer[set ?? ''] as unknown[]).length, told).toBeLessThanOrEqual(answer.total_count as number)
}

let jobsEnded = 0
/** Plays the worker: every job ends, most of them well. */
async function endJobs(): Promise<void> {
  const { rows } = await service.db.$client.query<{ id: string }>(
    `SELECT id FROM job WHERE state = 'pending' AND hypervisor_id = $1 ORDER BY seq`,
    [HYPERVISOR],
  )
  for (const { id } of rows) {
    jobsEnded++
    const fails = outcomes.chance(0.15)
    await finish(service, id, fails ? { outcome: 'failed', error: 'the fuzzer said so' } : {})
  }
}

const succeeded = new Set<string>()

/** Sends requests one after the other; when none of them could change anything, nothing must have changed. */
async function batch(requests: readonly (() => Promise<{ action: string; code: number }>)[], before: object) {
  let wrote = false
  const jobsBefore = jobsEnded
  for (const request of requests) {
    const { action, code } = await request()
    if (code !== 0) continue
    succeeded.add(action)
    if (ACTIONS.get(action)?.role !== 'reader') wrote = true
  }
  const after = await rowCounts(service)
  if (!wrote && jobsEnded === jobsBefore)
    expect(after, `seed ${seed}: nothing is stored by refused requests`).toEqual(before)
  return after
}

it('every action answers random parameters, and refused requests store nothing', async () => {
  let counts: object = await rowCounts(service)
  const end = performance.now() + ENOUGH_MS
  for (let round = 0; round < LEAST_ROUNDS || performance.now() < end; round++) {
    const sense = [1, 0.95, 0, 1, 0.9, 0.4][round % 6] ?? 1
    const order = NAMES.map((name) => ({ name, at: random.next() }))
      .filter(({ name }) => sense === 0 || !TAKES_AWAY.test(name) || random.chance(0.4))
      .sort((a, b) => a.at - b.at)
    for (let from = 0; from < order.length; from += BATCH) {
      const requests = order.slice(from, from + BATCH).map(({ name: action }) => async () => {
        const pairs = fuzzer.parameters(action, sense)
        const method = random.chance(0.3) ? 'POST' : 'GET'
        const path = random.chance(0.5) ? '/iaas/' : '/iaas'
        const raw = query([['action', action], ...new Map(pairs)])
        const { ret_code: code } = await ask(raw, { method, path })
        if (code === 0) fuzzer.succeeded(action, pairs)
        return { action, code }
      })
      counts = await batch(requests, counts)
    }
    await endJobs()
    counts = await rowCounts(service)
  }
  if (process.env.PATCHBAY_TEST_LOG)
    console.log(`never done: ${NAMES.filter((name) => !succeeded.has(name)).join(' ')}`)
  // A fuzzer that is turned away at the door finds nothing.
  expect(succeeded.size, `seed ${seed}`).toBeGreaterThan(NAMES.length * 0.6)
}, 120_000)

it('requests on the same things at once give way to each other, and none is a fault', async () => {
  const lane = async () => {
    for (let turn = 0; turn < 60; turn++) {
      const action = random.pick(NAMES)
      const raw = query([['action', action], ...new Map(fuzzer.parameters(action, 0.95))])
      const text = signed(raw, 'POST', '/iaas/')
      const response = await service.app.inject({
        method: 'POST',
        url: '/iaas/',
        payload: text,
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      })
      const { ret_code } = JSON.parse(response.body)
      const told = `seed ${seed}: POST ${raw}\n${response.body.slice(0, 500)}`
      expect([...KNOWN_CODES, 5100], told).toContain(ret_code)
    }
  }
  await Promise.all(Array.from({ length: 8 }, lane))
  await endJobs()
}, 60_000)

it('huge requests are answered soon, and store nothing when they are refused', async () => {
  const many = (name: (index: number) => string, count = 10_000, value = 'x') =>
    Array.from({ length: count }, (_, index) => `${name(index + 1)}=${value}`).join('&')
  const mega = 'x'.repeat(1_000_000)
  for (const action of NAMES.filter(() => random.chance(0.4))) {
    const [list = 'nics'] = fuzzer.parameters(action, 1).flatMap(([name]) => name.split('.', 1)[0] ?? [])
    const bodies = [
      many((index) => `${list}.${index}`),
      many((index) => `${list}.${index}.val1`),
      many((index) => `${list}.1.f${index}`),
      many((index) => `p${index}`),
      many((index) => `p${index}.1`),
      `${list}=${mega}`,
      `${list}.1=${mega}`,
      `${list}.1.${mega}=1`,
      `zone=${mega}`,
      `${mega}=1`,
    ]
    const before = await rowCounts(service)
    const { ret_code } = await ask(`action=${action}&${random.pick(bodies)}`, { method: 'POST' })
    if (ret_code !== 0) expect(await rowCounts(service), `seed ${seed}: ${action}`).toEqual(before)
  }
}, 60_000)

it('what is no proper query string is refused before anything is done', async () => {
  const before = await rowCounts(service)
  const broken = [
    'limit=1&limit=2',
    'limit=1&limit=1',
    'vxnets.1=a&vxnets.1=b',
    'name=%ff%fe',
    'name=%c0%80',
    'name=%ed%a0%80',
    'name=%f4%90%80%80',
    'name=%00',
    'name=a%00b',
    '%00=1',
    'name=%zz',
    'name=%',
    'name=%4',
  ]
  for (const action of NAMES) {
    const raw = `action=${action}&${random.pick(broken)}`
    for (const method of ['GET', 'POST'] as const)
      expect((await ask(raw, { method })).ret_code, `seed ${seed}: ${raw}`).toBe(1100)
  }
  for (const raw of [`action=${NAMES[0]}&action=${NAMES[1]}`, 'action=', 'action.1=DescribeZones&action.2=x', ''])
    await ask(raw)
  for (const action of ['__proto__', 'constructor', 'describezones', "DescribeZones'", '🦆', 'x'.repeat(100_000)])
    expect((await ask(query([['action', action]]), { method: 'POST' })).ret_code).toBe(1101)
  expect(await rowCounts(service)).toEqual(before)
}, 60_000)

it('who is not known gets nowhere, whatever is sent', async () => {
  const before = await rowCounts(service)
  const names = [
    'access_key_id',
    'signature',
    'signature_method',
    'signature_version',
    'time_stamp',
    'version',
    'token',
  ]
  const bytes = () => Array.from({ length: random.below(200) }, () => String.fromCharCode(random.below(256))).join('')
  for (let turn = 0; turn < 400; turn++) {
    const pairs = names.flatMap((name) => {
      if (random.chance(0.2)) return []
      const real = { signature_method: 'HmacSHA256', signature_version: '1', access_key_id: key.access_key_id }[name]
      const value = real !== undefined && random.chance(0.7) ? real : random.pick(HOSTILE)
      return [[name === 'time_stamp' && random.chance(0.2) ? 'time_stamp.1' : name, value] as const]
    })
    if (random.chance(0.7) && !pairs.some(([name]) => name === 'time_stamp'))
      pairs.push(['time_stamp', `${new Date().toISOString().slice(0, 19)}Z`])
    const raw = query([['action', random.pick(NAMES)], ...pairs])
    const method = random.pick(['GET', 'POST'] as const)
    expect([1100, 1200, 1300], `seed ${seed}: ${raw}`).toContain((await send(raw, raw, { method })).ret_code)
    const type = random.pick(['application/x-www-form-urlencoded', 'application/json', 'text/plain', 'a/b', 'x', ''])
    const body = random.pick([bytes(), `{"action":"${bytes()}"}`, '&&&===&', '%', `=${bytes()}`])
    expect([1100, 1200, 1300], `seed ${seed}: ${type} ${body}`).toContain(
      (await send(body, body, { method: 'POST', type })).ret_code,
    )
  }
  expect(await rowCounts(service)).toEqual(before)
}, 60_000)
