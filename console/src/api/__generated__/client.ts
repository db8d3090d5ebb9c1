/**
 * DO NOT MODIFY - This file has been generated using oazapfts.
 * See https://www.npmjs.com/package/oazapfts
 */
import * as Oazapfts from "@oazapfts/runtime";
import * as QS from "@oazapfts/runtime/query";
export const defaults: Oazapfts.Defaults<Oazapfts.CustomHeaders> = {
    headers: {},
    baseUrl: "/"
};
const oazapfts = Oazapfts.runtime(defaults);
export const servers = {};
export type Session = {
    access_key_id: string;
    /** Of the access key */
    name: string;
    role: "reader" | "operator" | "admin";
    project: {
        /** Id of a project */
        id: string;
        name: string;
    };
    created_at: string | null;
    expires_at: string | null;
};
export type Problem = {
    /** Identifies the problem; its last part is `code` */
    "type": string;
    title: string;
    status: number;
    code: "invalid_request" | "invalid_json" | "invalid_cursor" | "cidr_invalid" | "cidr_outside_vpc" | "cidr_reserved" | "address_out_of_range" | "pool_range_invalid" | "interface_unknown" | "rule_invalid" | "slot_out_of_range" | "vpc_static_invalid" | "adoption_needs_qemu" | "adoption_needs_qmp" | "unauthorized" | "request_expired" | "forbidden" | "not_found" | "project_not_found" | "address_in_use" | "address_not_of_server" | "already_adopted" | "cidr_overlaps" | "elastic_ip_in_use" | "elastic_ip_pool_full" | "elastic_ip_pool_in_use" | "elastic_ip_pool_overlaps" | "interface_missing" | "job_stale" | "key_pair_in_use" | "last_admin_key" | "name_in_use" | "network_changed" | "network_full" | "network_in_use" | "network_joined_already" | "network_not_joined" | "network_not_routed" | "network_unmanaged" | "nic_busy" | "nic_has_elastic_ip" | "nic_in_use" | "nic_joined" | "nic_not_in_use" | "nic_not_routed" | "nic_primary" | "nic_unaddressed" | "port_in_use" | "security_group_default" | "security_group_full" | "security_group_in_use" | "server_adopted" | "server_busy" | "server_joined_already" | "server_not_joined" | "server_not_running" | "server_not_stopped" | "server_full" | "server_terminated" | "slot_in_use" | "vpc_has_elastic_ip" | "vpc_static_exists" | "vpc_in_use" | "project_in_use" | "precondition_failed" | "body_too_large" | "unsupported_media_type" | "idempotency_key_reused" | "too_many_requests" | "internal" | "no_hypervisor" | "unavailable";
    detail: string;
    errors?: {
        "in": "body" | "query" | "path" | "header";
        /** JSON pointer (RFC 6901) to the offending field */
        pointer: string;
        detail: string;
    }[];
    /** Names this request in the log of the service */
    request_id: string;
};
export type Vpc = {
    /** Id of a VPC */
    id: string;
    name: string;
    description: string;
    tags: {
        [key: string]: string;
    };
    cidr: string;
    /** Addresses without an elastic IP of their own may go out by the VPC’s. It has effect while the VPC has one */
    source_nat: boolean;
    /** Whether its router is on: one that is off passes nothing on */
    routing: boolean;
    /** Security group of the VPC’s router; null: the default group. It is recorded, and not enforced yet */
    security_group_id: string | null;
    /** Counts changes; the ETag */
    generation: number;
    created_at: string;
    updated_at: string;
    deleted_at: string | null;
};
export type Job = {
    /** Id of a job */
    id: string;
    action: "server.create" | "server.start" | "server.stop" | "server.restart" | "server.delete" | "nic.attach" | "nic.detach" | "network.apply";
    state: "pending" | "working" | "successful" | "failed";
    /** Id of a server */
    server_id: string | null;
    nic_ids: string[];
    resources: {
        "type": "server" | "nic" | "network" | "vpc" | "security_group" | "security_group_rule" | "elastic_ip" | "port_forwarding" | "reserved_address" | "vpc_static" | "key_pair";
        id: string;
    }[];
    /** null: it has a part on each of several hypervisors */
    hypervisor_id: string | null;
    /** The job that this is one hypervisor’s part of; null: a job by itself */
    parent_id: string | null;
    attempts: number;
    steps: {
        attempt: number;
        name: string;
        started_at: string;
        /** null: under way, or its attempt was broken off in it */
        ended_at: string | null;
        error: string | null;
    }[];
    error: string | null;
    created_at: string;
    started_at: string | null;
    finished_at: string | null;
};
export type PortForwarding = {
    /** Id of a port forwarding */
    id: string;
    /** Id of a VPC */
    vpc_id: string;
    name: string;
    protocol: "tcp" | "udp";
    /** Of the VPC’s elastic IP; it has effect while the VPC has one */
    port: number;
    address: string;
    /** Of the address */
    target_port: number;
    /** False: it is kept, and has no effect */
    enabled: boolean;
    /** Counts changes; the ETag */
    generation: number;
    created_at: string;
    updated_at: string;
};
export type ElasticIpPool = {
    /** Id of a elastic IP pool */
    id: string;
    name: string;
    cidr: string;
    gateway: string;
    first: string;
    last: string;
    /** Of the hypervisors, to the segment */
    "interface": string;
    addresses_total: number;
    addresses_available: number;
    /** Counts changes; the ETag */
    generation: number;
    created_at: string;
    updated_at: string;
};
export type ElasticIp = {
    /** Id of a elastic IP */
    id: string;
    name: string;
    description: string;
    tags: {
        [key: string]: string;
    };
    /** Id of a elastic IP pool */
    pool_id: string;
    address: string;
    /** Mbit/s (10^6 bit/s) in each direction; null: not limited */
    bandwidth_mbps: number | null;
    state: "available" | "associated";
    /** Id of a NIC: its MAC, lower case with colons */
    nic_id: string | null;
    /** Id of a VPC */
    vpc_id: string | null;
    /** Holds it for the VPC; null when a NIC has it */
    hypervisor_id: string | null;
    /** Counts changes; the ETag */
    generation: number;
    created_at: string;
    updated_at: string;
};
export type Network = {
    /** Id of a network */
    id: string;
    name: string;
    description: string;
    tags: {
        [key: string]: string;
    };
    "type": "managed" | "unmanaged";
    /** VXLAN network identifier, 4096..16777215; names the bridge */
    vni: number;
    /** Bytes */
    mtu: number;
    /** routed: with a gateway in a VPC; isolated: by itself; bridged: on a segment that hypervisors reach */
    mode: "routed" | "isolated" | "bridged";
    /** Id of a VPC */
    vpc_id: string | null;
    /** Of the hypervisors, that a bridged network is joined to */
    "interface": string | null;
    cidr: string | null;
    gateway: string | null;
    ipv6_cidr: string | null;
    /** `::1` of `ipv6_cidr` */
    ipv6_gateway: string | null;
    /** What NICs are given */
    address_range: {
        first: string;
        last: string;
    } | null;
    /** For NICs and reserved addresses, of 252 or of the address range */
    addresses_available: number;
    /** At most 252, with and without address */
    nic_count: number;
    dhcp: {
        lease_seconds: number;
        /** Empty: our own where the network is routed, else none */
        dns_servers: string[];
        domain: string | null;
    };
    /** Counts changes; the ETag */
    generation: number;
    created_at: string;
    updated_at: string;
};
export type Nic = {
    /** Id of a NIC: its MAC, lower case with colons */
    id: string;
    name: string;
    description: string;
    tags: {
        [key: string]: string;
    };
    /** Id of a network */
    network_id: string;
    /** Its place in the network: 1-252 belong to addresses, 253-504 to none */
    port: number;
    address: string | null;
    /** Of the network’s `ipv6_cidr`, formed from the MAC (EUI-64) as the guest forms it */
    ipv6_address: string | null;
    /** The card in slot 0, which the server was made with, or joined a network by */
    primary: boolean;
    state: "available" | "attaching" | "in_use" | "detaching";
    /** Id of a server */
    server_id: string | null;
    slot: number | null;
    /** Id of a job */
    job_id: string | null;
    /** Why the last attach or detach failed */
    last_error: string | null;
    /** Their rules count together; the project’s default group if it was put into none */
    security_group_ids: string[];
    elastic_ip: {
        /** Id of a elastic IP */
        id: string;
        address: string;
    } | null;
    /** It may send from its own MAC and addresses only, and from the allowed pairs */
    anti_spoofing: boolean;
    allowed_address_pairs: {
        address: string;
        mac?: string;
    }[];
    /** Mbit/s towards the guest and from it; null: not limited */
    bandwidth: {
        in_mbps: number | null;
        out_mbps: number | null;
    };
    /** What the kernel of the hypervisor shows */
    host: {
        tap: string;
        bridge: string | null;
        up: boolean;
        mtu: number;
    } | null;
    /** What the system of the guest shows */
    guest: {
        interface_name: string;
        mac: string;
        addresses: string[];
    } | null;
    observed_at: string | null;
    /** Counts changes; the ETag */
    generation: number;
    created_at: string;
    updated_at: string;
};
export type ReservedAddress = {
    /** Id of a reserved address */
    id: string;
    /** Id of a network */
    network_id: string;
    name: string;
    description: string;
    address: string;
    /** Counts changes; the ETag */
    generation: number;
    created_at: string;
    updated_at: string;
};
export type SecurityGroup = {
    /** Id of a security group */
    id: string;
    name: string;
    description: string;
    tags: {
        [key: string]: string;
    };
    /** New NICs of the project are in it */
    is_default: boolean;
    /** 0..1000 */
    rule_count: number;
    /** False: rules were changed over the QingCloud wire and wait there to be applied; any change here does */
    applied: boolean;
    /** Counts changes; the ETag */
    generation: number;
    created_at: string;
    updated_at: string;
};
export type SecurityGroupRule = {
    /** Id of a rule */
    id: string;
    name: string;
    direction: "in" | "out";
    priority: number;
    action: "accept" | "drop";
    protocol: "all" | "tcp" | "udp" | "icmp" | "icmpv6" | "gre" | "esp" | "ah" | "ipip";
    port_first: number | null;
    port_last: number | null;
    icmp_type: number | null;
    icmp_code: number | null;
    remote_cidr: string | null;
    /** Id of a security group */
    remote_group_id: string | null;
    created_at: string;
};
export type Server = {
    /** Id of a server */
    id: string;
    name: string;
    description: string;
    tags: {
        [key: string]: string;
    };
    guest: "qemu" | "namespace";
    state: "pending" | "starting" | "running" | "stopping" | "stopped" | "terminating" | "terminated";
    /** Id of a hypervisor */
    hypervisor_id: string;
    vcpus: number;
    memory_mb: number;
    qmp_socket: string | null;
    qga_socket: string | null;
    /** Option number → value */
    dhcp_options: {
        [key: string]: string;
    };
    /** Cards in its slots, or on the way into them or out; 0..64 */
    nic_count: number;
    /** Id of a job */
    job_id: string | null;
    last_error: string | null;
    /** Counts changes; the ETag */
    generation: number;
    created_at: string;
    updated_at: string;
    deleted_at: string | null;
};
export type Hypervisor = {
    /** Id of a hypervisor */
    id: string;
    zone_id: string;
    state: "up" | "down";
    /** What its worker says of itself */
    facts: {
        [key: string]: unknown;
    };
    last_seen_at: string | null;
    created_at: string;
};
export type Event = {
    /** Place in the stream, as in Last-Event-ID */
    id: string;
    "type": string;
    resource_type: string;
    resource_id: string;
    address: string | null;
    /** Access key that asked for it */
    actor: string | null;
    job_id: string | null;
    data: {
        [key: string]: unknown;
    };
    at: string;
};
export type Project = {
    /** Id of a project */
    id: string;
    name: string;
    created_at: string;
};
export type NewAccessKey = {
    access_key_id: string;
    /** Id of a project */
    project_id: string;
    name: string;
    role: "reader" | "operator" | "admin";
    created_at: string;
    /** Shown now and never again */
    secret_access_key: string;
    /** For `Authorization: Bearer`; shown now and never again */
    token: string;
};
export type AccessKey = {
    access_key_id: string;
    /** Id of a project */
    project_id: string;
    name: string;
    role: "reader" | "operator" | "admin";
    created_at: string;
};
/**
 * Sign in with an access key: sets a cookie that stands for it for 12 hours, and ends the session of the cookie before
 */
