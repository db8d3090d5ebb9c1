import { expect, test } from 'vitest'
import type { Db } from '../db/client.ts'
import { ActorCache } from './auth.ts'

/** A database whose one answer to a question after a key comes when it is let come. */
function aSlowDatabase() {
  const rows = [{ keyId: 'KEY', projectId: 'prj-p', role: 'admin' }]
  let answer = (_: object[]): void => undefined
  const asked = new Promise<object[]>((resolve) => {
    answer = resolve
  })
  const db = { select: () => ({ from: () => ({ where: () => asked }) }) }
  return { db: db as unknown as Db, answer: () => answer(rows) }
}
const EMPTY = { select: () => ({ from: () => ({ where: async () => [] }) }) } as unknown as Db

test('a key that goes while it is asked for is not remembered', async () => {
  const cache = new ActorCache()
  const { db, answer } = aSlowDatabase()
  const before = cache.actorOf(db, 'token')
  cache.forget()
  answer()
  expect(await before).toMatchObject({ keyId: 'KEY' }) // it was there when it was asked for
  expect(await cache.actorOf(EMPTY, 'token')).toBeUndefined()
})
