/**
 * Every act that a worker carries out. Start-up fails unless each has exactly one handler.
 *
 * `attempts` counts tries at what can pass by itself, with exponential back-off from `BACKOFF_MS` (0.5 s, 1 s, 2 s, …);
 * what cannot pass is final at once.
 */
export const JOBS = {
  'server.create': { attempts: 6 },
  'server.start': { attempts: 6 },
  'server.stop': { attempts: 6 },
  'server.restart': { attempts: 6 },
  'server.delete': { attempts: 6 },
  'nic.attach': { attempts: 7 },
  'nic.detach': { attempts: 7 },
  'network.apply': { attempts: 4 },
} as const satisfies Record<string, { attempts: number }>

export type JobAction = keyof typeof JOBS
export const JOB_ACTIONS = Object.keys(JOBS) as JobAction[]
export const BACKOFF_MS = 500