export function createSession(body: {
    access_key_id: string;
    secret_access_key: string;
}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 201;
        data: Session;
    } | {
        status: number;
        data: Problem;
    }>("/v1/session", oazapfts.json({
        ...opts,
        method: "POST",
        body
    })));
}
/**
 * Who asks: the access key, by whichever way it came in
 */
export function getSession(opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 200;
        data: Session;
    } | {
        status: number;
        data: Problem;
    }>("/v1/session", {
        ...opts
    }));
}
/**
 * Sign out: ends the session that asks, and clears its cookie
 */
export function deleteSession(opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 204;
    } | {
        status: number;
        data: Problem;
    }>("/v1/session", {
        ...opts,
        method: "DELETE"
    }));
}
/**
 * Make a VPC
 */
export function createVpc(body: {
    name: string;
    /** A /16 of 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16 */
    cidr: string;
    /** Addresses without an elastic IP of their own may go out by the VPC’s. It has effect while the VPC has one */
    source_nat?: boolean;
    /** Security group of the VPC’s router; null: the default group. It is recorded, and not enforced yet */
    security_group_id?: string | null;
    description?: string;
    /** Up to 50 names with values */
    tags?: {
        [key: string]: string;
    };
}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 201;
        data: Vpc;
    } | {
        status: number;
        data: Problem;
    }>("/v1/vpcs", oazapfts.json({
        ...opts,
        method: "POST",
        body
    })));
}
/**
 * List VPCs, newest first
 */
export function listVpcs({ limit, cursor, search, name }: {
    limit?: number;
    cursor?: string;
    search?: string;
    name?: string;
} = {}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 200;
        data: {
            items: Vpc[];
            next_cursor: string | null;
        };
    } | {
        status: number;
        data: Problem;
    }>(`/v1/vpcs${QS.query(QS.explode({
        limit,
        cursor,
        search,
        name
    }))}`, {
        ...opts
    }));
}
/**
 * Read a VPC
 */
export function getVpc(id: string, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 200;
        data: Vpc;
    } | {
        status: number;
        data: Problem;
    }>(`/v1/vpcs/${encodeURIComponent(id)}`, {
        ...opts
    }));
}
/**
 * Change name, description, tags or security group
 */
export function updateVpc(id: string, body: {
    name?: string;
    description?: string;
    /** Up to 50 names with values */
    tags?: {
        [key: string]: string;
    };
    /** Security group of the VPC’s router; null: the default group. It is recorded, and not enforced yet */
    security_group_id?: string | null;
}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 200;
        data: Vpc;
    } | {
        status: number;
        data: Problem;
    }>(`/v1/vpcs/${encodeURIComponent(id)}`, oazapfts.json({
        ...opts,
        method: "PATCH",
        body
    })));
}
/**
 * Delete a VPC without networks, elastic IP, port forwardings and statics
 */
export function deleteVpc(id: string, { force }: {
    force?: boolean;
} = {}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 204;
    } | {
        status: number;
        data: Problem;
    }>(`/v1/vpcs/${encodeURIComponent(id)}${QS.query(QS.explode({
        force
    }))}`, {
        ...opts,
        method: "DELETE"
    }));
}
/**
 * Let addresses without an elastic IP of their own go out by the VPC’s, or not
 */
