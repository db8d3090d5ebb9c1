import type { Config } from './config.ts'

/** Stub. */
export async function runDemo(config: Config): Promise<void> {
  throw new Error(`not written yet (${config.port})`)
}
