/**
 * What the data plane is asked for. Plain values: everything here can be computed from a work order, so a worker that
 * restarts asks for exactly the same things under exactly the same names.
 */

/** A layer-2 network as it should stand on this hypervisor. */
export interface NetworkSpec {
  readonly id: string
  /** VXLAN network identifier, 4096..2^24-1; names the bridge (`br-<vni hex>`). */
  readonly vni: number
  /** Bytes, of the bridge and every tap in it. */
  readonly mtu: number
  /** Present when the network is joined to a VPC: it then has a router port, a gateway and DHCP. */
  readonly subnet?: SubnetSpec
}

/** The layer-3 side of a managed network that is joined to a VPC. */
export interface SubnetSpec {
  readonly vpcId: string
  /** For example `172.16.1.0/24`. */
  readonly cidr: string
  /** For example `172.16.1.1`. */
  readonly gateway: string
}

/** A DHCP host entry: this MAC gets exactly this address. */
export interface DhcpHost {
  readonly mac: string
  readonly address: string
  /** The primary NIC alone is told a default route; secondary NICs must not compete for it. */
  readonly primary: boolean
}

/** The kernel device that carries one NIC. */
export interface TapSpec {
  readonly mac: string
  readonly vni: number
  readonly mtu: number
  /** `tap`: a persistent tap that QEMU opens. `veth`: a pair whose peer is created inside the guest's namespace. */
  readonly device: { readonly kind: 'tap' } | { readonly kind: 'veth'; readonly netns: string; readonly ifName: string }
}
