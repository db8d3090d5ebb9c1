import { expect, it } from 'vitest'
import { Semaphore } from './semaphore.ts'

it('lets so many in at once, in order of arrival, and gives the place of one that failed to the next', async () => {
  const semaphore = new Semaphore(2)
  const ends: (() => void)[] = []
  const began: number[] = []
  const all = [0, 1, 2, 3].map((n) =>
    semaphore.run(async () => {
      began.push(n)
      await new Promise<void>((resolve) => ends.push(resolve))
      if (n === 0) throw new Error('failed')
    }),
  )
  const settled = Promise.allSettled(all)
  await new Promise(setImmediate)
  expect(began).toEqual([0, 1])
  ends[0]?.()
  await new Promise(setImmediate)
  expect(began).toEqual([0, 1, 2])
  ends[1]?.()
  ends[2]?.()
  await new Promise(setImmediate)
  ends[3]?.()
  expect((await settled).map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled', 'fulfilled'])
})
