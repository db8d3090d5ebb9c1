/** TCP from one network namespace to another, by iperf3: one stream, as fast as it goes. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { runInNamespace } from '../../src/workers/host/run-command.ts'
import { whenDone } from './cleanup.ts'

export interface TcpPath {
  /** Name of the namespace that sends. */
  readonly from: string
  /** Name of the namespace that receives, and its address there. */
  readonly to: string
  readonly address: string
}

/** Where iperf3 listens. */
export const IPERF_PORT = 5201
/** What comes before is slow start, and not counted. */
const SETTLE_S = 1

/** Starts the receiver of a path; it ends with the measurement. */
export async function listen({ to, address }: TcpPath): Promise<void> {
  const args = [`--net=/run/netns/${to}`, '--', 'iperf3', '-s', '-B', address, '--forceflush']
  const child = spawn('nsenter', args, { stdio: ['ignore', 'pipe', 'ignore'], detached: true })
  const ended = once(child, 'exit')
  whenDone(async () => {
    child.kill('SIGKILL')
    await ended
  })
  const lines = createInterface({ input: child.stdout })
  const listening = new Promise<void>((resolve) => {
    lines.on('line', (line) => line.includes('listening') && resolve())
  })
  const died = ended.then(([code]) => Promise.reject(new Error(`iperf3 in ${to} ended with ${code}`)))
  died.catch(() => undefined) // at the end it is meant to
  await Promise.race([listening, died])
}

/** Sends for so many seconds. @returns Gbit/s of payload that arrived. */
export async function tcpGbps({ from, address }: TcpPath, seconds: number): Promise<number> {
  const args = ['-c', address, '-t', String(seconds), '-O', String(SETTLE_S), '-J']
  const { stdout } = await runInNamespace(from, 'iperf3', args)
  const { end } = JSON.parse(stdout) as { end: { sum_received: { bits_per_second: number } } }
  return end.sum_received.bits_per_second / 1e9
}
