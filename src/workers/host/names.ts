/**
 * Names, hardware addresses and marks of everything the data plane makes. All of them are computed from ids that the
 * control plane drew, so a worker that restarts finds its things again, and two things never share a name.
 *
 * Marks are kernel aliases (`ip link set X alias …`), readable by anyone with `ip -d link`:
 *
 * | thing                          | where the mark stands           | mark                                     |
 * |--------------------------------|---------------------------------|------------------------------------------|
 * | bridge of a network            | the bridge                      | `patchbay:network:<network id>`          |
 * | router port, data plane end    | `gw-<vni hex>`                  | `patchbay:gateway:<network id>/<router>` |
 * | router port, router end        | `net-<vni hex>`                 | `patchbay:router-port:<network id>`      |
 * | tap, or data plane end of veth | `tap<4 MAC bytes>`              | `patchbay:nic:<mac>`                     |
 * | bridge to a host's interface   | `ext-<hash>`, data plane        | `patchbay:uplink:<interface>`            |
 * | what joins the two             | `up-<hash>`, and `pb-<hash>`    | `patchbay:uplink:<interface>`            |
 * |                                | when the interface is a bridge  |                                          |
 * | join of a bridged network      | `bp-<vni hex>`, `bx-<vni hex>`  | `patchbay:bridged:<network id>`          |
 * | a VPC's port on a segment      | `eg-<hash>` ↔ `ext-<hash>`      | `patchbay:segment:<vpc>/<if>/<cidr>`     |
 * | shaper of what a NIC sends     | `ifb<4 MAC bytes>`              | `patchbay:shaper:<mac>`                  |
 * | veth end inside a guest        | `eth<slot>`; group GUEST_GROUP  | `patchbay:nic:<mac>` once plugged        |
 * | data plane namespace           | its `lo`                        | `patchbay:data-plane:<namespace>`        |
 * | router namespace               | its `lo`                        | `patchbay:router:<namespace>`            |
 * | guest namespace                | its `lo`                        | `patchbay:server:<server id>`            |
 */

import { createHash } from 'node:crypto'

/** Link group of the veth ends inside guests: set by the message that creates them, so it can never be missing. */
export const GUEST_GROUP = 20546 // 'PB'

const MIN_VNI = 4096
const MAX_VNI = 2 ** 24 - 1

function vniHex(vni: number): string {
  if (!Number.isInteger(vni) || vni < MIN_VNI || vni > MAX_VNI) {
    throw new RangeError(`VNI ${vni} is not a whole number in ${MIN_VNI}..${MAX_VNI}`)
  }
  return vni.toString(16)
}

function ownMac(mac: string): string {
  if (!/^52:54(:[0-9a-f]{2}){4}$/.test(mac)) throw new RangeError(`${mac} is not a MAC of ours (52:54:…, lower case)`)
  return mac
}

/**
 * Name of the bridge that carries a network on a hypervisor.
 * @param vni - 4096..2^24-1.
 * @returns 7 to 9 ASCII characters: `br-` and the VNI in hex.
 * @throws {RangeError} when `vni` is out of range.
 * @see linux/if.h: IFNAMSIZ is 16 bytes with the closing NUL.
 */
export const bridgeName = (vni: number): string => `br-${vniHex(vni)}`

/**
 * Name of the bridge port that leads to the router of the network's VPC (data plane end of a veth pair).
 * @param vni - 4096..2^24-1.
 * @returns 7 to 9 ASCII characters: `gw-` and the VNI in hex.
 * @throws {RangeError} when `vni` is out of range.
 */
export const gatewayPortName = (vni: number): string => `gw-${vniHex(vni)}`

/**
 * Name of the router's interface in a network, inside the router namespace (the other end of `gatewayPortName`).
 * @param vni - 4096..2^24-1.
 * @returns 8 to 10 ASCII characters: `net-` and the VNI in hex.
 * @throws {RangeError} when `vni` is out of range.
 */
export const routerPortName = (vni: number): string => `net-${vniHex(vni)}`

/**
 * Name of the tap that carries a NIC on its hypervisor.
 * @param mac - MAC of the NIC: 17 characters, lower case with colons, first two bytes `52:54`.
 * @returns 11 ASCII characters: `tap` and the last 4 bytes in hex. The same MAC always gives the same name, so a
 *   worker finds its tap after a restart, and two NICs never share one.
 * @throws {RangeError} when `mac` is not one of ours.
 * @see linux/if.h: IFNAMSIZ is 16 bytes with the closing NUL.
 */
export const tapName = (mac: string): string => `tap${ownMac(mac).slice(6).replaceAll(':', '')}`

