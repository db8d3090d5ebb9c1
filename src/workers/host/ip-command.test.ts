import { expect, it } from 'vitest'

import { ipBatch, parseBatchFailures, saysExists, saysGone } from './ip-command.ts'

const lines = [
  ['link', 'set', 'dev', 'tap1', 'group', '7'],
  ['link', 'set', 'dev', 'tap2', 'master', 'br-1'],
  ['link', 'delete', 'group', '7'],
]

it('a batch that went on after failures tells each with its reason', () => {
  const stderr =
    'Cannot find device "tap1"\nCommand failed -:1\nRTNETLINK answers: No such device\nCommand failed -:3\n'
  expect(parseBatchFailures(stderr, lines)).toEqual([
    { index: 0, reason: 'Cannot find device "tap1"' },
    { index: 2, reason: 'RTNETLINK answers: No such device' },
  ])
})

it('a line that did not parse is found by the word that was refused', () => {
  const stderr = 'Error: argument "br-1" is wrong: Device does not exist\n\n'
  expect(parseBatchFailures(stderr, lines)).toEqual([{ index: 1, reason: stderr.trim() }])
  expect(parseBatchFailures('Error: argument "x" is wrong: no\n', lines)[0]?.index).toBeUndefined()
})

it('nothing on stderr is no failure', () => {
  expect(parseBatchFailures('', lines)).toEqual([])
})

it('there already and gone already are told apart', () => {
  expect(saysExists('RTNETLINK answers: File exists')).toBe(true)
  expect(saysExists('ioctl(TUNSETIFF): Device or resource busy')).toBe(true)
  expect(saysExists('RTNETLINK answers: Device or resource busy')).toBe(false)
  expect(saysGone('Cannot find device "tap1"')).toBe(true)
  expect(saysGone('RTNETLINK answers: Operation not permitted')).toBe(false)
})

it.each(['a b', 'x\nlink delete br0', 'x;y', '#x', '"x"', ''])(
  'a word that a batch would misread is refused: %j',
  async (word) => {
    await expect(ipBatch('none', [['link', 'set', 'dev', word]])).rejects.toThrow(RangeError)
  },
)