export function setSourceNat(id: string, body: {
    enabled: boolean;
}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 200;
        data: Job;
    } | {
        status: 202;
        data: Job;
    } | {
        status: number;
        data: Problem;
    }>(`/v1/vpcs/${encodeURIComponent(id)}/source-nat`, oazapfts.json({
        ...opts,
        method: "PUT",
        body
    })));
}
/**
 * Switch the router of a VPC on or off
 */
export function setRouting(id: string, body: {
    enabled: boolean;
}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 200;
        data: Job;
    } | {
        status: 202;
        data: Job;
    } | {
        status: number;
        data: Problem;
    }>(`/v1/vpcs/${encodeURIComponent(id)}/routing`, oazapfts.json({
        ...opts,
        method: "PUT",
        body
    })));
}
/**
 * Forward a port of the VPC’s elastic IP to an address of the VPC
 */
export function createPortForwarding(id: string, body: {
    name?: string;
    protocol: "tcp" | "udp";
    port: number;
    /** Where it goes: an address of the VPC */
    address: string;
    /** Port of the address; the same as port when left out */
    target_port?: number;
    enabled?: boolean;
}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 200;
        data: Job;
    } | {
        status: 202;
        data: Job;
    } | {
        status: number;
        data: Problem;
    }>(`/v1/vpcs/${encodeURIComponent(id)}/port-forwardings`, oazapfts.json({
        ...opts,
        method: "POST",
        body
    })));
}
/**
 * List port forwardings of a VPC, newest first
 */
export function listPortForwardings(id: string, { limit, cursor, name }: {
    limit?: number;
    cursor?: string;
    name?: string;
} = {}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 200;
        data: {
            items: PortForwarding[];
            next_cursor: string | null;
        };
    } | {
        status: number;
        data: Problem;
    }>(`/v1/vpcs/${encodeURIComponent(id)}/port-forwardings${QS.query(QS.explode({
        limit,
        cursor,
        name
    }))}`, {
        ...opts
    }));
}
/**
 * Read a port forwarding
 */
export function getPortForwarding(id: string, pfId: string, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 200;
        data: PortForwarding;
    } | {
        status: number;
        data: Problem;
    }>(`/v1/vpcs/${encodeURIComponent(id)}/port-forwardings/${encodeURIComponent(pfId)}`, {
        ...opts
    }));
}
/**
 * Change a port forwarding
 */
export function updatePortForwarding(id: string, pfId: string, body: {
    name?: string;
    protocol?: "tcp" | "udp";
    port?: number;
    /** Where it goes: an address of the VPC */
    address?: string;
    target_port?: number;
    enabled?: boolean;
}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 200;
        data: Job;
    } | {
        status: 202;
        data: Job;
    } | {
        status: number;
        data: Problem;
    }>(`/v1/vpcs/${encodeURIComponent(id)}/port-forwardings/${encodeURIComponent(pfId)}`, oazapfts.json({
        ...opts,
        method: "PATCH",
        body
    })));
}
/**
 * Delete a port forwarding
 */
export function deletePortForwarding(id: string, pfId: string, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 200;
        data: Job;
    } | {
        status: 202;
        data: Job;
    } | {
        status: number;
        data: Problem;
    }>(`/v1/vpcs/${encodeURIComponent(id)}/port-forwardings/${encodeURIComponent(pfId)}`, {
        ...opts,
        method: "DELETE"
    }));
}
/**
 * Make a pool of elastic IPs: public addresses of one segment (admin)
 */
export function createElasticIpPool(body: {
    name: string;
    /** The segment: a /16 to /30 */
    cidr: string;
    /** Leads out of the segment; outside first to last */
    gateway: string;
    /** The first address to give out */
    first: string;
    /** The last address to give out */
    last: string;
    /** Of the hypervisors, to the segment; at least one of them has it */
    "interface": string;
}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 201;
        data: ElasticIpPool;
    } | {
        status: number;
        data: Problem;
    }>("/v1/elastic-ip-pools", oazapfts.json({
        ...opts,
        method: "POST",
        body
    })));
}
/**
 * List pools of elastic IPs, newest first
 */
export function listElasticIpPools({ limit, cursor, name }: {
    limit?: number;
    cursor?: string;
    name?: string;
} = {}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 200;
        data: {
            items: ElasticIpPool[];
            next_cursor: string | null;
        };
    } | {
        status: number;
        data: Problem;
    }>(`/v1/elastic-ip-pools${QS.query(QS.explode({
        limit,
        cursor,
        name
    }))}`, {
        ...opts
    }));
}
/**
 * Read a pool of elastic IPs
 */
export function getElasticIpPool(id: string, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 200;
        data: ElasticIpPool;
    } | {
        status: number;
        data: Problem;
    }>(`/v1/elastic-ip-pools/${encodeURIComponent(id)}`, {
        ...opts
    }));
}
/**
 * Rename a pool of elastic IPs, or move the ends of its range (admin)
 */
export function updateElasticIpPool(id: string, body: {
    name?: string;
    /** The first address to give out */
    first?: string;
    /** The last address to give out */
    last?: string;
}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 200;
        data: ElasticIpPool;
    } | {
        status: number;
        data: Problem;
    }>(`/v1/elastic-ip-pools/${encodeURIComponent(id)}`, oazapfts.json({
        ...opts,
        method: "PATCH",
        body
    })));
}
/**
 * Delete a pool without elastic IPs (admin)
 */
export function deleteElasticIpPool(id: string, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 204;
    } | {
        status: number;
        data: Problem;
    }>(`/v1/elastic-ip-pools/${encodeURIComponent(id)}`, {
        ...opts,
        method: "DELETE"
    }));
}
/**
 * Take an elastic IP from a pool: the lowest free address, or the one asked for
 */
export function createElasticIp(body: {
    /** May be left out when there is exactly one pool */
    pool_id?: string;
    name?: string;
    address?: string;
    /** Mbit/s (10^6 bit/s) in each direction; not limited when left out */
    bandwidth_mbps?: number;
    description?: string;
    /** Up to 50 names with values */
    tags?: {
        [key: string]: string;
    };
}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 201;
        data: ElasticIp;
    } | {
        status: number;
        data: Problem;
    }>("/v1/elastic-ips", oazapfts.json({
        ...opts,
        method: "POST",
        body
    })));
}
/**
 * List elastic IPs, newest first
 */
export function listElasticIps({ limit, cursor, search, name, state, poolId, nicId, vpcId, address }: {
    limit?: number;
    cursor?: string;
    search?: string;
    name?: string;
    state?: "available" | "associated";
    poolId?: string;
    nicId?: string;
    vpcId?: string;
    address?: string;
} = {}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 200;
        data: {
            items: ElasticIp[];
            next_cursor: string | null;
        };
    } | {
        status: number;
        data: Problem;
    }>(`/v1/elastic-ips${QS.query(QS.explode({
        limit,
        cursor,
        search,
        name,
        state,
        pool_id: poolId,
        nic_id: nicId,
        vpc_id: vpcId,
        address
    }))}`, {
        ...opts
    }));
}
/**
 * Read an elastic IP
 */
export function getElasticIp(id: string, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 200;
        data: ElasticIp;
    } | {
        status: number;
        data: Problem;
    }>(`/v1/elastic-ips/${encodeURIComponent(id)}`, {
        ...opts
    }));
}
/**
 * Change name, description or tags
 */
export function updateElasticIp(id: string, body: {
    name?: string;
    description?: string;
    /** Up to 50 names with values */
    tags?: {
        [key: string]: string;
    };
}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 200;
        data: ElasticIp;
    } | {
        status: number;
        data: Problem;
    }>(`/v1/elastic-ips/${encodeURIComponent(id)}`, oazapfts.json({
        ...opts,
        method: "PATCH",
        body
    })));
}
/**
 * Give an elastic IP that nobody has back to its pool
 */
