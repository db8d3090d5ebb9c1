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
