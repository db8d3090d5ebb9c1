/**
 * A guest that is a network namespace, named by the server's id. It has no DHCP client, so the worker configures
 * addresses directly, as a CNI plugin would.
 *
 * - Whose it is: the namespace's `lo` carries `patchbay:server:<id>` from before it has a name (see `host/netns.ts`).
 *   One of that name without the mark is somebody else's.
 * - Whether it runs: `ensureTaps` makes the namespace before the guest starts, because the guest's ends of the veth
 *   pairs are created in it. It runs from the moment that its `lo` is up, the last thing `start` does.
 * - Whether a NIC is plugged: its interface carries `patchbay:nic:<mac>`, set in the message that gives it its MAC. An
 *   interface of ours (link group GUEST_GROUP) without that mark is one that `ensureTaps` made and nobody plugged yet.
 */
import { ForeignObjectError, TransientError } from '../errors.ts'
import { IpBatchError, type IpLine, ipBatch, saysGone } from '../host/ip-command.ts'
import { assertOurs, deleteLinks, findLinks, type LinkView, listAddresses, listLinks } from '../host/links.ts'
import { GUEST_GROUP, nicMark, nicOfMark, serverMark } from '../host/names.ts'
import { deleteNamespace, ensureNamespace, isOurNamespace, namespaceIdentity, setSysctls } from '../host/netns.ts'
import type { TapSpec } from '../host/specs.ts'
import { isGuestEnd, takeFreshEnd } from '../host/taps.ts'
import type { Guest, GuestInterface, GuestNic } from './guest.ts'

const ifNameOf = (nic: Pick<GuestNic, 'slot'>): string => `eth${nic.slot}`

/** Guests that this process has seen running, with the identity of their namespace: it runs until that is gone. */
const seenRunning = new Map<string, string>()

export class NamespaceGuest implements Guest {
  readonly #id: string
  readonly #dataPlaneNetns: string

  constructor(options: { readonly id: string; readonly dataPlaneNetns: string }) {
    this.#id = options.id
    this.#dataPlaneNetns = options.dataPlaneNetns
  }

