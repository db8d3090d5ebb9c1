import type { Logger } from 'pino'
import type { ReportedStep } from '../jobs/work-order.ts'
import { RefusedError } from './control-plane.ts'

const EVERY_MS = 1_000

/**
 * Tells what an attempt is at, for whoever waits for it: every second, if it has changed and the last call has ended. What
 * is quick costs nothing, and what is lost is told again, or by the report.
 * @param steps - of the attempt; they grow and change meanwhile.
 * @param tell - sends them; when it is refused the attempt is not the one that counts any more, or nobody wants to know.
 * @returns how to end it.
 */
export function tellProgress(
  steps: readonly ReportedStep[],
  tell: (steps: ReportedStep[]) => Promise<void>,
  log: Pick<Logger, 'debug'>,
): () => void {
  let told = '[]'
  let isTelling = false
  const look = async (): Promise<void> => {
    const begun = JSON.stringify(steps)
    if (isTelling || begun === told) return
    isTelling = true
    try {
      await tell([...steps])
      told = begun
    } catch (error) {
      log.debug({ err: error }, 'how far a job is could not be told')
      if (error instanceof RefusedError) end()
    } finally {
      isTelling = false
    }
  }
  const timer = setInterval(() => void look(), EVERY_MS)
  const end = () => clearInterval(timer)
  return end
}
