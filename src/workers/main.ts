import type { Config } from '../config.ts'

/** Stub: resolves once the worker is connected to the API. */
export async function runWorker(config: Config): Promise<void> {
  throw new Error(`not written yet (${config.hypervisorId})`)
}
