import { describe, expect, it } from 'vitest'
import type { ReportedStep } from '../jobs/work-order.ts'
import { explain, runSteps, type Step } from './steps.ts'

const NAMES = ['network', 'tap', 'dhcp', 'plug', 'verify']
const never = () => false

/** Steps that write down what they do; those named in `fail` throw. */
function steps(fail: readonly string[] = []) {
  const done: string[] = []
  const act = (what: string) => async () => {
    done.push(what)
    if (fail.includes(what)) throw new Error(`${what} failed`)
  }
  const list: Step<object>[] = NAMES.map((name) => ({ name, run: act(name), undo: act(`undo ${name}`) }))
  return { done, list }
}

async function run(list: readonly Step<object>[], mayRetry: (error: unknown) => boolean = never) {
  const log: ReportedStep[] = []
  const error = await runSteps(list, {}, mayRetry, log).then(
    () => undefined,
    (cause: unknown) => cause,
  )
  return { log, error: error as Error | undefined }
}

describe('steps', () => {
  it('run in order, each with its times', async () => {
    const { done, list } = steps()
    const { log, error } = await run(list)
    expect(error).toBeUndefined()
    expect(done).toEqual(NAMES)
    expect(log.map(({ name, error: why }) => [name, why])).toEqual(NAMES.map((name) => [name, null]))
    for (const { started_at, ended_at } of log)
      expect(Date.parse(ended_at ?? '')).toBeGreaterThanOrEqual(Date.parse(started_at))
  })

  it.each(NAMES.map((name, k) => [name, k] as const))(
    'when %s fails, all that were begun are undone in reverse',
    async (name, k) => {
      const { done, list } = steps([name])
      const { log, error } = await run(list)
      expect(error?.message).toBe(`${name} failed`)
      const begun = NAMES.slice(0, k + 1)
      expect(done).toEqual([...begun, ...begun.toReversed().map((one) => `undo ${one}`)])
      expect(log.map((line) => line.name)).toEqual(done)
      expect(log.filter((line) => line.error !== null)).toMatchObject([{ name, error: `${name} failed` }])
    },
  )

  it.each(NAMES.map((name, k) => [name, k] as const))(
    'when %s fails and may be tried again, nothing is undone',
    async (name, k) => {
      const { done, list } = steps([name])
      const { error } = await run(list, () => true)
      expect(error?.message).toBe(`${name} failed`)
      expect(done).toEqual(NAMES.slice(0, k + 1))
    },
  )

  it('that have no undo are passed over', async () => {
    const { done, list } = steps(['plug'])
    const without = list.map((step) => (step.name === 'tap' ? { name: step.name, run: step.run } : step))
    await run(without)
    expect(done).toEqual(['network', 'tap', 'dhcp', 'plug', 'undo plug', 'undo dhcp', 'undo network'])
  })

  it('whose undo fails are reported with it, and the others are undone all the same', async () => {
    const { done, list } = steps(['plug', 'undo plug', 'undo tap'])
    const { log, error } = await run(list)
    expect(done.slice(4)).toEqual(['undo plug', 'undo dhcp', 'undo tap', 'undo network'])
    expect(error).toBeInstanceOf(AggregateError)
    expect(error).toMatchObject({ cause: { message: 'plug failed' } })
    expect((error as AggregateError).errors.map(({ message }: Error) => message)).toEqual([
      'undo plug failed',
      'undo tap failed',
    ])
    expect(log.filter((line) => line.error !== null).map((line) => line.name)).toEqual([
      'plug',
      'undo plug',
      'undo tap',
    ])
    expect(explain(error)).toBe('undo left something behind: (undo plug failed): (undo tap failed): plug failed')
  })
})

describe('an explanation', () => {
  it('is the error with its causes in one line', () => {
    const cause = new Error('no such device')
    expect(explain(new Error('joining bridge', { cause }))).toBe('joining bridge: no such device')
    expect(explain('text')).toBe('text')
    expect(explain(new Error('outer', { cause: 5 }))).toBe('outer: 5')
  })

  it('ends, for an error that causes itself, and for one without end', () => {
    const circular = new Error('again')
    circular.cause = circular
    expect(explain(circular)).toMatch(/^again(: again)+$/)
    expect(explain(new Error('x'.repeat(10_000)))).toHaveLength(4_000)
  })
})
