/**
 * Brings a device of ours to its settings with one message, or none.
 */
import type { IpLine } from './ip-command.ts'
import type { LinkView } from './links.ts'

/** How a device should be; what is absent is left as it is. It is always to be up, in no link group. */
export interface LinkSettings {
  readonly alias: string
  /** Bytes. */
  readonly mtu: number
  readonly mac?: string
  /** Bridge that it is a port of. */
  readonly master?: string
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
