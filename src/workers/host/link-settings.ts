/**
 * Brings a device of ours to its settings with one message, or none.
 */
import type { IpLine } from './ip-command.ts'
import type { LinkView } from './links.ts'

/**
 * Options of every bridge of ours. No spanning tree: the only loops there could be are ones we make, and we may not speak
 * in that of a host, which passes through. Multicast is flooded like everything unknown: snooping without a querier in
 * the network drops groups that it has forgotten. Frames to the link-local groups (01:80:c2:00:00:0X) pass by no filter,
 * so whose MAC they claim to come from must not be believed.
 */
const BRIDGE_OPTIONS = { stp_state: 0, forward_delay: 0, mcast_snooping: 0, no_linklocal_learn: 1 }

/** How a device should be; what is absent is left as it is. It is always to be up, in no link group. */
export interface LinkSettings {
  readonly alias: string
  /** Bytes. */
  readonly mtu: number
  readonly mac?: string
  /** Bridge that it is a port of. */
  readonly master?: string
  /** It is a bridge, with the options of ours. */
  readonly isBridge?: true
}

const differing = (want: LinkSettings, have: LinkView | undefined): string[] => {
  const set: string[] = []
  if (want.mac !== undefined && have?.mac !== want.mac) set.push('address', want.mac)
  if (have?.mtu !== want.mtu) set.push('mtu', `${want.mtu}`)
  if (have?.alias !== want.alias) set.push('alias', want.alias)
  // A removal that crashed half-way has left it in the group that it was to be deleted with.
  if (have && have.group !== 'default') set.push('group', 'default')
  if (want.master !== undefined && have?.master !== want.master) set.push('master', want.master)
  if (!have?.up) set.push('up')
  const options = Object.entries(BRIDGE_OPTIONS)
  if (want.isBridge && !options.every(([option, value]) => have?.options[option] === value)) {
    // The kernel sets these before it does the rest. For `ip` they are the end of the line.
    set.push('type', 'bridge', ...options.flatMap(([option, value]) => [option, `${value}`]))
  }
  return set
}

/**
 * The line that changes what differs.
 * @param have - the device as it stands; `undefined` when it has just been made.
 */
export function settle(name: string, want: LinkSettings, have: LinkView | undefined): IpLine[] {
  const set = differing(want, have)
  return set.length > 0 ? [['link', 'set', 'dev', name, ...set]] : []
}

/** Whether a device is there and as it should be. */
export const isSettled = (want: LinkSettings, have: LinkView | undefined): have is LinkView =>
  have !== undefined && differing(want, have).length === 0
