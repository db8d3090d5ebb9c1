import { expect, it } from 'vitest'
import { each } from './each.ts'

const options = { headers: { 'Idempotency-Key': 'k' } }

it('each of many is done, with a key of its own', async () => {
  const keys = await each([...Array(15).keys()], async (_, { headers }) => headers['Idempotency-Key'], options)
  expect(keys).toHaveLength(15)
  expect(new Set(keys).size).toBe(15)
})

it('a refusal of one is told when the others are done', async () => {
  const done: number[] = []
  const act = async (item: number) => {
    if (item === 1) throw new Error('refused')
    done.push(item)
  }
  await expect(each([...Array(9).keys()], act, options)).rejects.toThrow('refused')
  expect(done).toEqual([0, 2, 3, 4, 5, 6, 7, 8])
})
