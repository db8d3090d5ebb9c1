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
  /** Name of the hypervisor's interface that a bridged network is joined to: its guests appear on that segment. */
  readonly bridgedTo?: string
  /** Present when we give out the addresses of the network: it then has DHCP, and when it is routed a gateway. */
  readonly subnet?: SubnetSpec
}

/** The layer-3 side of a network whose addresses we give out. */
export interface SubnetSpec {
  /**
   * Whose namespace serves the network: the id of its VPC, whose router has a port in each of its networks. A network
   * without a VPC (isolated, bridged) has a namespace of its own, under its own id, with nothing but DHCP in it.
   */
  readonly routerId: string
  /** For example `172.16.1.0/24`. */
  readonly cidr: string
  /**
   * The gateway that guests are told, for example `172.16.1.1`. In a routed network our router holds it; in a bridged
   * one it is a machine of the segment; an isolated one has none.
   */
  readonly gateway?: string
  /** True when our router holds `gateway` (and `ipv6.gateway`): the network is routed. */
  readonly routed: boolean
  /** Addresses of IPv6, by router advertisement; routed networks only. */
  readonly ipv6?: { readonly cidr: string; readonly gateway: string }
  readonly dhcp: DhcpSettings
}

/** What a network's DHCP server tells besides addresses. */
export interface DhcpSettings {
  /** 120..31536000. */
  readonly leaseSeconds: number
  /** Name servers that guests are told. Empty: our own, where the network is routed, else none. */
  readonly dnsServers: readonly string[]
  /** Search domain, and the domain of our own names. */
  readonly domain?: string
}

/** A DHCP host entry: this MAC gets exactly this address. */
export interface DhcpHost {
  readonly mac: string
  readonly address: string
  /** Formed by the guest itself; here for our DNS, and for the router to know whose it is. */
  readonly ipv6Address?: string
  /** The primary NIC alone is told a default route; secondary NICs must not compete for it. */
  readonly primary: boolean
  /** Host name: answered by our DNS, and told to the guest. A DNS label. */
  readonly name?: string
  /**
   * DHCP options of its server beside ours, or instead of them: option number (1..254) → value as dnsmasq writes it.
   * @see dnsmasq(8), --dhcp-option
   */
  readonly options?: Readonly<Record<string, string>>
}

/** The kernel device that carries one NIC. */
export interface TapSpec {
  readonly mac: string
  readonly vni: number
  readonly mtu: number
  /** `tap`: a persistent tap that QEMU opens. `veth`: a pair whose peer is created inside the guest's namespace. */
  readonly device: { readonly kind: 'tap' } | { readonly kind: 'veth'; readonly netns: string; readonly ifName: string }
}

/** What the guest behind one tap may send, and what may reach it. */
export interface NicPolicy {
  readonly mac: string
  readonly vni: number
  /** Its network is joined to a segment of the hypervisor. */
  readonly bridged: boolean
  /** Where addresses are unique: the id of the VPC, or of a network without one. Group members are looked for there. */
  readonly scope: string
  /** Its network is one whose addresses we give out. */
  readonly addressed: boolean
  /** Addresses without prefix length: IPv4, IPv6. Empty where we give none out. */
  readonly addresses: readonly string[]
  /** What its network has set aside for guests that agree among themselves: it may use any of these, of IPv4, too. */
  readonly reserved: readonly string[]
  /** False: any MAC, any source address, and it may be a DHCP or RA server. */
  readonly antiSpoofing: boolean
  /** What it may use besides its own: an address or CIDR (IPv4 or IPv6), with another MAC when given. */
  readonly allowedPairs: readonly { readonly address: string; readonly mac?: string }[]
  /** At least one. Their rules count together, by priority. */
  readonly groupIds: readonly string[]
}

/** A security group as the filter needs it. */
export interface SecurityGroup {
  readonly id: string
  /** Changes with its rules. */
  readonly version: number
  readonly rules: readonly SecurityRule[]
  /** Its NICs wherever they are, by address; asked for only when a rule names the group as its remote. */
  readonly members: readonly { readonly scope: string; readonly address: string }[]
}

export type SecurityProtocol = 'all' | 'tcp' | 'udp' | 'icmp' | 'icmpv6' | 'gre' | 'esp' | 'ah' | 'ipip'

/** One rule. Of those that match, the one with the lowest priority counts; at the same priority `drop` does. */
export interface SecurityRule {
  readonly direction: 'in' | 'out'
  /** 0..100, lowest first. */
  readonly priority: number
  readonly action: 'accept' | 'drop'
  readonly protocol: SecurityProtocol
  /** Destination ports of tcp and udp, 1..65535, both ends included; absent: all. */
  readonly ports?: { readonly first: number; readonly last: number }
  /** Of icmp and icmpv6; absent: all. */
  readonly icmpType?: number
  readonly icmpCode?: number
  /** The other side: a CIDR of IPv4 or IPv6, or the members of a group; absent: anyone. */
  readonly remote?: { readonly cidr: string } | { readonly groupId: string }
}

/** Bandwidth of a NIC in Mbit/s (10^6 bit/s); absent: not limited. `in` is towards the guest. */
export interface NicBandwidth {
  readonly mac: string
  readonly inMbps?: number
  readonly outMbps?: number
}

/** What a VPC's router does besides routing between its networks. */
export interface RouterSpec {
  readonly vpcId: string
  /** Addresses of the VPC; those of networks that are not here must not leave it by another way. */
  readonly cidr: string
  /** False: it is switched off. It passes nothing on and answers nothing, but guests keep their leases and names. */
  readonly routing: boolean
  /** Elastic IPs of NICs on this hypervisor, and of the VPC itself. */
  readonly elasticIps: readonly ElasticIpSpec[]
  /** Whether addresses without an elastic IP of their own may go out by the VPC's. */
  readonly sourceNat: boolean
  /** Ports of the VPC's elastic IP. */
  readonly portForwardings: readonly PortForwardingSpec[]
}

export interface ElasticIpSpec {
  /** For example `203.0.113.7`. */
  readonly address: string
  /** Of the segment it is on: for example `203.0.113.0/24`, with its gateway and the hypervisor's interface to it. */
  readonly cidr: string
  readonly gateway: string
  readonly interface: string
  /** Address of the NIC it stands for, 1:1; absent: it is the VPC's own. */
  readonly nicAddress?: string
  /** Mbit/s (10^6 bit/s) in each direction; absent: not limited. */
  readonly bandwidthMbps?: number
}

export interface PortForwardingSpec {
  readonly protocol: 'tcp' | 'udp'
  readonly port: number
  readonly address: string
  readonly targetPort: number
}
