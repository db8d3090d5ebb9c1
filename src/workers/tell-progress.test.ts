import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { ReportedStep } from '../jobs/work-order.ts'
import { RefusedError } from './control-plane.ts'
import { tellProgress } from './tell-progress.ts'

const at = '2026-01-01T00:00:00.000Z'
const begun = (name: string): ReportedStep => ({ name, started_at: at, ended_at: null, error: null })
const log = { debug: () => undefined }

describe('how far a job is', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  /** The names and ends that were told, call by call. */
  const telling = (steps: readonly ReportedStep[], answer: () => Promise<void> = async () => undefined) => {
    const calls: string[] = []
    const end = tellProgress(
      steps,
      (told) => {
        calls.push(told.map(({ name, ended_at }) => `${name}${ended_at === null ? '...' : ''}`).join(' '))
        return answer()
      },
      log,
    )
    return { calls, end }
  }
  const seconds = (count: number) => vi.advanceTimersByTimeAsync(count * 1000)

  it('is not told of one that is done within a second', async () => {
    const { calls, end } = telling([begun('plug')])
    await vi.advanceTimersByTimeAsync(999)
    end()
    await seconds(5)
    expect(calls).toEqual([])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('is told when it has changed, once a second at most', async () => {
    const boot = begun('boot')
    const steps: ReportedStep[] = []
    const { calls, end } = telling(steps)
    await seconds(2)
    expect(calls, 'nothing has begun').toEqual([])
    steps.push(boot)
    await seconds(3)
    boot.ended_at = at
    steps.push(begun('verify'))
    await seconds(3)
    end()
    expect(calls).toEqual(['boot...', 'boot verify...'])
  })

  it('is told again when it was lost, and one call waits for the other', async () => {
    const outcomes: (() => void)[] = []
    const { calls, end } = telling(
      [begun('boot')],
      () =>
        new Promise((resolve, reject) =>
          outcomes.push(outcomes.length === 0 ? () => reject(new Error('lost')) : resolve),
        ),
    )
    await seconds(3)
    expect(calls).toHaveLength(1)
    outcomes[0]?.()
    await seconds(1)
    expect(calls).toHaveLength(2)
    outcomes[1]?.()
    await seconds(3)
    expect(calls).toHaveLength(2)
    end()
  })

  it('is not told any more to who refuses it', async () => {
    const { calls } = telling([begun('boot')], async () => {
      throw new RefusedError(409, 'job_stale', 'overtaken')
    })
    await seconds(3)
    expect(calls).toHaveLength(1)
    expect(vi.getTimerCount()).toBe(0)
  })
})
