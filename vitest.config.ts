import { defineConfig } from 'vitest/config'

/** What existing clients do, from their first request to their last. */
const CLIENTS = ['test/e2e/qingcloud-*.test.ts']

/**
 * Six projects of tests, from fast to slow. `sequence.groupOrder` keeps them apart even when all run at once: host and e2e
 * files share one kernel and its namespaces, and timing tests must not compete with a QEMU guest for two cores. Those of
 * `clients` wait most of the time, and each has a service and namespaces of its own: two run side by side. `console` is a
 * browser in front of such a service, and has the machine to itself: it measures how soon a page is there.
 *
 * The time-outs of tests only end what hangs: nothing is claimed by them, and a machine whose host takes most of its time
 * may need several times as long as one that has it all.
 */
export default defineConfig({
  test: {
    pool: 'forks',
    // A condition that is waited for costs nothing when it holds at once; one second is little on a machine under load.
    expect: { poll: { timeout: 10_000 } },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts', 'console/src/**/*.test.{ts,tsx}'],
          testTimeout: 5_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          globalSetup: ['test/support/postgres-setup.ts'],
          maxWorkers: 2,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'host',
          include: ['test/host/**/*.test.ts'],
          globalSetup: ['test/support/host-unchanged.ts'],
          maxWorkers: 1,
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 2 },
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          exclude: CLIENTS,
          globalSetup: ['test/support/host-unchanged.ts'],
          maxWorkers: 1,
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 180_000,
          sequence: { groupOrder: 3 },
        },
      },
      {
        extends: true,
        test: {
          name: 'clients',
          include: CLIENTS,
          globalSetup: ['test/support/host-unchanged.ts'],
          maxWorkers: 2,
          testTimeout: 120_000,
          hookTimeout: 180_000,
          sequence: { groupOrder: 4 },
        },
      },
      {
        extends: true,
        test: {
          name: 'console',
          include: ['test/console/**/*.test.ts'],
          globalSetup: ['test/support/host-unchanged.ts'],
          maxWorkers: 1,
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 180_000,
          sequence: { groupOrder: 5 },
        },
      },
      {
        extends: true,
        // Not among the tests of `npm test`: it writes pictures.
        test: {
          name: 'screenshots',
          include: ['test/console/screenshots.ts'],
          testTimeout: 60_000,
          hookTimeout: 300_000,
          sequence: { groupOrder: 6 },
        },
      },
    ],
  },
})