/**
 * Hardware address of the hypervisor's end of a NIC. It must differ from the guest's own, or the bridge would take
 * the NIC's frames as addressed to itself; `fe` is what libvirt uses, the highest unicast byte there is.
 * @param mac - MAC of the NIC, `52:54:…`.
 * @returns the same MAC with `fe` for its first byte.
 * @throws {RangeError} when `mac` is not one of ours.
 */
export const tapMac = (mac: string): string => `fe${ownMac(mac).slice(2)}`

const vniMac = (prefix: string, vni: number): string =>
  `${prefix}:${vniHex(vni)
    .padStart(6, '0')
    .replace(/(..)(..)(..)/, '$1:$2:$3')}`

/**
 * Hardware address of the gateway of a network: locally administered, the same on every hypervisor and after every
 * rebuild, so guests never hold a stale ARP entry for their router.
 * @param vni - 4096..2^24-1.
 * @returns `02:50:42:` and the VNI's three bytes.
 * @throws {RangeError} when `vni` is out of range.
 */
export const gatewayMac = (vni: number): string => vniMac('02:50:42', vni)

/**
 * Hardware address of a bridge. Without one of its own a bridge takes the lowest of its ports and changes with them.
 * @param vni - 4096..2^24-1.
 * @returns `02:50:43:` and the VNI's three bytes.
 * @throws {RangeError} when `vni` is out of range.
 */
export const bridgeMac = (vni: number): string => vniMac('02:50:43', vni)

const shortHash = (digits: number, ...of: readonly string[]): string =>
  createHash('sha256').update(of.join('\n')).digest('hex').slice(0, digits)

/**
 * Name of the data plane's bridge that is joined to an interface of the hypervisor.
 * @param hostInterface - its name on the hypervisor.
 * @returns 12 ASCII characters: `ext-` and 8 hex digits.
 */
export const uplinkBridgeName = (hostInterface: string): string => `ext-${shortHash(8, hostInterface)}`

/** Name of the port of that bridge that leads to the hypervisor's interface; 11 characters. */
export const uplinkPortName = (hostInterface: string): string => `up-${shortHash(8, hostInterface)}`

/**
 * Name of the other end of `uplinkPortName`, when the interface is a bridge: a port of it, among the host's devices.
 * Two data planes on a host may be joined to the same one.
 * @returns 11 characters.
 */
export const uplinkHostEndName = (netns: string, hostInterface: string): string =>
  `pb-${shortHash(8, netns, hostInterface)}`

/**
 * Hardware address of that end: the highest first byte there is, or the host's bridge, which may take its address
 * from its lowest port, would change its own.
 */
export const uplinkHostEndMac = (netns: string, hostInterface: string): string =>
  `fe:50:42${shortHash(6, netns, hostInterface).replace(/../g, ':$&')}`

/**
 * Names of the veth pair that joins a bridged network to the bridge of its interface, both in the data plane.
 * @param vni - 4096..2^24-1.
 * @returns `inside` is a port of the network's bridge, `outside` of the interface's; 7 to 9 characters each.
 * @throws {RangeError} when `vni` is out of range.
 */
export const bridgedPortNames = (vni: number): { inside: string; outside: string } => ({
  inside: `bp-${vniHex(vni)}`,
  outside: `bx-${vniHex(vni)}`,
})

/**
 * Names of the veth pair that joins the router of a VPC to a segment of elastic IPs.
 * @param segment - interface of the hypervisor and address block, `203.0.113.0/24`.
 * @returns `port` (13 characters) is a port of the interface's bridge in the data plane, `link` (12) is in the router.
 */
export const segmentNames = (vpcId: string, segment: { interface: string; cidr: string }) => ({
  port: `eg-${shortHash(10, vpcId, segment.interface, segment.cidr)}`,
  link: `ext-${shortHash(8, segment.interface, segment.cidr)}`,
})

/**
 * Number of a segment in a router: of its routing table, and the mark of the connections that go by it.
 * @returns 2^28..2^29-1: far from the tables that the kernel has names for, and the same after every restart.
 */
export const segmentNumber = (segment: { interface: string; cidr: string }): number =>
  2 ** 28 + Number.parseInt(shortHash(7, segment.interface, segment.cidr), 16)

/**
 * Name of the namespace that routes for a VPC on this hypervisor. A namespace each lets two VPCs use the same ranges.
 * @param netns - namespace of the data plane.
 */
export const routerNetns = (netns: string, vpcId: string): string => `${netns}-${vpcId}`

