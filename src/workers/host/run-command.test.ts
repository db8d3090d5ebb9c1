import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'

import { HostCommandError, runCommand } from './run-command.ts'

it('a failure carries command, exit code and what was said', async () => {
  const failure = runCommand('sh', ['-c', 'echo no such thing >&2; exit 3'])
  await expect(failure).rejects.toMatchObject({
    exitCode: 3,
    stderr: 'no such thing\n',
    command: ['sh', '-c', expect.any(String)],
  })
  await expect(failure).rejects.toThrow(/no such thing/)
  await expect(failure).rejects.toBeInstanceOf(HostCommandError)
})

it('a program that is not installed is named', async () => {
  await expect(runCommand('no-such-program', [])).rejects.toThrow('no-such-program is not installed')
})

it('arguments reach the program as they are', async () => {
  const { stdout } = await runCommand('printf', ['%s', '$(id); "x" *'])
  expect(stdout).toBe('$(id); "x" *')
})

it('a program that does not read its input is no error', async () => {
  expect((await runCommand('true', [], { input: 'x'.repeat(1 << 20) })).exitCode).toBe(0)
})

it.each([
  ['of some lines', 'one\ntwo\n'],
  ['with blanks, empty lines and backslashes', '  a\\nb \t\n\n\n\\\n  '],
  ['that a shell would expand or end at', '$(id) `id` $HOME "x" \'y\' *\nEND\n<<END\n'],
  ['with other letters', 'Grüße\n'],
  ['longer than a pipe takes at once', '0123456789abcde\n'.repeat(1000)],
  ['longer than a shell is given', '0123456789abcde\n'.repeat(10_000)],
])('input %s reaches the program as it is', async (_what, input) => {
  const { stdout } = await runCommand('cat', [], { input })
  expect(stdout.replace(/\n$/, '')).toBe(input.replace(/\n$/, ''))
})

it('a program without input finds its end at once', async () => {
  expect((await runCommand('cat', [])).stdout).toBe('')
})

it('an argument may have lines, or be empty', async () => {
  expect((await runCommand('printf', ['%s|', 'a\nb', ''])).stdout).toBe('a\nb||')
  expect((await runCommand('printf', ['%s|', '', ' a ', ''])).stdout).toBe('| a ||')
})

it('programs run side by side, and each gets its own output', async () => {
  const numbers = Array.from({ length: 40 }, (_, number) => String(number))
  const outputs = await Promise.all(
    numbers.map((number) => runCommand('sh', ['-c', 'sleep 0.05; echo "$1"; echo "$1" >&2', 'sh', number])),
  )
  expect(outputs).toEqual(numbers.map((n) => ({ exitCode: 0, stdout: `${n}\n`, stderr: `${n}\n` })))
})

it('output may be long, and without an end of line', async () => {
  const { stdout } = await runCommand('sh', ['-c', 'head -c 3000001 /dev/zero | tr "\\0" x'])
  expect(stdout).toBe('x'.repeat(3_000_001))
})

it('a program that a signal kills has failed, whatever is allowed; the next one runs', async () => {
  const killed = runCommand('sh', ['-c', 'kill -KILL $$'], { allowFailure: true })
  await expect(killed).rejects.toThrow('sh was killed by signal 9')
  expect((await runCommand('echo', ['on'])).stdout).toBe('on\n')
})

it('a program whose starter is killed has failed; the next one runs', async () => {
  await expect(runCommand('sh', ['-c', 'kill -KILL $PPID'])).rejects.toThrow(HostCommandError)
  expect((await runCommand('echo', ['on'])).stdout).toBe('on\n')
})

it('starting a program does not copy the memory of this process', async () => {
  const { stdout } = await runCommand('sh', ['-c', 'echo $PPID'])
  expect(await readFile(`/proc/${stdout.trim()}/cmdline`, 'utf8')).toMatch(/^sh\0-c\0/)
})