  tapDevice(nic: GuestNic): TapSpec['device'] {
    return { kind: 'veth', netns: this.#id, ifName: ifNameOf(nic) }
  }

  async isRunning(): Promise<boolean> {
    if (!(await this.#exists())) return false
    if (seenRunning.get(this.#id) === (await namespaceIdentity(this.#id))) return true
    const running = (await findLinks(this.#id, ['lo'])).get('lo')?.up ?? false
    if (running) await this.#noteRunning()
    return running
  }

  async start(nics: readonly GuestNic[]): Promise<void> {
    await ensureNamespace(this.#id, serverMark(this.#id), { loUp: false })
    await this.#plugInto(await listAddresses(this.#id), nics, [['link', 'set', 'dev', 'lo', 'up']])
    await this.#noteRunning()
  }

  /** Processes that somebody runs inside are not ours to end: they keep a nameless namespace, without any NIC. */
  async stop(_options: { readonly force: boolean; readonly graceMs?: number }): Promise<void> {
    seenRunning.delete(this.#id)
    if (!(await this.#exists())) return
    // A namespace is taken apart in the background, some time after its name is gone. Whoever starts this server again
    // at once must not find taps that are about to vanish: so they go first, all of them for the price of one.
    const names = (await listLinks(this.#id)).filter(isGuestEnd).map((link) => link.name)
    await deleteLinks(this.#id, names)
    await deleteNamespace(this.#id, serverMark(this.#id))
  }

  async plug(nics: readonly GuestNic[]): Promise<void> {
    if (await this.#plugFresh(nics)) return
    const inside = (await this.#exists()) ? await listAddresses(this.#id) : []
    if (!inside.some((link) => link.name === 'lo' && link.up)) {
      throw new TransientError(`server ${this.#id} does not run`)
    }
    await this.#noteRunning()
    await this.#plugInto(inside, nics, [])
  }

  /**
   * The quick way, for NICs whose interfaces this process has just made: nothing to find out, so one `ip` process.
   * @returns false when it is not to be had, or the guest was quicker to rename or remove one.
   */
  async #plugFresh(nics: readonly GuestNic[]): Promise<boolean> {
    if (!(await this.#exists()) || seenRunning.get(this.#id) !== (await namespaceIdentity(this.#id))) return false
    for (const nic of nics) {
      if (!(await takeFreshEnd(nic.mac, this.#id, ifNameOf(nic)))) return false
    }
    try {
      await this.#ignoreAdvertisements(nics.map((nic) => ({ nic, ifName: ifNameOf(nic) })))
      await ipBatch(
        this.#id,
        nics.flatMap((nic) => configuration({ name: ifNameOf(nic) }, nic)),
      )
      return true
    } catch (error) {
      if (error instanceof IpBatchError && error.failures.every(({ reason }) => saysGone(reason))) return false
      throw error
    }
  }

  async #noteRunning(): Promise<void> {
    const identity = await namespaceIdentity(this.#id)
    if (identity !== undefined) seenRunning.set(this.#id, identity)
  }

  async #plugInto(inside: readonly LinkView[], nics: readonly GuestNic[], afterwards: readonly IpLine[]) {
    const found = nics.map((nic) => ({ nic, link: this.#find(inside, nic) }))
    await this.#ignoreAdvertisements(found.map(({ nic, link }) => ({ nic, ifName: link.name })))
    const lines = found.flatMap(({ nic, link }) => configuration(link, nic))
    await ipBatch(this.#id, [...lines, ...afterwards])
  }

  /**
   * The kernel would act on router advertisements by itself: a default route on every NIC, not the primary one alone.
   */
  async #ignoreAdvertisements(plugs: readonly { nic: GuestNic; ifName: string }[]): Promise<void> {
    const names = plugs.filter(({ nic }) => nic.ipv6Address !== undefined).map(({ ifName }) => ifName)
    if (names.length === 0) return
    // With slashes, which sysctl takes as well: the guest may have given the interface a name with dots.
    await setSysctls(this.#id, Object.fromEntries(names.map((name) => [`net/ipv6/conf/${name}/accept_ra`, 0])))
  }

  /** The interface of a NIC that is to be plugged. */
  #find(inside: readonly LinkView[], nic: GuestNic): LinkView {
    const plugged = findPlugged(inside, nic.mac)
    if (plugged) return plugged
    const name = ifNameOf(nic)
    const link = inside.find((other) => other.name === name)
    // The guest removed it, or took it away into a namespace of its own. Its tap is gone or useless: the caller's next
    // try makes both afresh.
    if (!link) throw new TransientError(`${name} is not in guest ${this.#id}: ${nic.tap} must be made again`)
    if (!isGuestEnd(link)) throw new ForeignObjectError(`${name} in guest ${this.#id} is the guest's own interface`)
    const holder = nicOfMark(link.alias)
    if (holder !== undefined) throw new Error(`${name} in guest ${this.#id} belongs to NIC ${holder}, not ${nic.mac}`)
    return link
  }

  async unplug(nics: readonly GuestNic[]): Promise<void> {
    if (!(await this.#exists())) return
    const inside = await listLinks(this.#id)
    const names: string[] = []
    const elsewhere: GuestNic[] = []
    for (const nic of nics) {
      const link = findPlugged(inside, nic.mac)
      if (link) names.push(link.name)
      else elsewhere.push(nic)
    }
    await deleteLinks(this.#id, names)
    await this.#cutTaps(elsewhere)
  }

  /** Not plugged here: gone, never plugged, or moved away by the guest. Deleting one end deletes the other, anywhere. */
  async #cutTaps(nics: readonly GuestNic[]): Promise<void> {
    const taps = await findLinks(
      this.#dataPlaneNetns,
      nics.map((nic) => nic.tap),
    )
    for (const nic of nics) {
      const tap = taps.get(nic.tap)
      if (tap) assertOurs(this.#dataPlaneNetns, tap, nicMark(nic.mac))
    }
    await deleteLinks(this.#dataPlaneNetns, [...taps.keys()])
  }

  async plugged(): Promise<ReadonlySet<string>> {
    if (!(await this.isRunning())) return new Set()
    const macs = (await listLinks(this.#id)).map((link) => nicOfMark(link.alias))
    return new Set(macs.filter((mac) => mac !== undefined))
  }

  async look(): Promise<readonly GuestInterface[] | undefined> {
    if (!(await this.isRunning())) return undefined
    return (await listAddresses(this.#id))
      .filter((link) => link.name !== 'lo')
      .map(({ name, mac, addresses }) => ({ name, mac, addresses }))
  }

  #exists(): Promise<boolean> {
    return isOurNamespace(this.#id, serverMark(this.#id))
  }
}

/** By its mark, whatever the guest calls it now; by its MAC when the guest took the mark off. */
const findPlugged = (inside: readonly LinkView[], mac: string): LinkView | undefined =>
  inside.find((link) => link.alias === nicMark(mac)) ??
  inside.find((link) => link.group === String(GUEST_GROUP) && link.mac === mac)

/** What is left to do until an interface is as its NIC says; of a new one only the name is known. */
function configuration(link: Partial<LinkView> & { name: string }, nic: GuestNic): IpLine[] {
  const { name } = link
  const lines: IpLine[] = []
  const set: string[] = []
  if (link.mac !== nic.mac) set.push('address', nic.mac)
  if (link.mtu !== nic.mtu) set.push('mtu', `${nic.mtu}`)
  if (link.alias !== nicMark(nic.mac)) set.push('alias', nicMark(nic.mac))
  if (!link.up) set.push('up')
  if (set.length > 0) lines.push(['link', 'set', 'dev', name, ...set])
  if (nic.address !== undefined && !link.addresses?.includes(nic.address)) {
    lines.push(['addr', 'replace', nic.address, 'dev', name])
  }
  if (nic.ipv6Address !== undefined && !link.addresses?.includes(nic.ipv6Address)) {
    lines.push(['addr', 'replace', nic.ipv6Address, 'dev', name, 'nodad'])
  }
  // Not asked for beforehand: replacing a route by itself costs no more than looking.
  if (nic.slot === 0 && nic.gateway !== undefined) {
    lines.push(['route', 'replace', 'default', 'via', nic.gateway, 'dev', name])
  }
  if (nic.slot === 0 && nic.ipv6Gateway !== undefined) {
    lines.push(['route', 'replace', '::/0', 'via', nic.ipv6Gateway, 'dev', name])
  }
  return lines
}