/** Mark of a network's bridge. */
export const networkMark = (networkId: string): string => `patchbay:network:${networkId}`
/** Mark of both ends of a NIC's veth pair, or of its tap. */
export const nicMark = (mac: string): string => `patchbay:nic:${mac}`
/** Mark of a router port's data plane end; it tells which router's namespace holds the other end. */
export const gatewayMark = (networkId: string, routerId: string): string => `patchbay:gateway:${networkId}/${routerId}`
/** Mark of a router port's end inside the router namespace. */
export const routerPortMark = (networkId: string): string => `patchbay:router-port:${networkId}`
/**
 * Name of the device that shapes what a NIC sends: the kernel shapes only what leaves a device, so frames that come in
 * from the guest make a detour through this one.
 * @param mac - MAC of the NIC, `52:54:…`.
 * @returns 11 ASCII characters: `ifb` and the last 4 bytes in hex.
 * @throws {RangeError} when `mac` is not one of ours.
 */
export const shaperName = (mac: string): string => `ifb${ownMac(mac).slice(6).replaceAll(':', '')}`

/** Mark of the device that shapes what a NIC sends. */
export const shaperMark = (mac: string): string => `patchbay:shaper:${mac}`

/**
 * Reads a shaper's mark back.
 * @returns the MAC of the NIC, or `undefined` when `alias` is no such mark.
 */
export const nicOfShaperMark = (alias: string | undefined): string | undefined =>
  alias === undefined ? undefined : /^patchbay:shaper:(52:54(?::[0-9a-f]{2}){4})$/.exec(alias)?.[1]

/**
 * Link-local address of a network's gateway: what router advertisements come from.
 * @param vni - 4096..2^24-1.
 * @returns the EUI-64 address of `gatewayMac`, as the kernel writes it.
 * @throws {RangeError} when `vni` is out of range.
 * @see RFC 4291, appendix A
 */
export function gatewayLinkLocal(vni: number): string {
  const hex = vniHex(vni).padStart(6, '0')
  const group = (digits: string) => Number.parseInt(digits, 16).toString(16)
  return `fe80::50:42ff:${group(`fe${hex.slice(0, 2)}`)}:${group(hex.slice(2))}`
}

/** Mark of the bridge that is joined to an interface of the hypervisor, and of the devices that join them. */
export const uplinkMark = (hostInterface: string): string => `patchbay:uplink:${hostInterface}`
/** Mark of both ends of the pair that joins a bridged network to a segment. */
export const bridgedPortMark = (networkId: string): string => `patchbay:bridged:${networkId}`
/** Mark of both ends of the pair that joins the router of a VPC to a segment. */
export const segmentMark = (vpcId: string, segment: { interface: string; cidr: string }): string =>
  `patchbay:segment:${vpcId}/${segment.interface}/${segment.cidr}`
/** Mark of the data plane's namespace. */
export const dataPlaneMark = (netns: string): string => `patchbay:data-plane:${netns}`
/** Mark of a router's namespace, by its full name. */
export const routerMark = (router: string): string => `patchbay:router:${router}`
/** Mark of a namespace guest. */
export const serverMark = (serverId: string): string => `patchbay:server:${serverId}`

/**
 * Reads a NIC's mark back.
 * @returns the MAC, or `undefined` when `alias` is no such mark.
 */
export const nicOfMark = (alias: string | undefined): string | undefined =>
  alias === undefined ? undefined : /^patchbay:nic:(52:54(?::[0-9a-f]{2}){4})$/.exec(alias)?.[1]

/**
 * Reads the mark of a bridge back.
 * @returns the network's id, or `undefined` when `alias` is no such mark.
 */
export const networkOfMark = (alias: string | undefined): string | undefined =>
  alias === undefined ? undefined : /^patchbay:network:(.+)$/.exec(alias)?.[1]

/**
 * Reads the mark of an uplink back.
 * @returns the name of the hypervisor's interface, or `undefined` when `alias` is no such mark.
 */
export const uplinkOfMark = (alias: string | undefined): string | undefined =>
  alias === undefined ? undefined : /^patchbay:uplink:(.+)$/.exec(alias)?.[1]

/**
 * Reads the mark of a router port back.
 * @returns the ids of network and router, or `undefined` when `alias` is no such mark.
 */
export function gatewayOfMark(alias: string | undefined): { networkId: string; routerId: string } | undefined {
  const [, networkId, routerId] = /^patchbay:gateway:([^/]+)\/(.+)$/.exec(alias ?? '') ?? []
  return networkId === undefined || routerId === undefined ? undefined : { networkId, routerId }
}