export function deleteElasticIp(id: string, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 204;
    } | {
        status: number;
        data: Problem;
    }>(`/v1/elastic-ips/${encodeURIComponent(id)}`, {
        ...opts,
        method: "DELETE"
    }));
}
/**
 * Give an elastic IP to a NIC or to a VPC, taking it from whoever has it
 */
export function associateElasticIp(id: string, body: {
    /** Id of a NIC: its MAC, lower case with colons */
    nic_id?: string;
    /** Id of a VPC */
    vpc_id?: string;
}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 200;
        data: Job;
    } | {
        status: 202;
        data: Job;
    } | {
        status: number;
        data: Problem;
    }>(`/v1/elastic-ips/${encodeURIComponent(id)}/associate`, oazapfts.json({
        ...opts,
        method: "POST",
        body
    })));
}
/**
 * Take an elastic IP from its NIC or VPC
 */
export function disassociateElasticIp(id: string, body: {}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 200;
        data: Job;
    } | {
        status: 202;
        data: Job;
    } | {
        status: number;
        data: Problem;
    }>(`/v1/elastic-ips/${encodeURIComponent(id)}/disassociate`, oazapfts.json({
        ...opts,
        method: "POST",
        body
    })));
}
/**
 * Limit the traffic of an elastic IP, or not
 */
export function setElasticIpBandwidth(id: string, body: {
    /** Mbit/s (10^6 bit/s) in each direction; null: not limited */
    bandwidth_mbps: number | null;
}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 200;
        data: Job;
    } | {
        status: 202;
        data: Job;
    } | {
        status: number;
        data: Problem;
    }>(`/v1/elastic-ips/${encodeURIComponent(id)}/bandwidth`, oazapfts.json({
        ...opts,
        method: "PUT",
        body
    })));
}
/**
 * Make a network: routed (in a VPC when vpc_id and cidr are given), isolated, or bridged to a segment
 */
export function createNetwork(body: {
    name: string;
    "type"?: "managed" | "unmanaged";
    /** routed: with a gateway in a VPC; isolated: by itself; bridged: on a segment that hypervisors reach */
    mode?: "routed" | "isolated" | "bridged";
    /** Bytes */
    mtu?: number;
    /** Id of a VPC */
    vpc_id?: string;
    cidr?: string;
    ipv6_cidr?: string;
    /** Of the hypervisors, to bridge to */
    "interface"?: string;
    /** Of the segment, that a bridged network’s guests are told */
    gateway?: string;
    /** Which addresses of the segment are to be given out; .2 to .253 when absent */
    address_range?: {
        first: string;
        last: string;
    };
    description?: string;
    /** Up to 50 names with values */
    tags?: {
        [key: string]: string;
    };
}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 201;
        data: Network;
    } | {
        status: number;
        data: Problem;
    }>("/v1/networks", oazapfts.json({
        ...opts,
        method: "POST",
        body
    })));
}
/**
 * List networks, newest first
 */
export function listNetworks({ limit, cursor, search, name, $type, mode, vpcId }: {
    limit?: number;
    cursor?: string;
    search?: string;
    name?: string;
    $type?: "managed" | "unmanaged";
    mode?: "routed" | "isolated" | "bridged";
    vpcId?: string;
} = {}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 200;
        data: {
            items: Network[];
            next_cursor: string | null;
        };
    } | {
        status: number;
        data: Problem;
    }>(`/v1/networks${QS.query(QS.explode({
        limit,
        cursor,
        search,
        name,
        "type": $type,
        mode,
        vpc_id: vpcId
    }))}`, {
        ...opts
    }));
}
/**
 * Read a network
 */
export function getNetwork(id: string, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 200;
        data: Network;
    } | {
        status: number;
        data: Problem;
    }>(`/v1/networks/${encodeURIComponent(id)}`, {
        ...opts
    }));
}
/**
 * Change name, description or tags
 */
export function updateNetwork(id: string, body: {
    name?: string;
    description?: string;
    /** Up to 50 names with values */
    tags?: {
        [key: string]: string;
    };
}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 200;
        data: Network;
    } | {
        status: number;
        data: Problem;
    }>(`/v1/networks/${encodeURIComponent(id)}`, oazapfts.json({
        ...opts,
        method: "PATCH",
        body
    })));
}
/**
 * Delete a network that has no NICs
 */
export function deleteNetwork(id: string, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 204;
    } | {
        status: number;
        data: Problem;
    }>(`/v1/networks/${encodeURIComponent(id)}`, {
        ...opts,
        method: "DELETE"
    }));
}
/**
 * Join a routed network to a VPC with a /24 of it
 */
export function joinNetwork(id: string, body: {
    /** Id of a VPC */
    vpc_id: string;
    cidr: string;
    ipv6_cidr?: string;
}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 200;
        data: Network;
    } | {
        status: number;
        data: Problem;
    }>(`/v1/networks/${encodeURIComponent(id)}/join`, oazapfts.json({
        ...opts,
        method: "POST",
        body
    })));
}
/**
 * Take a network without NICs out of its VPC
 */
export function leaveNetwork(id: string, body: {}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 200;
        data: Network;
    } | {
        status: number;
        data: Problem;
    }>(`/v1/networks/${encodeURIComponent(id)}/leave`, oazapfts.json({
        ...opts,
        method: "POST",
        body
    })));
}
/**
 * Give a network in a VPC an IPv6 prefix, another one, or none (null)
 */
export function setNetworkIpv6(id: string, body: {
    ipv6_cidr: string | null;
}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 200;
        data: Job;
    } | {
        status: 202;
        data: Job;
    } | {
        status: number;
        data: Problem;
    }>(`/v1/networks/${encodeURIComponent(id)}/ipv6`, oazapfts.json({
        ...opts,
        method: "PUT",
        body
    })));
}
/**
 * Replace what DHCP tells the guests of a network; what is left out goes back to its default
 */
export function setNetworkDhcp(id: string, body: {
    lease_seconds?: number;
    dns_servers?: string[];
    domain?: string | null;
}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 200;
        data: Job;
    } | {
        status: 202;
        data: Job;
    } | {
        status: number;
        data: Problem;
    }>(`/v1/networks/${encodeURIComponent(id)}/dhcp`, oazapfts.json({
        ...opts,
        method: "PUT",
        body
    })));
}
/**
 * Make a NIC; without an address it gets the lowest free one
 */
export function createNic(body: {
    /** Id of a network */
    network_id: string;
    name?: string;
    address?: string;
    /** False: without address. In a network that has addresses such a NIC may use the reserved ones, and it may get one of its own while it is available */
    addressed?: boolean;
    description?: string;
    /** Up to 50 names with values */
    tags?: {
        [key: string]: string;
    };
    /** Security groups: their rules count together */
    security_group_ids?: string[];
    anti_spoofing?: boolean;
    /** What it may send from besides its own addresses, as for a virtual address of two servers (VRRP) */
    allowed_address_pairs?: {
        /** Address or CIDR, of IPv4 or IPv6; 0.0.0.0/0 and ::/0 make the guest a router */
        address: string;
        /** Its own when absent; unicast, lower case with colons */
        mac?: string;
    }[];
    bandwidth?: {
        /** Mbit/s; null: not limited */
        in_mbps?: number | null;
        /** Mbit/s; null: not limited */
        out_mbps?: number | null;
    };
}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 201;
        data: Nic;
    } | {
        status: number;
        data: Problem;
    }>("/v1/nics", oazapfts.json({
        ...opts,
        method: "POST",
        body
    })));
}
/**
 * List NICs, newest first, or sorted
 */
