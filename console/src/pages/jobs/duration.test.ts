import { expect, it } from 'vitest'
import { duration } from './duration.ts'

it.each([
  [0, '0ms', '0ms'],
  [-5, '0ms', '0ms'],
  [340, '340ms', '340ms'],
  [1_249, '1.2s', '1.2秒'],
  [17_400, '17s', '17秒'],
  [185_000, '3m 5s', '3分钟 5秒'],
  [3_720_000, '1h 2m', '1小时 2分钟'],
])('%d ms is %s', (ms, en, zh) => {
  expect(duration(ms, 'en')).toBe(en)
  expect(duration(ms, 'zh')).toBe(zh)
})
