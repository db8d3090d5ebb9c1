/**
 * Names and arguments of a QEMU machine of ours. Pure functions: the same server and NIC always give the same names,
 * so that a worker which was restarted finds what an earlier one made.
 *
 * The machine is a q35 with one PCI Express root port for each of the 64 NIC slots, eight to a device. A root port
 * takes one card, and cannot be added while the machine runs, so all 64 are there from the start.
 */
import type { GuestNic } from './guest.ts'

const SLOTS = 64
const PORTS_PER_DEVICE = 8
/** First PCI device number of the ports; below it are the host bridge and the agent's serial bus. */
const FIRST_PORT_DEVICE = 4

/** Id of the bus that carries the agent's port: the first virtio device that the guest's system brings up. */
export const AGENT_BUS = 'agent-bus'
const AGENT_PORT = 'org.qemu.guest_agent.0'

export const nicDeviceId = (mac: string): string => `nic-${mac.replaceAll(':', '')}`
export const netdevId = (mac: string): string => `net-${mac.replaceAll(':', '')}`
/** Root port of a slot, 0..63. */
export const portOf = (slot: number): string => `port${slot}`

/** MAC of a device that `nicDeviceId` named; `undefined` for any other device. */
export function macOfDeviceId(id: string): string | undefined {
  return /^nic-[0-9a-f]{12}$/.test(id) ? id.slice(4).match(/../g)?.join(':') : undefined
}

/** Arguments of `netdev_add`. The tap is there already; QEMU runs no script on it. */
export const netdevOf = (nic: GuestNic) => ({
  type: 'tap',
  id: netdevId(nic.mac),
  ifname: nic.tap,
  script: 'no',
  downscript: 'no',
})

/**
 * Arguments of `device_add`.
 * @param bus - id of a root port, or `undefined` to let QEMU choose (machines without root ports).
 * @param vcpus - of the machine, see `vectorsOf`.
 */
export const deviceOf = (nic: GuestNic, bus: string | undefined, vcpus: number) => ({
  driver: 'virtio-net-pci',
  id: nicDeviceId(nic.mac),
  netdev: netdevId(nic.mac),
  mac: nic.mac,
  // The guest's driver takes it as its MTU, with or without DHCP.
  host_mtu: nic.mtu,
  // No network boot: the option ROM would cost 64 kB of address space and boot time for each card.
  romfile: '',
  ...(bus !== undefined && { bus }),
  ...vectorsOf(nic.slot, vcpus),
})

/**
 * Interrupt vectors of a card.
 *
 * An x86 CPU has about 200 vectors for devices. A virtio NIC takes 3 (configuration, receive, transmit), a root port 1,
 * the rest of our machine 10. Measured with Linux 6.1 as guest and 64 NICs:
 * - 1 vCPU, 3 each: the 44th fails, `virtio_net: probe failed with error -28` (201 of 201 vectors in use).
 * - 1 vCPU, `vectors=2` each: all 64 work, with 200 in use: any other device would break it.
 * - 1 vCPU, `vectors=0` (the shared PCI interrupt lines) from slot 32 on: all 64 work, 172 in use.
 * - 2 vCPUs, 3 each: all 64 work, 264 of about 400 in use.
 * So the upper half of a single-CPU machine goes without; its cards pay with a look at every card of their line.
 */
export const vectorsOf = (slot: number, vcpus: number): { vectors?: number } =>
  vcpus === 1 && slot >= SLOTS / 2 ? { vectors: 0 } : {}

/** What a machine is made of. */
export interface QemuMachine {
  readonly id: string
  readonly vcpus: number
  /** With our own guest image 64 NICs need 192 (128 runs out while they are plugged); 256 leaves room for programs. */
  readonly memoryMb: number
  /** Paths of a Linux kernel and its initial RAM disk. */
  readonly kernel: string
  readonly initrd: string
  /** Kernel command line, instead of `DEFAULT_APPEND`. */
  readonly append?: string
}