export function listNics({ limit, cursor, sort, order, search, name, state, networkId, vpcId, serverId, address, securityGroupId }: {
    limit?: number;
    cursor?: string;
    sort?: "created_at" | "name" | "address" | "state";
    order?: "asc" | "desc";
    search?: string;
    name?: string;
    state?: "available" | "attaching" | "in_use" | "detaching";
    networkId?: string;
    vpcId?: string;
    serverId?: string;
    address?: string;
    securityGroupId?: string;
} = {}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 200;
        data: {
            items: Nic[];
            next_cursor: string | null;
        };
    } | {
        status: number;
        data: Problem;
    }>(`/v1/nics${QS.query(QS.explode({
        limit,
        cursor,
        sort,
        order,
        search,
        name,
        state,
        network_id: networkId,
        vpc_id: vpcId,
        server_id: serverId,
        address,
        security_group_id: securityGroupId
    }))}`, {
        ...opts
    }));
}
/**
 * Make up to 252 NICs, all or none; addresses go to the first of them
 */
export function createNics(body: {
    /** Id of a network */
    network_id: string;
    count: number;
    name?: string;
    addresses?: string[];
    /** False: without address. In a network that has addresses such a NIC may use the reserved ones, and it may get one of its own while it is available */
    addressed?: boolean;
    description?: string;
    /** Up to 50 names with values */
    tags?: {
        [key: string]: string;
    };
    /** Security groups: their rules count together */
    security_group_ids?: string[];
    anti_spoofing?: boolean;
    /** What it may send from besides its own addresses, as for a virtual address of two servers (VRRP) */
    allowed_address_pairs?: {
        /** Address or CIDR, of IPv4 or IPv6; 0.0.0.0/0 and ::/0 make the guest a router */
        address: string;
        /** Its own when absent; unicast, lower case with colons */
        mac?: string;
    }[];
    bandwidth?: {
        /** Mbit/s; null: not limited */
        in_mbps?: number | null;
        /** Mbit/s; null: not limited */
        out_mbps?: number | null;
    };
}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 201;
        data: {
            items: Nic[];
        };
    } | {
        status: number;
        data: Problem;
    }>("/v1/nics/batch", oazapfts.json({
        ...opts,
        method: "POST",
        body
    })));
}
/**
 * Read a NIC
 */
export function getNic(id: string, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 200;
        data: Nic;
    } | {
        status: number;
        data: Problem;
    }>(`/v1/nics/${encodeURIComponent(id)}`, {
        ...opts
    }));
}
/**
 * Change name, description or tags, or the address or network of an available NIC
 */
export function updateNic(id: string, body: {
    name?: string;
    /** Id of a network */
    network_id?: string;
    address?: string | null;
    description?: string;
    /** Up to 50 names with values */
    tags?: {
        [key: string]: string;
    };
}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 200;
        data: Nic;
    } | {
        status: number;
        data: Problem;
    }>(`/v1/nics/${encodeURIComponent(id)}`, oazapfts.json({
        ...opts,
        method: "PATCH",
        body
    })));
}
/**
 * Delete an available NIC
 */
export function deleteNic(id: string, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 204;
    } | {
        status: number;
        data: Problem;
    }>(`/v1/nics/${encodeURIComponent(id)}`, {
        ...opts,
        method: "DELETE"
    }));
}
/**
 * Plug a NIC into a server; into a stopped one it is plugged at start
 */
export function attachNic(id: string, body: {
    /** Id of a server */
    server_id: string;
    /** Slot on the server; 0 is the primary NIC’s */
    slot?: number;
}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 200;
        data: Job;
    } | {
        status: 202;
        data: Job;
    } | {
        status: number;
        data: Problem;
    }>(`/v1/nics/${encodeURIComponent(id)}/attach`, oazapfts.json({
        ...opts,
        method: "POST",
        body
    })));
}
/**
 * Take a NIC out of its server; force cuts the tap if the guest holds on to it
 */
export function detachNic(id: string, body: {
    /** Do not wait for the guest */
    force?: boolean;
}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 200;
        data: Job;
    } | {
        status: 202;
        data: Job;
    } | {
        status: number;
        data: Problem;
    }>(`/v1/nics/${encodeURIComponent(id)}/detach`, oazapfts.json({
        ...opts,
        method: "POST",
        body
    })));
}
/**
 * Put a NIC into these security groups, and out of all others
 */
export function setNicSecurityGroups(id: string, body: {
    /** Security groups: their rules count together */
    security_group_ids: string[];
}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 200;
        data: Job;
    } | {
        status: 202;
        data: Job;
    } | {
        status: number;
        data: Problem;
    }>(`/v1/nics/${encodeURIComponent(id)}/security-groups`, oazapfts.json({
        ...opts,
        method: "PUT",
        body
    })));
}
/**
 * Limit the bandwidth of a NIC, towards the guest (in) and from it (out)
 */
export function setNicBandwidth(id: string, body: {
    /** Mbit/s; null: not limited */
    in_mbps: number | null;
    /** Mbit/s; null: not limited */
    out_mbps: number | null;
}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 200;
        data: Job;
    } | {
        status: 202;
        data: Job;
    } | {
        status: number;
        data: Problem;
    }>(`/v1/nics/${encodeURIComponent(id)}/bandwidth`, oazapfts.json({
        ...opts,
        method: "PUT",
        body
    })));
}
/**
 * Turn anti-spoofing on or off; without allowed_address_pairs those stay as they are
 */
export function setNicAntiSpoofing(id: string, body: {
    enabled: boolean;
    /** What it may send from besides its own addresses, as for a virtual address of two servers (VRRP) */
    allowed_address_pairs?: {
        /** Address or CIDR, of IPv4 or IPv6; 0.0.0.0/0 and ::/0 make the guest a router */
        address: string;
        /** Its own when absent; unicast, lower case with colons */
        mac?: string;
    }[];
}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 200;
        data: Job;
    } | {
        status: 202;
        data: Job;
    } | {
        status: number;
        data: Problem;
    }>(`/v1/nics/${encodeURIComponent(id)}/anti-spoofing`, oazapfts.json({
        ...opts,
        method: "PUT",
        body
    })));
}
/**
 * Reserve up to 252 addresses of a network, all or none; the job names them in its resources
 */
export function reserveAddresses(body: {
    /** Id of a network */
    network_id: string;
    /** When left out, as many as addresses or range name, or one */
    count?: number;
    name?: string;
    description?: string;
    /** The first of them; the others are the lowest free ones */
    addresses?: string[];
    /** Where to take the lowest free ones; not with addresses */
    range?: {
        first: string;
        last: string;
    };
}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 200;
        data: Job;
    } | {
        status: 202;
        data: Job;
    } | {
        status: number;
        data: Problem;
    }>("/v1/reserved-addresses", oazapfts.json({
        ...opts,
        method: "POST",
        body
    })));
}
/**
 * List reserved addresses, newest first
 */
export function listReservedAddresses({ limit, cursor, search, networkId, name }: {
    limit?: number;
    cursor?: string;
    search?: string;
    networkId?: string;
    name?: string;
} = {}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 200;
        data: {
            items: ReservedAddress[];
            next_cursor: string | null;
        };
    } | {
        status: number;
        data: Problem;
    }>(`/v1/reserved-addresses${QS.query(QS.explode({
        limit,
        cursor,
        search,
        network_id: networkId,
        name
    }))}`, {
        ...opts
    }));
}
/**
 * Read a reserved address
 */
export function getReservedAddress(id: string, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 200;
        data: ReservedAddress;
    } | {
        status: number;
        data: Problem;
    }>(`/v1/reserved-addresses/${encodeURIComponent(id)}`, {
        ...opts
    }));
}
/**
 * Change name or description
 */
export function updateReservedAddress(id: string, body: {
    name?: string;
    description?: string;
}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 200;
        data: ReservedAddress;
    } | {
        status: number;
        data: Problem;
    }>(`/v1/reserved-addresses/${encodeURIComponent(id)}`, oazapfts.json({
        ...opts,
        method: "PATCH",
        body
    })));
}
/**
 * Give a reserved address back to its network; when the job is done no NIC may use it any more
 */
