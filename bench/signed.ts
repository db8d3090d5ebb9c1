/** The same over the QingCloud wire, signed, and over `/v1` with a token: what signature and translation cost. */
import { createHmac } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { adminKeyFile } from '../src/config.ts'
import { canonicalQuery } from '../src/routes/signature.ts'
import { fillNetworks, fillNics, NICS_PER_NETWORK, networkIdOf, projectOf } from './lib/fill.ts'
import { Connection, type RawAnswer, requestText } from './lib/http.ts'
import { atMost } from './lib/report.ts'
import type { Measurement, Run } from './lib/run.ts'
import { type Stack, startStack } from './lib/stack.ts'
import { mean, spread } from './lib/stats.ts'

const IN_FLIGHT = [1, 8]
/** NICs that are there to be listed. */
const NICS = 1_000
const PAGE = 100
const FULL_NETWORKS = NICS / NICS_PER_NETWORK
/** Networks that NICs are made in: so many that two requests seldom want the same one. */
const NETWORKS = 2_000
const WARM_UP_MS = 500
const GOAL = 1.2

type Side = 'wire' | 'v1'
/** Listing comes first: creates would make the list longer. */
const WORK = ['list', 'create'] as const
type Work = (typeof WORK)[number]

export const signed: Measurement = {
  name: 'signed',
  about: 'create and list NICs over the QingCloud wire, signed, and over /v1',
  run: measureSigned,
}

interface Key {
  readonly access_key_id: string
  readonly secret_access_key: string
}

async function measureSigned({ report, quick }: Run): Promise<void> {
  const stack = await startStack()
  const projectId = await projectOf(stack.sql)
  await fillNics(stack.sql, projectId, 0, NICS)
  await fillNetworks(stack.sql, projectId, { from: FULL_NETWORKS, to: FULL_NETWORKS + NETWORKS, taken: 0 })
  const key = JSON.parse(await readFile(adminKeyFile(stack.data), 'utf8')) as Key
  const [rounds, seconds] = quick ? [1, 1.5] : [3, 2]
  const details: unknown[] = []
  for (const work of WORK) {
    for (const inFlight of IN_FLIGHT) {
      const p50: Record<Side, number[]> = { wire: [], v1: [] }
      const perSecond: Record<Side, number[]> = { wire: [], v1: [] }
      for (let round = 0; round < rounds; round++) {
        for (const side of round % 2 === 0 ? (['v1', 'wire'] as const) : (['wire', 'v1'] as const)) {
          const times = await drive(stack, requestsOf(work, side, stack.token, key), inFlight, seconds * 1000)
          p50[side].push(spread(times).p50)
          perSecond[side].push(times.length / seconds)
        }
      }
      const measurement = 'signed'
      const name = `${work}, ${inFlight} in flight`
      for (const side of ['v1', 'wire'] as const) {
        const note = `p50 ${mean(p50[side]).toFixed(2)} ms`
        report.add({ measurement, name: `${name}: ${side}`, value: mean(perSecond[side]), unit: '/s', note })
      }
      const ratio = (wire: readonly number[], v1: readonly number[]) => mean(wire) / mean(v1)
      const add = (what: string, value: number) =>
        report.add({ measurement, name: `${name}: ${what}`, value, unit: 'x', goal: atMost(GOAL) })
      add('p50 wire / v1', ratio(p50.wire, p50.v1))
      add('throughput v1 / wire', ratio(perSecond.v1, perSecond.wire))
      details.push({ work, inFlight, p50, perSecond })
    }
  }
  report.details.signed = details
  await stack.stop()
}

/** Requests made beforehand: they differ only in their network. A signature holds for a minute. */
function requestsOf(work: Work, side: Side, token: string, key: Key): string[] {
  const authorization = `Bearer ${token}`
  const networks = Array.from({ length: NETWORKS }, (_, index) => networkIdOf(FULL_NETWORKS + index))
  switch (`${work} ${side}` as const) {
    case 'list v1':
      return [requestText('GET', `/v1/nics?limit=${PAGE}`, { authorization })]
    case 'list wire':
      return [signedGet(key, { action: 'DescribeNics', limit: `${PAGE}`, offset: '0' })]
    case 'create v1':
      return networks.map((network_id) =>
        requestText('POST', '/v1/nics', { authorization }, { network_id, name: 'bench' }),
      )
    case 'create wire':
      return networks.map((id) =>
        signedGet(key, { action: 'CreateNics', vxnet: id.replace('net-', 'vxnet-'), nic_name: 'bench', count: '1' }),
      )
  }
}

function signedGet(key: Key, parameters: Record<string, string>): string {
  const path = '/iaas/'
  const all = new Map(
    Object.entries({
      ...parameters,
      access_key_id: key.access_key_id,
      signature_method: 'HmacSHA256',
      signature_version: '1',
      time_stamp: `${new Date().toISOString().slice(0, 19)}Z`,
    }),
  )
  const query = canonicalQuery(all)
  const signature = createHmac('sha256', key.secret_access_key).update(`GET\n${path}\n${query}`).digest('base64')
  return requestText('GET', `${path}?${query}&signature=${encodeURIComponent(signature)}`, {})
}

/** Sends requests over connections that stay open. @returns ms per request, without those of the warm-up. */
async function drive({ port }: Stack, requests: readonly string[], inFlight: number, forMs: number): Promise<number[]> {
  const times: number[] = []
  const begin = performance.now() + WARM_UP_MS
  const lane = async () => {
    const connection = await Connection.open(port)
    for (let begun = performance.now(); begun < begin + forMs; begun = performance.now()) {
      const answer = await connection.send(requests[Math.floor(Math.random() * requests.length)] ?? '')
      assertDone(answer)
      if (begun >= begin) times.push(performance.now() - begun)
    }
    connection.close()
  }
  await Promise.all(Array.from({ length: inFlight }, lane))
  return times
}

/** The wire says no with status 200. */
function assertDone({ status, body }: RawAnswer): void {
  const text = () => body.toString('utf8', 0, 500)
  if (status >= 300 || (body.includes('"ret_code":') && !body.includes('"ret_code":0')))
    throw new Error(`a request was answered ${status}: ${text()}`)
}
