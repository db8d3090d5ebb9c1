/**
 * What passes between the control plane and a hypervisor worker: the work order that a worker claims, the report it
 * gives back, and the desired state it repairs towards. The worker trusts nothing it remembers: it claims every job
 * and pulls the desired state afresh, so a doubled or stale queue message can do no harm.
 */
import { type Static, Type } from 'typebox'

export const GUEST_KINDS = ['qemu', 'namespace'] as const

const Nullable = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) => Type.Union([schema, Type.Null()])

/** A network as a worker needs it. */
export const OrderNetwork = Type.Object({
  id: Type.String(),
  vni: Type.Integer(),
  mtu: Type.Integer(),
  vpc_id: Nullable(Type.String()),
  cidr: Nullable(Type.String()),
  gateway: Nullable(Type.String()),
})
export type OrderNetwork = Static<typeof OrderNetwork>

/** A NIC as a worker needs it. `in_job`: the claimed job moves it; in a desired state: some job owns it, hands off. */
export const OrderNic = Type.Object({
  id: Type.String(),
  slot: Type.Integer(),
  network_id: Type.String(),
  address: Nullable(Type.String()),
  state: Type.String(),
  in_job: Type.Boolean(),
})
export type OrderNic = Static<typeof OrderNic>

/** A server with its NICs as a worker needs it. */
export const OrderServer = Type.Object({
  id: Type.String(),
  guest: Type.Union(GUEST_KINDS.map((kind) => Type.Literal(kind))),
  state: Type.String(),
  vcpus: Type.Integer(),
  memory_mb: Type.Integer(),
  qmp_socket: Nullable(Type.String()),
  qga_socket: Nullable(Type.String()),
  nics: Type.Array(OrderNic),
})
export type OrderServer = Static<typeof OrderServer>
