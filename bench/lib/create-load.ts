/**
 * Creates NICs through REST as fast as the service answers, in a process of its own: `node create-load.js`, forked with an
 * IPC channel. It is sent one `CreateLoad` and sends one `CreateLoadResult`.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { networkIdOf } from './fill.ts'
import { Connection, requestText } from './http.ts'
import { type Spread, spread } from './stats.ts'

export interface CreateLoad {
  readonly port: number
  readonly token: string
  readonly inFlight: number
  readonly warmUpMs: number
  readonly forMs: number
  /** NICs are spread over this many networks from number `first` (or 0) on, see `networkIdOf`. */
  readonly networks: number
  readonly first?: number
}

export interface CreateLoadResult {
  readonly perSecond: number
  /** All of them, also those of the warm-up. */
  readonly created: number
  /** ms per request. */
  readonly latency: Spread
  /** Share of one core that this client took for itself. */
  readonly clientCpu: number
}

/** Runs the load in a process of its own. */
export async function createLoad(load: CreateLoad): Promise<CreateLoadResult> {
  const child = fork(fileURLToPath(import.meta.url), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const exited = once(child, 'exit').then(([code]) => ({ error: `the client ended with ${code}` }))
  child.send(load)
  const answered = once(child, 'message').then(([message]) => message as CreateLoadResult | { error: string })
  const result = await Promise.race([answered, exited])
  child.kill()
  await exited
  if ('error' in result) throw new Error(result.error)
  return result
}

async function generate(load: CreateLoad): Promise<CreateLoadResult> {
  const connections = await Promise.all(Array.from({ length: load.inFlight }, () => Connection.open(load.port)))
  // The requests differ only in their network: made beforehand, they cost nothing later.
  const requests = Array.from({ length: load.networks }, (_, index) =>
    requestText(
      'POST',
      '/v1/nics',
      { authorization: `Bearer ${load.token}` },
      { network_id: networkIdOf((load.first ?? 0) + index), name: 'bench' },
    ),
  )
  const phase = async (forMs: number): Promise<number[]> => {
    const times: number[] = []
    const until = performance.now() + forMs
    const lane = async (connection: Connection) => {
      for (let begun = performance.now(); begun < until; begun = performance.now()) {
        const request = requests[Math.floor(Math.random() * requests.length)] ?? ''
        const { status, body } = await connection.send(request)
        if (status !== 201) throw new Error(`a create was answered ${status}: ${body}`)
        times.push(performance.now() - begun)
      }
    }
    await Promise.all(connections.map(lane))
    return times
  }
  const warmUp = await phase(load.warmUpMs)
  const cpuBefore = process.cpuUsage()
  const begun = performance.now()
  const times = await phase(load.forMs)
  const elapsedMs = performance.now() - begun
  const cpu = process.cpuUsage(cpuBefore)
  for (const connection of connections) connection.close()
  return {
    perSecond: (times.length * 1000) / elapsedMs,
    created: warmUp.length + times.length,
    latency: spread(times),
    clientCpu: (cpu.user + cpu.system) / 1000 / elapsedMs,
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url) && process.send) {
  process.once('message', (load) => {
    generate(load as CreateLoad).then(
      (result) => process.send?.(result),
      (error: unknown) => process.send?.({ error: String(error) }),
    )
  })
}
