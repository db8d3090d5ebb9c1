/** What each job does on the hypervisor, as steps. Start-up relies on the type: each job has exactly one handler. */
import type { JobAction } from '../../jobs/catalogue.ts'
import { TransientError } from '../errors.ts'
import {
  ensureDhcpHosts,
  ensureNetworks,
  ensureTaps,
  plug,
  removeDhcpHosts,
  removeTaps,
  type ServerWork,
  unplug,
  verify,
} from '../host-work.ts'
import { guestNic } from '../placement.ts'
import type { Step } from '../steps.ts'

export interface Handler {
  /** Which NICs of the server the job is about. */
  readonly cards: 'in_job' | 'all'
  steps(work: ServerWork): Promise<readonly Step<ServerWork>[]>
}

const network: Step<ServerWork> = { name: 'network', run: ensureNetworks } // one without NICs is cleared by the reconciler
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
const removeDevices: Step<ServerWork>[] = [
  { name: 'dhcp', run: removeDhcpHosts },
  { name: 'tap', run: removeTaps },
]

const isAdopted = ({ server }: ServerWork): boolean => server.qmp_socket !== null

const attach: Handler = {
  cards: 'in_job',
  steps: async (work) => {
    if (work.server.state === 'stopped') return [] // the cards are plugged at start
    if (!(await work.guest.isRunning())) {
      throw new TransientError(`server ${work.server.id} should run and does not: it is being restarted`)
    }
    return [network, tap, dhcp, plugIn, seen]
  },
}

const detach: Handler = {
  cards: 'in_job',
  steps: async (work) =>
    (await work.guest.isRunning()) ? [{ name: 'unplug', run: unplug }, ...removeDevices] : removeDevices,
}

const start: Handler = {
  cards: 'all',
  steps: async (work) => (isAdopted(work) ? [answers] : [network, tap, dhcp, boot]),
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

const remove: Handler = {
  cards: 'all',
  steps: async (work) => (isAdopted(work) ? detach.steps(work) : stop.steps(work)),
}

export const HANDLERS: Readonly<Record<JobAction, Handler>> = {
  'server.create': start,
  'server.start': start,
  'server.stop': stop,
  'server.delete': remove,
  'nic.attach': attach,
  'nic.detach': detach,
}