/** Paths of a running machine, all in its run directory. */
export interface QemuPaths {
  readonly qmp: string
  readonly agent: string
  readonly pidFile: string
  readonly console: string
}

/**
 * `pcie_ports=compat`: the ports need no driver of their own, because cards come and go by ACPI (QEMU's default on q35);
 * without it each has an interrupt and an error-reporting thread, and 64 of them cost 2 s of boot without KVM.
 */
export const DEFAULT_APPEND = 'console=ttyS0 quiet panic=1 pcie_ports=compat'

/**
 * Arguments of `qemu-system-x86_64`, which detaches once its sockets stand and its NICs are open.
 * @param kvm - use the CPU's own virtualisation; otherwise code is translated, about ten times slower.
 */
export function qemuArguments(
  machine: QemuMachine,
  paths: QemuPaths,
  nics: readonly GuestNic[],
  { kvm }: { readonly kvm: boolean },
): string[] {
  return [
    ...['-name', `guest=${machine.id}`],
    ...(kvm ? ['-accel', 'kvm', '-cpu', 'host'] : ['-accel', 'tcg']),
    ...['-machine', 'q35,usb=off,vmport=off', '-nodefaults', '-no-user-config', '-display', 'none'],
    // Sets up no PCI bridge; Linux does that itself, and twice as fast as it checks what SeaBIOS did with 64 of them:
    // measured without KVM, the agent answers after 5.5 s instead of 10 s.
    ...['-bios', 'qboot.rom'],
    ...['-smp', `${machine.vcpus}`, '-m', `${machine.memoryMb}`],
    ...['-kernel', machine.kernel, '-initrd', machine.initrd, '-append', machine.append ?? DEFAULT_APPEND],
    ...['-daemonize', '-pidfile', paths.pidFile],
    // A socket, not a file: what a guest writes to its console while nobody listens must not fill the host's disk.
    ...[
      '-chardev',
      `socket,id=console,path=${escaped(paths.console)},server=on,wait=off`,
      '-serial',
      'chardev:console',
    ],
    // Fewer system calls for a guest that breaks out of its machine. `spawn` and `elevateprivileges` cannot be denied
    // to a QEMU that detaches by itself: 7.2 is killed by SIGSYS, or ends with 1.
    ...['-sandbox', 'on,obsolete=deny,resourcecontrol=deny'],
    ...['-qmp', `unix:${escaped(paths.qmp)},server=on,wait=off`],
    ...['-chardev', `socket,id=agent,path=${escaped(paths.agent)},server=on,wait=off`],
    ...['-device', `virtio-serial-pci,id=${AGENT_BUS},bus=pcie.0,addr=0x2`],
    ...['-device', `virtserialport,chardev=agent,name=${AGENT_PORT}`],
    ...Array.from({ length: SLOTS }, (_, slot) => ['-device', portArgument(slot)]).flat(),
    ...nics.flatMap((nic) => [
      ...['-netdev', optionList(netdevOf(nic))],
      ...['-device', optionList(deviceOf(nic, portOf(nic.slot), machine.vcpus))],
    ]),
  ]
}

function portArgument(slot: number): string {
  const device = FIRST_PORT_DEVICE + Math.floor(slot / PORTS_PER_DEVICE)
  const port = slot % PORTS_PER_DEVICE
  return optionList({
    driver: 'pcie-root-port',
    id: portOf(slot),
    bus: 'pcie.0',
    addr: `0x${device.toString(16)}.${port}`,
    ...(port === 0 && { multifunction: 'on' }),
    chassis: slot + 1,
    slot: slot + 1,
  })
}

/** QEMU's own quoting: a comma inside a value is doubled. */
const escaped = (value: string): string => value.replaceAll(',', ',,')

/** The `driver` or `type` of a list comes first and is the one value without its key. */
function optionList({ driver, type, ...options }: Readonly<Record<string, string | number>>): string {
  const rest = Object.entries(options).map(([key, value]) => `${key}=${escaped(`${value}`)}`)
  return [driver ?? type, ...rest].join(',')
}
