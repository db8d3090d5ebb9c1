import { setTimeout as sleep } from 'node:timers/promises'
import type { TrafficReport } from '../jobs/traffic-report.ts'
import type {
  DesiredState,
  JobProgress,
  JobReport,
  NicObservation,
  QueueAccess,
  WorkOrder,
} from '../jobs/work-order.ts'

/** The control plane understood the call and refused it. Anything else that goes wrong is tried again. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError'
  readonly status: number
  readonly code: string
  constructor(status: number, code: string, message: string) {
    super(message)
    this.status = status
    this.code = code
  }
}

const TIMEOUT_MS = 10_000
const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 1_000

/**
 * What a worker asks of the control plane, with its hypervisor's token. A control plane that is away (a restart, a
 * network that is down) is waited for: nothing of the worker's is lost by it.
 */
export class ControlPlane {
  readonly #base: string
  readonly #token: string
  readonly #closed = new AbortController()

  constructor(apiUrl: string, hypervisorId: string, token: string) {
    this.#base = `${apiUrl}/v1/hypervisors/${hypervisorId}`
    this.#token = token
  }

  queueAccess(): Promise<QueueAccess> {
    return this.#persist<QueueAccess>('GET', '/queue')
  }

  /** @throws RefusedError `job_stale` when the job is not to be done any more. */
  claim(jobId: string): Promise<WorkOrder> {
    return this.#persist<WorkOrder>('POST', `/jobs/${jobId}/claim`, {})
  }

  /** @throws RefusedError `job_stale` when a later attempt has begun. */
  async report(jobId: string, report: JobReport): Promise<void> {
    await this.#persist('POST', `/jobs/${jobId}/report`, report)
  }

  /** Tried once: the report of the attempt will have it too. */
  async progress(jobId: string, progress: JobProgress): Promise<void> {
    await this.#call('POST', `/jobs/${jobId}/progress`, progress)
  }

  /** Tried once: the caller comes again anyway. */
  desiredState(serverId?: string): Promise<DesiredState> {
    const query = serverId === undefined ? '' : `?server_id=${serverId}`
    return this.#call<DesiredState>('GET', `/desired-state${query}`)
  }

  async heartbeat(facts: Record<string, unknown>): Promise<void> {
    await this.#call('POST', '/heartbeat', { facts })
  }

  async observe(observed: readonly NicObservation[]): Promise<void> {
    await this.#call('POST', '/observations', { observed })
  }

  async reportTraffic(report: TrafficReport): Promise<void> {
    await this.#persist('POST', '/traffic', report)
  }

  /** Ends every call that is under way or waiting for the control plane to come back. */
  close(): void {
    this.#closed.abort(new Error('the worker is stopping'))
  }

  async #persist<T>(method: string, path: string, body?: unknown): Promise<T> {
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
      try {
        return await this.#call<T>(method, path, body)
      } catch (error) {
        if (error instanceof RefusedError || this.#closed.signal.aborted) throw error
        await sleep(pause, undefined, { signal: this.#closed.signal })
      }
    }
  }

  async #call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await fetch(`${this.#base}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.#token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      body: body === undefined ? null : JSON.stringify(body),
      signal: AbortSignal.any([AbortSignal.timeout(TIMEOUT_MS), this.#closed.signal]),
    })
    const text = await response.text()
    if (response.ok) return (text === '' ? undefined : JSON.parse(text)) as T
    const message = `${method} ${path} answered ${response.status}: ${text.slice(0, 500)}`
    if (response.status >= 500) throw new Error(message)
    throw new RefusedError(response.status, problemCode(text), message)
  }
}

function problemCode(text: string): string {
  try {
    return String((JSON.parse(text) as { code?: unknown }).code)
  } catch {
    return '' // not ours: a proxy in between
  }
}