export function releaseAddress(id: string, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 200;
        data: Job;
    } | {
        status: 202;
        data: Job;
    } | {
        status: number;
        data: Problem;
    }>(`/v1/reserved-addresses/${encodeURIComponent(id)}`, {
        ...opts,
        method: "DELETE"
    }));
}
/**
 * Read the traffic of a NIC, oldest first: measured every five minutes while it is on a server
 */
export function getNicTraffic(id: string, { $from, to, stepSeconds }: {
    $from?: string;
    to?: string;
    stepSeconds?: 300 | 900 | 1800 | 3600 | 7200 | 86400;
} = {}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 200;
        data: {
            /** The mean of what was measured in each step; one in which nothing was is left out */
            items: {
                at: string;
                /** Towards the guest */
                in_bytes_per_second: number;
                out_bytes_per_second: number;
            }[];
        };
    } | {
        status: number;
        data: Problem;
    }>(`/v1/nics/${encodeURIComponent(id)}/traffic${QS.query(QS.explode({
        "from": $from,
        to,
        step_seconds: stepSeconds
    }))}`, {
        ...opts
    }));
}
/**
 * Read the traffic of several NICs, oldest first
 */
export function listNicTraffic(nicIds: string, { $from, to, stepSeconds }: {
    $from?: string;
    to?: string;
    stepSeconds?: 300 | 900 | 1800 | 3600 | 7200 | 86400;
} = {}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 200;
        data: {
            items: {
                /** Id of a NIC: its MAC, lower case with colons */
                nic_id: string;
                /** The mean of what was measured in each step; one in which nothing was is left out */
                points: {
                    at: string;
                    /** Towards the guest */
                    in_bytes_per_second: number;
                    out_bytes_per_second: number;
                }[];
            }[];
        };
    } | {
        status: number;
        data: Problem;
    }>(`/v1/traffic${QS.query(QS.explode({
        nic_ids: nicIds,
        "from": $from,
        to,
        step_seconds: stepSeconds
    }))}`, {
        ...opts
    }));
}
/**
 * Make a security group; without rules it has one that lets everything out
 */
export function createSecurityGroup(body: {
    name: string;
    description?: string;
    /** Up to 50 names with values */
    tags?: {
        [key: string]: string;
    };
    rules?: {
        /** all: of any kind, also without ports */
        protocol: "all" | "tcp" | "udp" | "icmp" | "icmpv6" | "gre" | "esp" | "ah" | "ipip";
        name?: string;
        /** in: towards the NIC; out: from it */
        direction?: "in" | "out";
        /** Of the rules that match, the one with the lowest counts; at the same, drop does */
        priority?: number;
        action?: "accept" | "drop";
        /** Destination port of tcp and udp; all when absent */
        port_first?: number | null;
        /** Included; port_first when absent */
        port_last?: number | null;
        /** Of icmp and icmpv6; all when absent */
        icmp_type?: number | null;
        /** Of that type; all when absent */
        icmp_code?: number | null;
        /** The other side, of IPv4 or IPv6; anyone when absent */
        remote_cidr?: string | null;
        /** The other side: NICs of a security group; not together with remote_cidr */
        remote_group_id?: string | null;
    }[];
}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 201;
        data: SecurityGroup;
    } | {
        status: number;
        data: Problem;
    }>("/v1/security-groups", oazapfts.json({
        ...opts,
        method: "POST",
        body
    })));
}
/**
 * List security groups, newest first
 */
export function listSecurityGroups({ limit, cursor, search, name }: {
    limit?: number;
    cursor?: string;
    search?: string;
    name?: string;
} = {}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 200;
        data: {
            items: SecurityGroup[];
            next_cursor: string | null;
        };
    } | {
        status: number;
        data: Problem;
    }>(`/v1/security-groups${QS.query(QS.explode({
        limit,
        cursor,
        search,
        name
    }))}`, {
        ...opts
    }));
}
/**
 * Read a security group
 */
export function getSecurityGroup(id: string, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 200;
        data: SecurityGroup;
    } | {
        status: number;
        data: Problem;
    }>(`/v1/security-groups/${encodeURIComponent(id)}`, {
        ...opts
    }));
}
/**
 * Change name, description or tags
 */
export function updateSecurityGroup(id: string, body: {
    name?: string;
    description?: string;
    /** Up to 50 names with values */
    tags?: {
        [key: string]: string;
    };
}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 200;
        data: SecurityGroup;
    } | {
        status: number;
        data: Problem;
    }>(`/v1/security-groups/${encodeURIComponent(id)}`, oazapfts.json({
        ...opts,
        method: "PATCH",
        body
    })));
}
/**
 * Delete a security group that has no NICs and that no other group’s rules name
 */
export function deleteSecurityGroup(id: string, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 204;
    } | {
        status: number;
        data: Problem;
    }>(`/v1/security-groups/${encodeURIComponent(id)}`, {
        ...opts,
        method: "DELETE"
    }));
}
/**
 * List the rules of a security group, newest first
 */
export function listSecurityGroupRules(id: string, { limit, cursor }: {
    limit?: number;
    cursor?: string;
} = {}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 200;
        data: {
            items: SecurityGroupRule[];
            next_cursor: string | null;
        };
    } | {
        status: number;
        data: Problem;
    }>(`/v1/security-groups/${encodeURIComponent(id)}/rules${QS.query(QS.explode({
        limit,
        cursor
    }))}`, {
        ...opts
    }));
}
/**
 * Add rules to a security group, all or none; the job names them in `resources`
 */
export function addSecurityGroupRules(id: string, body: {
    rules: {
        /** all: of any kind, also without ports */
        protocol: "all" | "tcp" | "udp" | "icmp" | "icmpv6" | "gre" | "esp" | "ah" | "ipip";
        name?: string;
        /** in: towards the NIC; out: from it */
        direction?: "in" | "out";
        /** Of the rules that match, the one with the lowest counts; at the same, drop does */
        priority?: number;
        action?: "accept" | "drop";
        /** Destination port of tcp and udp; all when absent */
        port_first?: number | null;
        /** Included; port_first when absent */
        port_last?: number | null;
        /** Of icmp and icmpv6; all when absent */
        icmp_type?: number | null;
        /** Of that type; all when absent */
        icmp_code?: number | null;
        /** The other side, of IPv4 or IPv6; anyone when absent */
        remote_cidr?: string | null;
        /** The other side: NICs of a security group; not together with remote_cidr */
        remote_group_id?: string | null;
    }[];
}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 200;
        data: Job;
    } | {
        status: 202;
        data: Job;
    } | {
        status: number;
        data: Problem;
    }>(`/v1/security-groups/${encodeURIComponent(id)}/rules`, oazapfts.json({
        ...opts,
        method: "POST",
        body
    })));
}
/**
 * Put these rules in the place of all that a security group has
 */
export function replaceSecurityGroupRules(id: string, body: {
    rules: {
        /** all: of any kind, also without ports */
        protocol: "all" | "tcp" | "udp" | "icmp" | "icmpv6" | "gre" | "esp" | "ah" | "ipip";
        name?: string;
        /** in: towards the NIC; out: from it */
        direction?: "in" | "out";
        /** Of the rules that match, the one with the lowest counts; at the same, drop does */
        priority?: number;
        action?: "accept" | "drop";
        /** Destination port of tcp and udp; all when absent */
        port_first?: number | null;
        /** Included; port_first when absent */
        port_last?: number | null;
        /** Of icmp and icmpv6; all when absent */
        icmp_type?: number | null;
        /** Of that type; all when absent */
        icmp_code?: number | null;
        /** The other side, of IPv4 or IPv6; anyone when absent */
        remote_cidr?: string | null;
        /** The other side: NICs of a security group; not together with remote_cidr */
        remote_group_id?: string | null;
    }[];
}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 200;
        data: Job;
    } | {
        status: 202;
        data: Job;
    } | {
        status: number;
        data: Problem;
    }>(`/v1/security-groups/${encodeURIComponent(id)}/rules`, oazapfts.json({
        ...opts,
        method: "PUT",
        body
    })));
}
/**
 * Read a rule
 */
