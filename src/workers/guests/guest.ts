/**
 * A guest is the machine that a NIC is plugged into. Two kinds stand behind this one interface, and both pass the
 * suite in `test/host/guest-conformance.ts`:
 *
 * - `qemu`: a QEMU process, driven over QMP; what it sees is told by the stock qemu-guest-agent.
 * - `namespace`: a named network namespace, as `ip netns` lists them.
 *
 * Every method may be called again after a crash at any line: asking for what is already so succeeds.
 * The caller (the worker) serialises calls for one guest; calls for different guests run side by side.
 */
import type { TapSpec } from '../host/specs.ts'

export interface Guest {
  /**
   * Kernel device that a NIC of this guest needs in the data plane. The caller makes it (`ensureTaps`) before
   * `start` or `plug`, and removes it after `unplug`.
   */
  tapDevice(nic: GuestNic): TapSpec['device']
  /** True while the machine runs. */
  isRunning(): Promise<boolean>
  /** Boots the machine with these NICs in it, and returns as soon as it runs (not when its system is up). */
  start(nics: readonly GuestNic[]): Promise<void>
  /**
   * Brings the machine down; NICs stay configured for the next start.
   * @param options.force - cut the power at once, otherwise ask the guest and cut it after `graceMs`.
   */
  stop(options: { readonly force: boolean; readonly graceMs?: number }): Promise<void>
  /**
   * Plugs NICs into the running machine and returns once its system has taken each of them.
   * @throws TransientError when the machine cannot take them yet but may soon.
   */
  plug(nics: readonly GuestNic[]): Promise<void>
  /**
   * Takes NICs out of the running machine and returns once it has let go of them.
   * @param options.force - do not wait for the guest.
   * @throws GuestKeepsDeviceError when the guest did not release one within `timeoutMs`.
   */
  unplug(nics: readonly GuestNic[], options: { readonly force: boolean; readonly timeoutMs?: number }): Promise<void>
  /** MACs (lower case) of the cards that are plugged in, as the hypervisor sees it. Empty when it does not run. */
  plugged(): Promise<ReadonlySet<string>>
  /**
   * What the guest's own system shows, or `undefined` when it cannot say (no agent, still booting).
   */
  look(): Promise<readonly GuestInterface[] | undefined>
}

/** A NIC as a guest needs it. */
export interface GuestNic {
  readonly mac: string
  /** 0..63; 0 is the primary NIC. */
  readonly slot: number
  /** Name of the device in the data plane that carries it, see `tapName`. */
  readonly tap: string
  readonly mtu: number
  /** The address with its prefix length, for example `172.16.1.100/24`; absent in unmanaged networks. */
  readonly address?: string
  /** Gateway of its network; only the primary NIC (slot 0) gets a default route through it. */
  readonly gateway?: string
  /** IPv6, with its prefix length: `fd00:1::5054:ff:fe01:203/64`; what its MAC makes of the network's prefix. */
  readonly ipv6Address?: string
  /** As `gateway`, for IPv6. */
  readonly ipv6Gateway?: string
}

/** An interface as the guest's own system reports it. */
export interface GuestInterface {
  readonly name: string
  readonly mac: string
  /** IPv4 and IPv6 addresses with prefix length. */
  readonly addresses: readonly string[]
}
