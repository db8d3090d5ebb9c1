import { QueryClient, QueryObserver } from '@tanstack/react-query'
import { expect, it } from 'vitest'
import { takeIn } from './answers.ts'

const vpc = (generation: number, id = 'vpc-1') => ({ id, generation, name: `named ${generation} times` })
const ONE = ['vpc', 'one', 'vpc-1']
const LIST = ['vpc', 'list', {}]
const PAGES = ['vpc', 'pages', {}]

/** Runs with a client that is emptied afterwards. */
async function withQueries(act: (queries: QueryClient) => Promise<void>) {
  const queries = new QueryClient({ defaultOptions: { queries: { staleTime: Infinity } } })
  await act(queries)
  queries.clear()
}

it('puts a resource in the place of an older generation of it: by itself, in lists and in pages', () =>
  withQueries(async (queries) => {
    queries.setQueryData(ONE, vpc(1))
    queries.setQueryData(LIST, { items: [vpc(7, 'vpc-2'), vpc(1)], isCut: false })
    queries.setQueryData(PAGES, { pages: [{ items: [] }, { items: [vpc(1)] }], pageParams: [undefined, 'x'] })
    await takeIn(queries, vpc(2))
    expect(queries.getQueryData(ONE)).toEqual(vpc(2))
    expect(queries.getQueryData(LIST)).toEqual({ items: [vpc(7, 'vpc-2'), vpc(2)], isCut: false })
    expect(queries.getQueryData(PAGES)).toEqual({
      pages: [{ items: [] }, { items: [vpc(2)] }],
      pageParams: [undefined, 'x'],
    })
  }))

it('keeps what it shows besides, which the answer does not tell', () =>
  withQueries(async (queries) => {
    queries.setQueryData(ONE, { ...vpc(1), rules: [1, 2] })
    await takeIn(queries, vpc(2))
    expect(queries.getQueryData(ONE)).toEqual({ ...vpc(2), rules: [1, 2] })
  }))

it('leaves the same or a newer generation as it is, and what holds no such resource the same object', () =>
  withQueries(async (queries) => {
    queries.setQueryData(ONE, vpc(3))
    queries.setQueryData(LIST, { items: [vpc(1, 'vpc-2')] })
    queries.setQueryData(['session'], { id: 'vpc-1', role: 'admin' })
    const before = [ONE, LIST, ['session']].map((key) => queries.getQueryData(key))
    await takeIn(queries, { ...vpc(2), name: 'late' })
    await takeIn(queries, { ...vpc(3), name: 'the same' })
    for (const nothing of [undefined, null, 'x', [], { items: [vpc(9)] }]) await takeIn(queries, nothing)
    expect([ONE, LIST, ['session']].map((key) => queries.getQueryData(key))).toEqual(before)
    expect(queries.getQueryData(LIST)).toBe(before[1])
  }))

it('what was found before the act, and arrives after it, takes the place of nothing newer', () =>
  withQueries(async (queries) => {
    const answers: ((found: object) => void)[] = []
    const read = new QueryObserver(queries, {
      queryKey: ONE,
      queryFn: () => new Promise<object>((resolve) => answers.push(resolve)),
      initialData: vpc(1),
    })
    const seen: unknown[] = []
    const leave = read.subscribe(({ data }) => seen.push(data))
    void read.refetch()
    await takeIn(queries, vpc(2))
    answers[0]?.(vpc(1))
    await expect.poll(() => answers.length).toBe(2)
    answers[1]?.(vpc(2))
    await expect.poll(() => read.getCurrentResult().fetchStatus).toBe('idle')
    expect(read.getCurrentResult().data).toEqual(vpc(2))
    expect(seen.slice(seen.findIndex((data) => (data as { generation: number }).generation === 2))).not.toContainEqual(
      vpc(1),
    )
    leave()
  }))

it('a list that is old for other reasons still is', () =>
  withQueries(async (queries) => {
    queries.setQueryData(LIST, { items: [vpc(1)] })
    await queries.invalidateQueries({ queryKey: LIST })
    await takeIn(queries, vpc(2))
    expect(queries.getQueryState(LIST)).toMatchObject({ isInvalidated: true, data: { items: [vpc(2)] } })
  }))

it('what a job is about is read anew, by itself and in lists, before who asked for the job goes on', () =>
  withQueries(async (queries) => {
    let generation = 1
    const read = new QueryObserver(queries, {
      queryKey: ONE,
      queryFn: async () => vpc(generation),
      initialData: vpc(1),
    })
    const leave = read.subscribe(() => undefined)
    const rules = new QueryObserver(queries, {
      queryKey: [...ONE, 'what belongs to it'],
      queryFn: async () => generation,
      initialData: 1,
    })
    const leaveRules = rules.subscribe(() => undefined)
    const longer = { pages: [{ items: [] }, { items: [] }, { items: [vpc(1)] }] }
    queries.setQueryData(LIST, { items: [vpc(1)] })
    queries.setQueryData(PAGES, longer)
    queries.setQueryData(['vpc', 'one', 'vpc-2'], vpc(1, 'vpc-2'))
    queries.setQueryData(['server', 'list', {}], { items: [] })
    generation = 2
    await takeIn(queries, { id: 'j-1', action: 'network.apply', resources: [{ type: 'vpc', id: 'vpc-1' }] })
    expect(read.getCurrentResult().data).toEqual(vpc(2))
    expect(rules.getCurrentResult().data).toBe(2)
    const isOld = (key: readonly unknown[]) => queries.getQueryState(key)?.isInvalidated
    expect([LIST, PAGES, ['vpc', 'one', 'vpc-2'], ['server', 'list', {}]].map(isOld)).toEqual([
      true,
      false,
      false,
      false,
    ])
    leave()
    leaveRules()
  }))
