/** What the figures were measured on: they mean nothing without it. */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
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
  const commit = await firstLine('git', 'rev-parse', '--short', 'HEAD')
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
    commit: commit === undefined ? 'not a checkout' : `${commit}${dirty ? ' and changes' : ''}`,
    load_at_start: Number(loadavg()[0]?.toFixed(2)),
  }
}

const SAMPLE_MS = 1_000

/**
 * Share of all cores that is busy (or held by the host machine) just now, 0..1. Asked before a measurement begins, it
 * tells how much others take: on two cores every figure is worse for it, and not by the same factor.
 */
export async function busyShare(): Promise<number> {
  const before = await cpuTicks()
  await sleep(SAMPLE_MS)
  const after = await cpuTicks()
  return 1 - (after.idle - before.idle) / (after.all - before.all)
}

/** @see proc_stat(5): user nice system idle iowait irq softirq steal, the rest is part of these. */
async function cpuTicks(): Promise<{ idle: number; all: number }> {
  const [line = ''] = (await readFile('/proc/stat', 'utf8')).split('\n')
  const ticks = line.trim().split(/\s+/).slice(1, 9).map(Number)
  return { idle: (ticks[3] ?? 0) + (ticks[4] ?? 0), all: ticks.reduce((sum, each) => sum + each, 0) }
}
