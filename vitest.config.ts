import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config'

/** What existing clients do, from their first request to their last. */
const CLIENTS = ['test/e2e/qingcloud-*.test.ts']
/** What measures how much passes in a second, or how soon something heals: nothing else may want a processor meanwhile. */
const MEASURED = [
  'test/host/shaping.test.ts',
  'test/host/elastic-ip-bandwidth.test.ts',
  'test/e2e/namespace-guest.test.ts',
  'test/e2e/network.test.ts',
  'test/e2e/qemu-network.test.ts',
]
/** Whether the host is as it was, after all that may change it. */
const HOST_UNCHANGED = { globalSetup: ['test/support/host-unchanged.ts'] }

/**
 * Projects of tests, from fast to slow; `npm test` runs one after the other, and `groupOrder` keeps them apart when all are
 * run at once. Files of a project run side by side where they wait more than they work, each with namespaces, a service and
 * a database of its own. Those of `console` are a browser in front of such a service, and want both processors; those of
 * `measured` want them idle.
 */
const PROJECTS: readonly TestOptions[] = [
  { name: 'unit', include: ['src/**/*.test.ts', 'console/src/**/*.test.{ts,tsx}'], testTimeout: 5_000 },
  {
    name: 'integration',
    include: ['test/integration/**/*.test.ts'],
    globalSetup: ['test/support/postgres-setup.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
  { name: 'host', include: ['test/host/**/*.test.ts'], exclude: MEASURED, ...HOST_UNCHANGED },
  { name: 'e2e', include: ['test/e2e/**/*.test.ts'], exclude: [...CLIENTS, ...MEASURED], ...HOST_UNCHANGED },
  { name: 'clients', include: CLIENTS, ...HOST_UNCHANGED },
  { name: 'console', include: ['test/console/**/*.test.ts'], fileParallelism: false, ...HOST_UNCHANGED },
  { name: 'measured', include: MEASURED, fileParallelism: false, ...HOST_UNCHANGED },
  // Not among the tests of `npm test`: it writes pictures.
  { name: 'screenshots', include: ['test/console/screenshots.ts'], hookTimeout: 300_000 },
]

type TestOptions = NonNullable<TestProjectInlineConfiguration['test']>

export default defineConfig({
  test: {
    pool: 'forks',
    // A condition that is waited for costs nothing when it holds at once; one second is little on a machine under load.
    expect: { poll: { timeout: 10_000 } },
    projects: PROJECTS.map((options, groupOrder) => ({
      extends: true,
      test: {
        // Files of one process share what they import: reading it anew for each would take a third of the time.
        isolate: false,
        maxWorkers: 2,
        // Time-outs end what hangs, and claim nothing: a machine whose host takes most of its time may need several times
        // as long as one that has it all.
        testTimeout: 120_000,
        hookTimeout: 180_000,
        sequence: { groupOrder },
        ...options,
      },
    })),
  },
})