export function getSecurityGroupRule(id: string, ruleId: string, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 200;
        data: SecurityGroupRule;
    } | {
        status: number;
        data: Problem;
    }>(`/v1/security-groups/${encodeURIComponent(id)}/rules/${encodeURIComponent(ruleId)}`, {
        ...opts
    }));
}
/**
 * Change a rule; what is left out stays, null takes a field out of it
 */
export function updateSecurityGroupRule(id: string, ruleId: string, body: {
    /** all: of any kind, also without ports */
    protocol?: "all" | "tcp" | "udp" | "icmp" | "icmpv6" | "gre" | "esp" | "ah" | "ipip";
    name?: string;
    /** in: towards the NIC; out: from it */
    direction?: "in" | "out";
    /** Of the rules that match, the one with the lowest counts; at the same, drop does */
    priority?: number;
    action?: "accept" | "drop";
    /** Destination port of tcp and udp; all when absent */
    port_first?: number | null;
    /** Included; port_first when absent */
    port_last?: number | null;
    /** Of icmp and icmpv6; all when absent */
    icmp_type?: number | null;
    /** Of that type; all when absent */
    icmp_code?: number | null;
    /** The other side, of IPv4 or IPv6; anyone when absent */
    remote_cidr?: string | null;
    /** The other side: NICs of a security group; not together with remote_cidr */
    remote_group_id?: string | null;
}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 200;
        data: Job;
    } | {
        status: 202;
        data: Job;
    } | {
        status: number;
        data: Problem;
    }>(`/v1/security-groups/${encodeURIComponent(id)}/rules/${encodeURIComponent(ruleId)}`, oazapfts.json({
        ...opts,
        method: "PATCH",
        body
    })));
}
/**
 * Delete a rule
 */
export function deleteSecurityGroupRule(id: string, ruleId: string, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 200;
        data: Job;
    } | {
        status: 202;
        data: Job;
    } | {
        status: number;
        data: Problem;
    }>(`/v1/security-groups/${encodeURIComponent(id)}/rules/${encodeURIComponent(ruleId)}`, {
        ...opts,
        method: "DELETE"
    }));
}
/**
 * Make and start a server, or adopt a running virtual machine by its QMP socket (admin)
 */
export function createServer(body: {
    name: string;
    guest: "qemu" | "namespace";
    /** Id of a network */
    network_id?: string;
    address?: string;
    /** Security groups: their rules count together */
    security_group_ids?: string[];
    vcpus?: number;
    memory_mb?: number;
    /** Id of a hypervisor */
    hypervisor_id?: string;
    /** Of the hypervisor, where none is named */
    zone_id?: string;
    qmp_socket?: string;
    qga_socket?: string;
    description?: string;
    /** Up to 50 names with values */
    tags?: {
        [key: string]: string;
    };
}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 200;
        data: Job;
    } | {
        status: 202;
        data: Job;
    } | {
        status: number;
        data: Problem;
    }>("/v1/servers", oazapfts.json({
        ...opts,
        method: "POST",
        body
    })));
}
/**
 * List servers, newest first; terminated ones only with state=terminated
 */
export function listServers({ limit, cursor, search, name, state, hypervisorId }: {
    limit?: number;
    cursor?: string;
    search?: string;
    name?: string;
    state?: "pending" | "starting" | "running" | "stopping" | "stopped" | "terminating" | "terminated";
    hypervisorId?: string;
} = {}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 200;
        data: {
            items: Server[];
            next_cursor: string | null;
        };
    } | {
        status: number;
        data: Problem;
    }>(`/v1/servers${QS.query(QS.explode({
        limit,
        cursor,
        search,
        name,
        state,
        hypervisor_id: hypervisorId
    }))}`, {
        ...opts
    }));
}
/**
 * Read a server
 */
export function getServer(id: string, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 200;
        data: Server;
    } | {
        status: number;
        data: Problem;
    }>(`/v1/servers/${encodeURIComponent(id)}`, {
        ...opts
    }));
}
/**
 * Change name, description or tags; of a stopped server also its size
 */
export function updateServer(id: string, body: {
    name?: string;
    description?: string;
    /** Up to 50 names with values */
    tags?: {
        [key: string]: string;
    };
    vcpus?: number;
    memory_mb?: number;
}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 200;
        data: Server;
    } | {
        status: number;
        data: Problem;
    }>(`/v1/servers/${encodeURIComponent(id)}`, oazapfts.json({
        ...opts,
        method: "PATCH",
        body
    })));
}
/**
 * Delete a server: NICs that it was made with or joined networks by go with it, the others become available
 */
export function deleteServer(id: string, body: {
    /** Do not wait for the guest */
    force?: boolean;
}, { force }: {
    force?: boolean;
} = {}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 200;
        data: Job;
    } | {
        status: 202;
        data: Job;
    } | {
        status: number;
        data: Problem;
    }>(`/v1/servers/${encodeURIComponent(id)}${QS.query(QS.explode({
        force
    }))}`, oazapfts.json({
        ...opts,
        method: "DELETE",
        body
    })));
}
/**
 * Start a stopped server with the NICs it has
 */
export function startServer(id: string, body: {
    /** Accepted for symmetry; a start has nobody to wait for */
    force?: boolean;
}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 200;
        data: Job;
    } | {
        status: 202;
        data: Job;
    } | {
        status: number;
        data: Problem;
    }>(`/v1/servers/${encodeURIComponent(id)}/start`, oazapfts.json({
        ...opts,
        method: "POST",
        body
    })));
}
/**
 * Stop a running server; its NICs stay on it. force cuts the power
 */
export function stopServer(id: string, body: {
    /** Do not wait for the guest */
    force?: boolean;
}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 200;
        data: Job;
    } | {
        status: 202;
        data: Job;
    } | {
        status: number;
        data: Problem;
    }>(`/v1/servers/${encodeURIComponent(id)}/stop`, oazapfts.json({
        ...opts,
        method: "POST",
        body
    })));
}
/**
 * Stop and start a running server; its NICs stay on it. force cuts the power
 */
export function restartServer(id: string, body: {
    /** Do not wait for the guest */
    force?: boolean;
}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 200;
        data: Job;
    } | {
        status: 202;
        data: Job;
    } | {
        status: number;
        data: Problem;
    }>(`/v1/servers/${encodeURIComponent(id)}/restart`, oazapfts.json({
        ...opts,
        method: "POST",
        body
    })));
}
/**
 * Replace the DHCP options that the NICs of a server get beside those of their network, or instead
 */
export function setServerDhcpOptions(id: string, body: {
    /** Option number → value; addresses of a list are separated by commas */
    options: {
        [key: string]: string;
    };
}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 200;
        data: Job;
    } | {
        status: 202;
        data: Job;
    } | {
        status: number;
        data: Problem;
    }>(`/v1/servers/${encodeURIComponent(id)}/dhcp-options`, oazapfts.json({
        ...opts,
        method: "PUT",
        body
    })));
}
/**
 * Join a server to a network: with a new NIC, its primary one if it has none yet
 */
export function joinServer(id: string, body: {
    /** Id of a network */
    network_id: string;
    address?: string;
    /** Security groups: their rules count together */
    security_group_ids?: string[];
}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 200;
        data: Job;
    } | {
        status: 202;
        data: Job;
    } | {
        status: number;
        data: Problem;
    }>(`/v1/servers/${encodeURIComponent(id)}/join`, oazapfts.json({
        ...opts,
        method: "POST",
        body
    })));
}
/**
 * Take a server out of a network: the NIC that it joined by is detached and deleted
 */
