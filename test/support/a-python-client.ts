/** The client of `qingcloud_client.py`: another language, another signature, and the habits of the Python tools. */
import { spawn } from 'node:child_process'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { expect } from 'vitest'
import type { RunningService } from './a-running-service.ts'
import { adminKeyOf, type WireAnswer } from './a-wire-client.ts'
import { until } from './until.ts'

const SCRIPT = path.join(import.meta.dirname, 'qingcloud_client.py')

export interface PythonClient {
  /** Sends an action. @returns the answer whatever its `ret_code`: these tools make no error of it. */
  ask(action: string, parameters?: object, method?: 'GET' | 'POST'): Promise<WireAnswer>
  /** The same, for an action that has to succeed. */
  ok(action: string, parameters?: object, method?: 'GET' | 'POST'): Promise<WireAnswer>
  /** An action with a job, waited for; a job that failed has ended too. */
  act(action: string, parameters: object): Promise<WireAnswer>
  /** TCP connections that were made until now. */
  connections(): number
  close(): void
}

export async function aPythonClient(service: RunningService): Promise<PythonClient> {
  const key = await adminKeyOf(service)
  const { hostname, port } = new URL(service.url)
  const python = spawn('python3', [SCRIPT], {
    env: {
      ...process.env,
      WIRE_HOST: hostname,
      WIRE_PORT: port,
      WIRE_KEY_ID: key.access_key_id,
      WIRE_SECRET: key.secret_access_key,
      WIRE_ZONE: 'local-1',
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const lines = createInterface({ input: python.stdout })[Symbol.asyncIterator]()
  let connections = 0

  const ask: PythonClient['ask'] = async (action, parameters = {}, method = 'GET') => {
    python.stdin.write(`${JSON.stringify({ action, method, parameters })}\n`)
    const { value, done } = await lines.next()
    if (done) throw new Error('the Python client has ended')
    const { status, type, answer, ...seen } = JSON.parse(value)
    connections = seen.connections
    expect({ status, type }).toEqual({ status: 200, type: 'application/json' })
    expect(Number.isInteger(answer.ret_code), JSON.stringify(answer)).toBe(true)
    return answer
  }
  const ok: PythonClient['ok'] = async (action, parameters, method) => {
    const answer = await ask(action, parameters, method)
    expect(answer.ret_code, `${action} ${JSON.stringify(parameters)}: ${answer.message}`).toBe(0)
    expect(answer.action).toBe(`${action}Response`)
    return answer
  }
  const waitJob = async (id: string): Promise<void> => {
    const hasEnded = async () => {
      const { job_set } = await ok('DescribeJobs', { jobs: [id] })
      return !['pending', 'working'].includes(job_set[0]?.status ?? 'pending')
    }
    await until(`job ${id} to end`, hasEnded, 60_000)
  }
  return {
    ask,
    ok,
    act: async (action, parameters) => {
      const answer = await ok(action, parameters)
      await waitJob(answer.job_id)
      return answer
    },
    connections: () => connections,
    close: () => void python.stdin.end(),
  }
}
