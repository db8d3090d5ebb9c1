import { setImmediate as tick } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { SharedLock } from './shared-lock.ts'

/** Acts that begin and end when they are told to, with a log of it. */
function acts() {
  const log: string[] = []
  const end = new Map<string, () => void>()
  const act = (name: string) => () => {
    log.push(`${name} begins`)
    return new Promise<void>((resolve) => {
      end.set(name, () => {
        log.push(`${name} ends`)
        resolve()
      })
    })
  }
  return { log, act, end: (name: string) => end.get(name)?.() }
}

it('those who share run side by side, and whoever is alone waits for them and holds up those behind', async () => {
  const lock = new SharedLock()
  const { log, act, end } = acts()
  const all = [lock.shared(act('a')), lock.shared(act('b')), lock.exclusive(act('c')), lock.shared(act('d'))]
  await tick()
  expect(log).toEqual(['a begins', 'b begins'])
  end('b')
  await tick()
  expect(log).not.toContain('c begins')
  end('a')
  await tick()
  expect(log.at(-1)).toBe('c begins')
  end('c')
  await tick()
  expect(log.at(-1)).toBe('d begins')
  end('d')
  await Promise.all(all)
})

it('one that fails holds up nobody', async () => {
  const lock = new SharedLock()
  const failing = lock.exclusive(async () => {
    throw new Error('no')
  })
  const after = lock.shared(async () => 'yes')
  await expect(failing).rejects.toThrow('no')
  expect(await after).toBe('yes')
})