export function leaveServer(id: string, body: {
    /** Id of a network */
    network_id: string;
    /** Do not wait for the guest */
    force?: boolean;
}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 200;
        data: Job;
    } | {
        status: 202;
        data: Job;
    } | {
        status: number;
        data: Problem;
    }>(`/v1/servers/${encodeURIComponent(id)}/leave`, oazapfts.json({
        ...opts,
        method: "POST",
        body
    })));
}
/**
 * Plug up to 63 NICs into a server as one job, all or none
 */
export function attachNics(id: string, body: {
    nic_ids: string[];
}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 200;
        data: Job;
    } | {
        status: 202;
        data: Job;
    } | {
        status: number;
        data: Problem;
    }>(`/v1/servers/${encodeURIComponent(id)}/attach-nics`, oazapfts.json({
        ...opts,
        method: "POST",
        body
    })));
}
/**
 * Take up to 63 NICs out of a server as one job, all or none
 */
export function detachNics(id: string, body: {
    nic_ids: string[];
    /** Do not wait for the guest */
    force?: boolean;
}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 200;
        data: Job;
    } | {
        status: 202;
        data: Job;
    } | {
        status: number;
        data: Problem;
    }>(`/v1/servers/${encodeURIComponent(id)}/detach-nics`, oazapfts.json({
        ...opts,
        method: "POST",
        body
    })));
}
/**
 * List jobs, newest first
 */
export function listJobs({ limit, cursor, state, action, serverId, nicId, resourceId, parentId }: {
    limit?: number;
    cursor?: string;
    state?: "pending" | "working" | "successful" | "failed";
    action?: "server.create" | "server.start" | "server.stop" | "server.restart" | "server.delete" | "nic.attach" | "nic.detach" | "network.apply";
    serverId?: string;
    nicId?: string;
    resourceId?: string;
    parentId?: string;
} = {}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 200;
        data: {
            items: Job[];
            next_cursor: string | null;
        };
    } | {
        status: number;
        data: Problem;
    }>(`/v1/jobs${QS.query(QS.explode({
        limit,
        cursor,
        state,
        action,
        server_id: serverId,
        nic_id: nicId,
        resource_id: resourceId,
        parent_id: parentId
    }))}`, {
        ...opts
    }));
}
/**
 * Read a job: state, steps with times and errors, attempts
 */
export function getJob(id: string, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 200;
        data: Job;
    } | {
        status: number;
        data: Problem;
    }>(`/v1/jobs/${encodeURIComponent(id)}`, {
        ...opts
    }));
}
/**
 * List hypervisors, newest first
 */
export function listHypervisors({ limit, cursor }: {
    limit?: number;
    cursor?: string;
} = {}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 200;
        data: {
            items: Hypervisor[];
            next_cursor: string | null;
        };
    } | {
        status: number;
        data: Problem;
    }>(`/v1/hypervisors${QS.query(QS.explode({
        limit,
        cursor
    }))}`, {
        ...opts
    }));
}
/**
 * Register a hypervisor, or give a known one a new token; the token is shown once (admin)
 */
export function registerHypervisor(body: {
    /** Id of a hypervisor */
    id: string;
    /** Id of a hypervisor */
    zone_id: string;
}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 201;
        data: {
            /** Id of a hypervisor */
            id: string;
            zone_id: string;
            token: string;
        };
    } | {
        status: number;
        data: Problem;
    }>("/v1/hypervisors", oazapfts.json({
        ...opts,
        method: "POST",
        body
    })));
}
/**
 * Read a hypervisor
 */
export function getHypervisor(id: string, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 200;
        data: Hypervisor;
    } | {
        status: number;
        data: Problem;
    }>(`/v1/hypervisors/${encodeURIComponent(id)}`, {
        ...opts
    }));
}
/**
 * List events, newest first; with Accept: text/event-stream a stream that resumes at Last-Event-ID
 */
export function listEvents({ limit, cursor, resourceType, resourceId, $type, address, serverId, lastEventId }: {
    limit?: number;
    cursor?: string;
    resourceType?: "vpc" | "network" | "nic" | "server" | "security_group" | "elastic_ip_pool" | "elastic_ip" | "port_forwarding" | "vpc_static" | "reserved_address" | "tag" | "key_pair" | "job" | "access_key" | "project";
    resourceId?: string;
    $type?: string;
    address?: string;
    serverId?: string;
    lastEventId?: string;
} = {}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 200;
        data: {
            items: Event[];
            next_cursor: string | null;
        };
    } | {
        status: number;
        data: Problem;
    }>(`/v1/events${QS.query(QS.explode({
        limit,
        cursor,
        resource_type: resourceType,
        resource_id: resourceId,
        "type": $type,
        address,
        server_id: serverId
    }))}`, {
        ...opts,
        headers: oazapfts.mergeHeaders(opts?.headers, {
            "last-event-id": lastEventId
        })
    }));
}
/**
 * Make a project (admin)
 */
export function createProject(body: {
    name: string;
}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 201;
        data: Project;
    } | {
        status: number;
        data: Problem;
    }>("/v1/projects", oazapfts.json({
        ...opts,
        method: "POST",
        body
    })));
}
/**
 * List projects, newest first (admin)
 */
export function listProjects({ limit, cursor }: {
    limit?: number;
    cursor?: string;
} = {}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 200;
        data: {
            items: Project[];
            next_cursor: string | null;
        };
    } | {
        status: number;
        data: Problem;
    }>(`/v1/projects${QS.query(QS.explode({
        limit,
        cursor
    }))}`, {
        ...opts
    }));
}
/**
 * Read a project (admin)
 */
export function getProject(id: string, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 200;
        data: Project;
    } | {
        status: number;
        data: Problem;
    }>(`/v1/projects/${encodeURIComponent(id)}`, {
        ...opts
    }));
}
/**
 * Delete a project without resources, and its access keys (admin)
 */
export function deleteProject(id: string, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 204;
    } | {
        status: number;
        data: Problem;
    }>(`/v1/projects/${encodeURIComponent(id)}`, {
        ...opts,
        method: "DELETE"
    }));
}
/**
 * Make an access key; secret and token are shown once (admin)
 */
export function createAccessKey(body: {
    role: "reader" | "operator" | "admin";
    name?: string;
    /** Id of a project */
    project_id?: string;
}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 201;
        data: NewAccessKey;
    } | {
        status: number;
        data: Problem;
    }>("/v1/access-keys", oazapfts.json({
        ...opts,
        method: "POST",
        body
    })));
}
/**
 * List access keys, newest first (admin)
 */
export function listAccessKeys({ limit, cursor, projectId }: {
    limit?: number;
    cursor?: string;
    projectId?: string;
} = {}, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 200;
        data: {
            items: AccessKey[];
            next_cursor: string | null;
        };
    } | {
        status: number;
        data: Problem;
    }>(`/v1/access-keys${QS.query(QS.explode({
        limit,
        cursor,
        project_id: projectId
    }))}`, {
        ...opts
    }));
}
/**
 * Read an access key, without its secret (admin)
 */
export function getAccessKey(id: string, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 200;
        data: AccessKey;
    } | {
        status: number;
        data: Problem;
    }>(`/v1/access-keys/${encodeURIComponent(id)}`, {
        ...opts
    }));
}
/**
 * Delete an access key (admin)
 */
export function deleteAccessKey(id: string, opts?: Oazapfts.RequestOpts) {
    return oazapfts.ok(oazapfts.fetchJson<{
        status: 204;
    } | {
        status: number;
        data: Problem;
    }>(`/v1/access-keys/${encodeURIComponent(id)}`, {
        ...opts,
        method: "DELETE"
    }));
}
