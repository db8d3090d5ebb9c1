/** What the figures were measured on: they mean nothing without it. */
import { execFile } from 'node:child_process'
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os'
import { promisify } from 'node:util'
import { packageRoot } from '../../src/package-root.ts'
import { hasKvm } from '../../src/workers/guests/qemu-process.ts'

const run = promisify(execFile)

async function firstLine(command: string, ...args: string[]): Promise<string | undefined> {
  try {
    return (await run(command, args, { cwd: packageRoot })).stdout.split('\n')[0]?.trim()
  } catch {
    return undefined // not installed, or not a git checkout
  }
}

export async function machineFacts() {
  const dirty = await firstLine('git', 'status', '--porcelain', '--untracked-files=no')
  return {
    cores: availableParallelism(),
    cpu: cpus()[0]?.model ?? 'unknown',
    memory_gib: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
    qemu: await firstLine('qemu-system-x86_64', '--version'),
    qemu_accelerator: (await hasKvm()) ? 'kvm' : 'tcg (translated code, no hardware virtualisation)',
    redis: await firstLine('redis-server', '--version'),
    pgbench: await firstLine('pgbench', '--version'),
    commit: `${await firstLine('git', 'rev-parse', '--short', 'HEAD')}${dirty ? ' and changes' : ''}`,
    // Others at work on the machine make every figure worse; this tells afterwards that there were some.
    load_at_start: Number(loadavg()[0]?.toFixed(2)),
  }
}
