import { mkdir, rm } from 'node:fs/promises'
import { hostname, release } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Logger, pino } from 'pino'
import { type Config, readHypervisorToken } from '../config.ts'
import { LockedError, takeLock } from '../data-lock.ts'
import type { JobAction } from '../jobs/catalogue.ts'
import { openConsumer } from '../jobs/engines.ts'
import { packageRoot } from '../package-root.ts'
import { ControlPlane, RefusedError } from './control-plane.ts'
import { DataPlane } from './host/data-plane.ts'
import { FilterMonitor, KernelMonitor } from './kernel-monitor.ts'
import { NetworkSettings } from './network-settings.ts'
import { isObserved, Observer } from './observer.ts'
import { Reconciler } from './reconcile.ts'
import { runJob } from './run-job.ts'
import { Semaphore } from './semaphore.ts'
import { runDirOf, Servers } from './servers.ts'
import { TrafficMeter } from './traffic.ts'

/** Messages in hand at once. Most of them wait for their server; how many are at work is `Servers`' to say. */
const CONCURRENCY = 1_000
const HEARTBEAT_MS = 5_000
/** Guests that are asked to shut down get this long before their power is cut. */
const GRACE_MS = 5_000
/** Jobs at work get this long to end when the worker stops; what is left is done by the next one. */
const DRAIN_MS = 8_000
const STOPS_AT_ONCE = 8
/** How long a worker that is stopping may hold the data plane. */
const PREDECESSOR_MS = 20_000
const LOCK_PAUSE_MS = 200
/** Jobs after which a guest has cards it did not have before. */
const PLUGS: ReadonlySet<string> = new Set<JobAction>(['nic.attach', 'server.create', 'server.start'])

/** Runs a hypervisor's worker until SIGTERM (guests are stopped), SIGHUP (guests run on) or SIGINT (as SIGTERM). */
export async function runWorker(config: Config): Promise<void> {
  if (config.apiUrl === undefined) throw new Error('PATCHBAY_API_URL is required to run a worker')
  const log = pino({ level: config.logLevel, name: 'worker' })
  const runDir = runDirOf(config.netns)
  const image = path.join(packageRoot, 'dist/guest')
  const control = new ControlPlane(config.apiUrl, config.hypervisorId, readHypervisorToken(config))
  const filterMonitor = new FilterMonitor(config.netns, log)
  const plane = new DataPlane({
    netns: config.netns,
    runDir,
    interfaces: config.interfaces,
    interfacesNetns: config.interfacesNetns,
    dnsUpstreams: config.dnsUpstreams,
    filterChangesSeen: () => filterMonitor.seen(),
  })
  const settings = new NetworkSettings(plane, (serverId) => control.desiredState(serverId))
  const servers = new Servers({
    netns: config.netns,
    runDir,
    image: { kernel: path.join(image, 'vmlinuz'), initrd: path.join(image, 'initrd.img') },
  })
  const observer = new Observer(control, servers, log)
  const monitor = new KernelMonitor(config.netns, () => reconciler.nudge(), log)
  const traffic = new TrafficMeter(config.netns, (report) => control.reportTraffic(report), log)
  const onMadeAnew = () => {
    monitor.restart()
    filterMonitor.restart()
  }
  const reconciler = new Reconciler({ control, plane, servers, settings, observer, log, onMadeAnew })

  const unlock = await lockDataPlane(config.netns)
  await plane.open()
  // Guests come back, and drift is mended, even while the queue is away.
  reconciler.start()
  monitor.open()
  filterMonitor.open()
  traffic.start()
  const access = await control.queueAccess()
  const consumer = await openConsumer(access, config.hypervisorId, CONCURRENCY, (nudge) =>
    runJob(
      {
        control,
        plane,
        servers,
        settings,
        log,
        afterwards: (work, action, outcome) => {
          if (outcome !== 'successful')
            reconciler.nudge() // what a failure leaves is for it to mend
          else if (PLUGS.has(action) && !isObserved(work)) observer.follow(work)
        },
      },
      nudge,
    ),
  )
  const facts = {
    hostname: hostname(),
    kernel: release(),
    node: process.versions.node,
    netns: config.netns,
    queue: access.engine,
    guests: ['qemu', 'namespace'],
  }
  const tell = async () => control.heartbeat({ ...facts, interfaces: await plane.interfacesThere() })
  const beat = () =>
    tell().catch((error: unknown) => {
      log.warn({ err: error }, 'no heartbeat')
      if (error instanceof RefusedError && error.status === 401) {
        log.fatal('this hypervisor has a new token: start the worker with it')
        process.exit(1) // the guests run on
      }
    })
  await beat()
  const heartbeat = setInterval(() => void beat(), HEARTBEAT_MS)

  let stopping = false
  const stop = async (keepGuests: boolean): Promise<void> => {
    if (stopping) return
    stopping = true
    clearInterval(heartbeat)
    monitor.close()
    filterMonitor.close()
    observer.close()
    traffic.close()
    await Promise.race([Promise.all([reconciler.close(), consumer.close()]), sleep(DRAIN_MS)])
    control.close()
    if (!keepGuests) await stopGuests(servers, plane, runDir, log)
    await unlock()
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

/**
 * One worker per data plane: two would take each other's guests for orphans. One that is on its way out gets the time.
 * @throws OperatorError when another worker stays.
 */
async function lockDataPlane(netns: string): Promise<() => Promise<void>> {
  const file = `${runDirOf(netns)}.lock`
  await mkdir(path.dirname(file), { recursive: true, mode: 0o755 })
  for (const until = Date.now() + PREDECESSOR_MS; ; await sleep(LOCK_PAUSE_MS)) {
    try {
      return await takeLock(file, `the data plane ${netns} (PATCHBAY_NETNS)`)
    } catch (error) {
      if (!(error instanceof LockedError) || Date.now() > until) throw error
    }
  }
}

/**
 * Stops every guest of this hypervisor and takes the data plane down; they come back with the next worker. The folder of
 * a guest that did not stop stays: by it the next worker finds the guest.
 */
async function stopGuests(servers: Servers, plane: DataPlane, runDir: string, log: Logger): Promise<void> {
  let left = 0
  const places = new Semaphore(STOPS_AT_ONCE)
  const stopOne = async (server: Awaited<ReturnType<Servers['registered']>>[number]): Promise<void> => {
    try {
      await servers.remnant(server).stop({ force: false, graceMs: GRACE_MS })
      await servers.forget(server)
    } catch (error) {
      left += 1
      log.error({ err: error, server: server.id }, 'a guest did not stop')
    }
  }
  await Promise.all((await servers.registered()).map((server) => places.run(() => stopOne(server))))
  await plane.destroy()
  if (left === 0) await rm(runDir, { recursive: true, force: true })
}
