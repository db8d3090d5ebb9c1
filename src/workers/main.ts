import { spawn } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { hostname } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Logger, pino } from 'pino'
import { type Config, readHypervisorToken } from '../config.ts'
import type { JobAction } from '../jobs/catalogue.ts'
import { openConsumer } from '../jobs/engines.ts'
import { packageRoot } from '../package-root.ts'
import { ControlPlane } from './control-plane.ts'
import { DataPlane } from './host/data-plane.ts'
import { Observer } from './observer.ts'
import { eachLimited, Reconciler } from './reconcile.ts'
import { runJob } from './run-job.ts'
import { runDirOf, Servers } from './servers.ts'

/** Jobs at work at once; those of one server wait for each other. */
const CONCURRENCY = 32
const HEARTBEAT_MS = 5_000
/** Guests that are asked to shut down get this long before their power is cut. */
const GRACE_MS = 5_000
/** Jobs at work get this long to end when the worker stops; what is left is done by the next one. */
const DRAIN_MS = 8_000
const STOPS_AT_ONCE = 8
/** Kernel messages come in flocks. */
const QUIET_MS = 50
const REOPEN_MS = 1_000
/** Jobs after which a guest has cards it did not have before. */
const PLUGS: ReadonlySet<string> = new Set<JobAction>(['nic.attach', 'server.create', 'server.start'])

/** Runs a hypervisor's worker until SIGTERM (guests are stopped), SIGHUP (guests run on) or SIGINT (as SIGTERM). */
export async function runWorker(config: Config): Promise<void> {
  if (config.apiUrl === undefined) throw new Error('PATCHBAY_API_URL is required to run a worker')
  const log = pino({ level: config.logLevel, name: 'worker' })
  const runDir = runDirOf(config.netns)
  const image = path.join(packageRoot, 'dist/guest')
  const control = new ControlPlane(config.apiUrl, config.hypervisorId, readHypervisorToken(config))
  const plane = new DataPlane({ netns: config.netns, runDir })
  const servers = new Servers({
    netns: config.netns,
    runDir,
    image: { kernel: path.join(image, 'vmlinuz'), initrd: path.join(image, 'initrd.img') },
  })
  const observer = new Observer(control, servers, log)
  const reconciler = new Reconciler({ control, plane, servers, observer, log })

  await plane.open()
  const access = await control.queueAccess()
  const consumer = openConsumer(access, config.hypervisorId, CONCURRENCY, (nudge) =>
    runJob(
      {
        control,
        plane,
        servers,
        log,
        afterwards: (work, action, outcome) => {
          if (outcome === 'successful' && PLUGS.has(action)) observer.follow(work)
          // What a detach leaves (a network without NICs) and what a failure leaves is the reconciler's.
          if (outcome !== 'successful' || !PLUGS.has(action)) reconciler.nudge()
        },
      },
      nudge,
    ),
  )
  await consumer.ready()
  const facts = { hostname: hostname(), netns: config.netns, queue: access.engine, guests: ['qemu', 'namespace'] }
  const beat = () => control.heartbeat(facts).catch((error: unknown) => log.warn({ err: error }, 'no heartbeat'))
  await beat()
  const heartbeat = setInterval(() => void beat(), HEARTBEAT_MS)
  const monitor = watchKernel(config.netns, () => reconciler.nudge(), log)
  reconciler.start()

  let stopping = false
  const stop = async (keepGuests: boolean): Promise<void> => {
    if (stopping) return
    stopping = true
    clearInterval(heartbeat)
    monitor.close()
    observer.close()
    await Promise.race([Promise.all([reconciler.close(), consumer.close()]), sleep(DRAIN_MS)])
    control.close()
    if (!keepGuests) await stopGuests(servers, plane, runDir, log)
  }
  const stopAndExit = (keepGuests: boolean) => {
    stop(keepGuests)
      .catch((error: unknown) => log.error({ err: error }, 'the worker did not stop cleanly'))
      .finally(() => process.exit())
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stopAndExit(config.keepGuests))
  // The supervisor is gone, and nobody asked for the guests to stop.
  process.on('SIGHUP', () => stopAndExit(true))
}

/** Stops every guest of this hypervisor and takes the data plane down. They come back with the next worker. */
async function stopGuests(servers: Servers, plane: DataPlane, runDir: string, log: Logger): Promise<void> {
  await eachLimited(await servers.registered(), STOPS_AT_ONCE, async (server) => {
    await servers
      .remnant(server)
      .stop({ force: false, graceMs: GRACE_MS })
      .catch((error: unknown) => log.error({ err: error, server: server.id }, 'a guest did not stop'))
  })
  await plane.destroy()
  await rm(runDir, { recursive: true, force: true })
}

/** Calls back, at most every `QUIET_MS`, when the kernel says that a device in the data plane went. */
function watchKernel(netns: string, onChange: () => void, log: Logger): { close(): void } {
  let closed = false
  let child: ReturnType<typeof spawn> | undefined
  let pending: NodeJS.Timeout | undefined
  const open = (): void => {
    child = spawn('ip', ['-n', netns, '-o', 'monitor', 'link'], { stdio: ['ignore', 'pipe', 'ignore'] })
    child.on('error', (error) => log.warn({ err: error }, 'cannot watch the kernel; the timer goes on'))
    child.on('close', () => {
      if (!closed) setTimeout(open, REOPEN_MS).unref()
    })
    if (!child.stdout) return
    createInterface(child.stdout).on('line', (line) => {
      if (!line.startsWith('Deleted') || pending) return
      pending = setTimeout(() => {
        pending = undefined
        onChange()
      }, QUIET_MS)
    })
  }
  open()
  return {
    close: () => {
      closed = true
      clearTimeout(pending)
      child?.kill()
    },
  }
}
