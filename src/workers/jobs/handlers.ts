/**
 * What each job does on the hypervisor, as steps. The types make sure that each job about a server has exactly
 * one handler; the job about the network, `network.apply`, is in apply.ts.
 */
import type { JobAction } from '../../jobs/catalogue.ts'
import { TransientError } from '../errors.ts'
import {
  assertAddressesFree,
  ensureBandwidth,
  ensureDhcpHosts,
  ensureNetworks,
  ensurePolicies,
  ensureRouters,
  ensureTaps,
  plug,
  removeDhcpHosts,
  removeElasticIps,
  removePolicies,
  removeTaps,
  type ServerWork,
  unplug,
  verify,
} from '../host-work.ts'
import { guestNic } from '../placement.ts'
import type { Step } from '../steps.ts'

/** The acts on one server. */
export type ServerAction = Exclude<JobAction, 'network.apply'>

export interface Handler {
  /** Which NICs of the server the job is about. */
  readonly cards: 'in_job' | 'all'
  steps(work: ServerWork): Promise<readonly Step<ServerWork>[]>
}

const network: Step<ServerWork> = { name: 'network', run: ensureNetworks } // one without NICs is cleared by the reconciler
const address: Step<ServerWork> = { name: 'address', run: assertAddressesFree }
const policy: Step<ServerWork> = { name: 'policy', run: ensurePolicies, undo: removePolicies }
const bandwidth: Step<ServerWork> = { name: 'bandwidth', run: ensureBandwidth } // goes with the tap
const router: Step<ServerWork> = { name: 'router', run: ensureRouters, undo: removeElasticIps }
const tap: Step<ServerWork> = { name: 'tap', run: ensureTaps, undo: removeTaps }
const dhcp: Step<ServerWork> = { name: 'dhcp', run: ensureDhcpHosts, undo: removeDhcpHosts }
const plugIn: Step<ServerWork> = {
  name: 'plug',
  run: plug,
  undo: (work) => unplug({ ...work, force: true }),
}
const seen: Step<ServerWork> = { name: 'verify', run: verify }
const boot: Step<ServerWork> = {
  name: 'boot',
  run: ({ guest, cards }) => guest.start(cards.map(guestNic)),
  undo: ({ guest }) => guest.stop({ force: true }),
}
/** What a card needs around it before it is plugged. */
const surroundings = [network, address, policy, tap, bandwidth, router, dhcp]
const removeDevices: Step<ServerWork>[] = [
  { name: 'dhcp', run: removeDhcpHosts },
  { name: 'tap', run: removeTaps },
  { name: 'policy', run: removePolicies },
  { name: 'router', run: removeElasticIps },
]

const isAdopted = ({ server }: ServerWork): boolean => server.qmp_socket !== null

const attach: Handler = {
  cards: 'in_job',
  steps: async (work) => {
    if (work.server.state === 'stopped') return [] // the cards are plugged at start
    if (!(await work.guest.isRunning())) {
      throw new TransientError(`server ${work.server.id} should run and does not: it is being restarted`)
    }
    return [...surroundings, plugIn, seen]
  },
}

const detach: Handler = {
  cards: 'in_job',
  steps: async (work) =>
    (await work.guest.isRunning()) ? [{ name: 'unplug', run: unplug }, ...removeDevices] : removeDevices,
}

const start: Handler = {
  cards: 'all',
  steps: async (work) => (isAdopted(work) ? [answers] : [...surroundings, boot]),
}

const answers: Step<ServerWork> = {
  name: 'monitor',
  run: async ({ guest, server }) => {
    if (!(await guest.isRunning())) throw new TransientError(`no virtual machine answers at ${server.qmp_socket}`)
  },
}

const stop: Handler = {
  cards: 'all',
  steps: async () => [{ name: 'shutdown', run: ({ guest, force }) => guest.stop({ force }) }, ...removeDevices],
}

const restart: Handler = {
  cards: 'all',
  steps: async (work) => [...(await stop.steps(work)), ...(await start.steps(work))],
}

const remove: Handler = {
  cards: 'all',
  steps: async (work) => (isAdopted(work) ? detach.steps(work) : stop.steps(work)),
}

export const HANDLERS: Readonly<Record<ServerAction, Handler>> = {
  'server.create': start,
  'server.start': start,
  'server.stop': stop,
  'server.restart': restart,
  'server.delete': remove,
  'nic.attach': attach,
  'nic.detach': detach,
}
