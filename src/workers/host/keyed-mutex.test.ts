import { expect, it } from 'vitest'

import { KeyedMutex } from './keyed-mutex.ts'

/** An act that waits to be let go. */
function anAct(log: string[], name: string) {
  let letGo: () => void = () => undefined
  const gate = new Promise<void>((resolve) => {
    letGo = resolve
  })
  const act = async () => {
    log.push(`${name} in`)
    await gate
    log.push(`${name} out`)
  }
  return { act, letGo: () => letGo() }
}
const settled = () => new Promise<void>((resolve) => setImmediate(resolve))

it('one at a time per key, in order of arrival; other keys run side by side', async () => {
  const mutex = new KeyedMutex()
  const log: string[] = []
  const [a, b, c] = [anAct(log, 'a'), anAct(log, 'b'), anAct(log, 'c')]
  const all = [mutex.run(['x'], a.act), mutex.run(['x'], b.act), mutex.run(['y'], c.act)]
  await settled()
  expect(log).toEqual(['a in', 'c in'])
  for (const { letGo } of [b, a, c]) letGo()
  await Promise.all(all)
  expect(log.filter((entry) => !entry.startsWith('c'))).toEqual(['a in', 'a out', 'b in', 'b out'])
})

it('holders of overlapping keys in opposite order do not block each other', async () => {
  const mutex = new KeyedMutex()
  const order: number[] = []
  await Promise.all([
    mutex.run(['x', 'y'], async () => void order.push(1)),
    mutex.run(['y', 'x'], async () => void order.push(2)),
    mutex.run(['y'], async () => void order.push(3)),
  ])
  expect(order).toEqual([1, 2, 3])
})

it('a failure is told to its caller alone', async () => {
  const mutex = new KeyedMutex()
  const failed = mutex.run(['x'], () => Promise.reject(new Error('no')))
  const next = mutex.run(['x'], async () => 'yes')
  await expect(failed).rejects.toThrow('no')
  expect(await next).toBe('yes')
})

it('idle waits for everyone who has come', async () => {
  const mutex = new KeyedMutex()
  const log: string[] = []
  const { act, letGo } = anAct(log, 'a')
  const running = mutex.run(['x'], act)
  const idle = mutex.idle().then(() => log.push('idle'))
  letGo()
  await Promise.all([running, idle])
  expect(log).toEqual(['a in', 'a out', 'idle'])
})
