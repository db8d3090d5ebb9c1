/**
 * Names, hardware addresses and marks of everything the data plane makes. All of them are computed from ids that the
 * control plane drew, so a worker that restarts finds its things again, and two things never share a name.
 *
 * Marks are kernel aliases (`ip link set X alias …`), readable by anyone with `ip -d link`:
 *
 * | thing                          | where the mark stands           | mark                                     |
 * |--------------------------------|---------------------------------|------------------------------------------|
 * | bridge of a network            | the bridge                      | `patchbay:network:<network id>`          |
 * | router port, data plane end    | `gw-<vni hex>`                  | `patchbay:gateway:<network id>/<vpc id>` |
 * | router port, router end        | `net-<vni hex>`                 | `patchbay:router-port:<network id>`      |
 * | tap, or data plane end of veth | `tap<4 MAC bytes>`              | `patchbay:nic:<mac>`                     |
 * | veth end inside a guest        | `eth<slot>`; group GUEST_GROUP  | `patchbay:nic:<mac>` once plugged        |
 * | data plane namespace           | its `lo`                        | `patchbay:data-plane:<namespace>`        |
 * | router namespace               | its `lo`                        | `patchbay:router:<namespace>`            |
 * | guest namespace                | its `lo`                        | `patchbay:server:<server id>`            |
 */

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

/**
 * Name of the namespace that routes for a VPC on this hypervisor. A namespace each lets two VPCs use the same ranges.
 * @param netns - namespace of the data plane.
 */
export const routerNetns = (netns: string, vpcId: string): string => `${netns}-${vpcId}`

/** Mark of a network's bridge. */
export const networkMark = (networkId: string): string => `patchbay:network:${networkId}`
/** Mark of both ends of a NIC's veth pair, or of its tap. */
export const nicMark = (mac: string): string => `patchbay:nic:${mac}`
/** Mark of a router port's data plane end; it tells which VPC's namespace holds the other end. */
export const gatewayMark = (networkId: string, vpcId: string): string => `patchbay:gateway:${networkId}/${vpcId}`
/** Mark of a router port's end inside the router namespace. */
export const routerPortMark = (networkId: string): string => `patchbay:router-port:${networkId}`
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
 * Reads the mark of a router port back.
 * @returns the ids of network and VPC, or `undefined` when `alias` is no such mark.
 */
export function gatewayOfMark(alias: string | undefined): { networkId: string; vpcId: string } | undefined {
  const [, networkId, vpcId] = /^patchbay:gateway:([^/]+)\/(.+)$/.exec(alias ?? '') ?? []
  return networkId === undefined || vpcId === undefined ? undefined : { networkId, vpcId }
}
