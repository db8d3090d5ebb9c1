/** A page of 100 NICs at 1,000, 100,000 and 1,000,000 NICs: whether the service looks at more than it shows. */
import type { Api } from './lib/api.ts'
import { fillNics, NICS_PER_NETWORK, networkIdOf, projectOf } from './lib/fill.ts'
import { atMost } from './lib/report.ts'
import type { Measurement, Run } from './lib/run.ts'
import { type Stack, startStack } from './lib/stack.ts'
import { type Spread, spread } from './lib/stats.ts'

const SIZES = [1_000, 100_000, 1_000_000]
const PAGE = 100
const GOAL_OF_GROWTH = 2

export const pages: Measurement = {
  name: 'pages',
  about: 'a page of 100 NICs at 1,000 / 100,000 / 1,000,000 NICs',
  run: measurePages,
}

type Kind = 'first page' | 'deep inside, by cursor' | 'of one network'
const KINDS: readonly Kind[] = ['first page', 'deep inside, by cursor', 'of one network']

async function measurePages({ report, quick }: Run): Promise<void> {
  const sizes = quick ? [1_000, 10_000, 100_000] : SIZES
  const requests = quick ? 100 : 400
  const stack = await startStack()
  const projectId = await projectOf(stack.sql)
  const api = await stack.api()
  const found = new Map<Kind, Spread[]>(KINDS.map((kind) => [kind, []]))
  let there = 0
  for (const size of sizes) {
    const begun = performance.now()
    await fillNics(stack.sql, projectId, there, size)
    there = size
    console.log(`  filled to ${size} NICs in ${((performance.now() - begun) / 1000).toFixed(1)} s`)
    for (const kind of KINDS)
      found.get(kind)?.push(await timePages(api, await urlsOf(kind, stack, api, size), requests))
  }
  for (const [kind, spreads] of found) addFigures(report, kind, sizes, spreads)
  report.details.pages = { sizes, milliseconds: Object.fromEntries(found) }
  await stack.stop()
}

function addFigures(report: Run['report'], kind: Kind, sizes: readonly number[], spreads: readonly Spread[]): void {
  const measurement = 'pages'
  for (const [index, { p50, p99 }] of spreads.entries()) {
    const name = `${kind}, ${sizes[index]?.toLocaleString('en')} NICs: p50`
    report.add({ measurement, name, value: p50, unit: 'ms', note: `p99 ${p99.toFixed(2)} ms` })
  }
  const [first, last] = [spreads[0], spreads.at(-1)]
  if (!first || !last) throw new Error('no sizes')
  report.add({
    measurement,
    name: `${kind}: p50 at the most / at the fewest`,
    value: last.p50 / first.p50,
    unit: 'x',
    goal: atMost(GOAL_OF_GROWTH),
    note: `p99 ${(last.p99 / first.p99).toFixed(2)} x`,
  })
}

/** Makes the path of one request, another one each time where there are several. */
async function urlsOf(kind: Kind, { sql }: Stack, api: Api, size: number): Promise<() => string> {
  switch (kind) {
    case 'first page':
      return () => `/v1/nics?limit=${PAGE}`
    case 'of one network':
      return () =>
        `/v1/nics?limit=${PAGE}&network_id=${networkIdOf(Math.floor((Math.random() * size) / NICS_PER_NETWORK))}`
    case 'deep inside, by cursor': {
      const { rows } = await sql.query<{ first: string; last: string }>(
        'SELECT min(seq) AS first, max(seq) AS last FROM nic',
      )
      const [first, last] = [Number(rows[0]?.first), Number(rows[0]?.last)]
      const { next_cursor: sample } = await api.call<{ next_cursor: string }>('GET', '/v1/nics?limit=1')
      // From the middle half: neither what was just written nor the end of the list.
      return () =>
        `/v1/nics?limit=${PAGE}&cursor=${cursorLike(sample, Math.round(first + (last - first) * (0.25 + Math.random() / 2)))}`
    }
  }
}

/** Walking there page by page would take longer than the measurement: the number in a real cursor is replaced. */
function cursorLike(sample: string, seq: number): string {
  const text = Buffer.from(sample, 'base64url').toString('latin1')
  if (!/^s\d+$/.test(text)) throw new Error(`cursors look different now (${text}): make one here as the service does`)
  return Buffer.from(`s${seq}`).toString('base64url')
}

async function timePages(api: Api, url: () => string, requests: number): Promise<Spread> {
  const times: number[] = []
  for (let index = -50; index < requests; index++) {
    const path = url()
    const begun = performance.now()
    const { items } = await api.call<{ items: unknown[] }>('GET', path)
    if (items.length !== PAGE) throw new Error(`GET ${path} gave ${items.length} NICs`)
    if (index >= 0) times.push(performance.now() - begun)
  }
  return spread(times)
}
