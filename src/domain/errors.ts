/**
 * Every refusal that a caller can act on, in one table: it feeds the HTTP status, the problem body, the OpenAPI document
 * and `docs/http-status.md`.
 */
export const PROBLEMS = {
  invalid_request: { status: 400, title: 'The request does not match the schema' },
  invalid_json: { status: 400, title: 'The body is not valid JSON' },
  invalid_cursor: { status: 400, title: 'The cursor was not given out by this collection' },
  cidr_invalid: { status: 400, title: 'The CIDR is not one of those that are allowed here' },
  cidr_outside_vpc: { status: 400, title: 'The CIDR lies outside the VPC' },
  cidr_reserved: { status: 400, title: 'The last /24 of a VPC is reserved, and so is one of .0 and .254' },
  address_out_of_range: { status: 400, title: 'The address is outside the range to take one from' },
  pool_range_invalid: { status: 400, title: 'The addresses of the elastic IP pool do not fit together' },
  interface_unknown: { status: 400, title: 'No hypervisor has the interface' },
  rule_invalid: { status: 400, title: 'The fields of the rule do not fit together' },
  slot_out_of_range: { status: 400, title: 'The slot is outside 1-63' },
  vpc_static_invalid: { status: 400, title: 'The values of the static do not go with its type' },
  adoption_needs_qemu: { status: 400, title: 'Only a QEMU machine can be adopted' },
  adoption_needs_qmp: { status: 400, title: 'An adoption needs its QMP socket and its hypervisor, and no network' },
  unauthorized: { status: 401, title: 'Credentials are missing or not valid' },
  request_expired: { status: 401, title: 'The time stamp of the signature is too far from now' },
  forbidden: { status: 403, title: 'This key, or the page that asks, may not do this' },
  not_found: { status: 404, title: 'There is no such resource' },
  project_not_found: { status: 404, title: 'There is no such project' },
  address_in_use: { status: 409, title: 'The address is already used' },
  address_not_of_server: { status: 409, title: 'The server has no NIC with this address' },
  already_adopted: { status: 409, title: 'The machine behind this QMP socket is a server already' },
  cidr_overlaps: { status: 409, title: 'Another network of the VPC, or what else is on the interface, overlaps' },
  elastic_ip_in_use: { status: 409, title: 'The elastic IP is associated, or a hypervisor may still have it' },
  elastic_ip_pool_full: { status: 409, title: 'All addresses of the elastic IP pool are in use' },
  elastic_ip_pool_in_use: { status: 409, title: 'The elastic IP pool still has elastic IPs' },
  elastic_ip_pool_overlaps: { status: 409, title: 'The elastic IP pool overlaps another, a network, or the VPC' },
  interface_missing: { status: 409, title: 'The hypervisor does not have the interface' },
  job_stale: { status: 409, title: 'The job is final, or a later attempt has taken it over' },
  key_pair_in_use: { status: 409, title: 'The key pair is on a server' },
  last_admin_key: { status: 409, title: 'The last admin key cannot be deleted' },
  name_in_use: { status: 409, title: 'The name is taken' },
  network_changed: { status: 409, title: 'The network changed meanwhile; try again' },
  network_full: { status: 409, title: 'All addresses of the network are in use, or it has 252 NICs' },
  network_in_use: { status: 409, title: 'The network still has NICs or reserved addresses' },
  network_joined_already: { status: 409, title: 'The network is joined to a VPC already' },
  network_not_joined: { status: 409, title: 'The network has no addresses: join it to a VPC first' },
  network_not_routed: { status: 409, title: 'Only a routed network has a VPC and IPv6' },
  network_unmanaged: { status: 409, title: 'An unmanaged network has no VPC and no addresses' },
  nic_busy: { status: 409, title: 'The NIC is being attached or detached' },
  nic_has_elastic_ip: { status: 409, title: 'The NIC has an elastic IP already' },
  nic_in_use: { status: 409, title: 'The NIC is on a server' },
  nic_joined: { status: 409, title: 'The NIC came with joining a network, and leaves with it' },
  nic_not_in_use: { status: 409, title: 'The NIC is not on this server' },
  nic_not_routed: { status: 409, title: 'The NIC is in a network without VPC' },
  nic_primary: { status: 409, title: 'A primary NIC is not detached by itself' },
  nic_unaddressed: { status: 409, title: 'The NIC has no address' },
  port_in_use: { status: 409, title: 'The port is forwarded already' },
  security_group_default: { status: 409, title: 'The default group of a project cannot be deleted' },
  security_group_full: { status: 409, title: 'The security group has as many rules as it can' },
  security_group_in_use: {
    status: 409,
    title: 'The security group has NICs or VPCs, or rules of other groups name it',
  },
  server_adopted: { status: 409, title: 'An adopted machine is started and stopped by its owner' },
  server_busy: { status: 409, title: 'The server is changing state' },
  server_joined_already: { status: 409, title: 'The server is in a managed network already' },
  server_not_joined: { status: 409, title: 'The server is not in this network' },
  server_not_running: { status: 409, title: 'The server must be running' },
  server_not_stopped: { status: 409, title: 'The server must be stopped first' },
  server_full: { status: 409, title: 'All NIC slots of the server are in use' },
  server_terminated: { status: 409, title: 'The server is terminated' },
  slot_in_use: { status: 409, title: 'The slot is taken' },
  vpc_has_elastic_ip: { status: 409, title: 'The VPC has an elastic IP already' },
  vpc_static_exists: { status: 409, title: 'The server has such a static already' },
  vpc_in_use: { status: 409, title: 'Something is left in the VPC, or it is deleted' },
  project_in_use: { status: 409, title: 'The project still has resources' },
  precondition_failed: { status: 412, title: 'The resource has changed since you read it' },
  body_too_large: { status: 413, title: 'The body is over 1 MiB' },
  unsupported_media_type: { status: 415, title: 'The body must be application/json' },
  idempotency_key_reused: { status: 422, title: 'The Idempotency-Key was used for another request' },
  too_many_requests: { status: 429, title: 'Too many requests from this address' },
  internal: { status: 500, title: 'Something went wrong on our side' },
  no_hypervisor: { status: 503, title: 'No hypervisor is up to take the server' },
  unavailable: { status: 503, title: 'A part of the service is not ready' },
} as const satisfies Record<string, { status: number; title: string }>

export type ProblemCode = keyof typeof PROBLEMS

/** One offending place of a request. */
export interface FieldError {
  readonly in: 'body' | 'query' | 'path' | 'header'
  /** JSON pointer (RFC 6901) into that part, for example `/nic_ids/3`; empty for the whole of it. */
  readonly pointer: string
  readonly detail: string
}

/** A refusal that a caller can act on. `message` and `errors` reach the caller; `cause` only reaches the log. */
export class DomainError extends Error {
  override readonly name = 'DomainError'
  readonly code: ProblemCode
  readonly errors: readonly FieldError[]

  constructor(code: ProblemCode, message: string, options: ErrorOptions & { errors?: readonly FieldError[] } = {}) {
    super(message, options)
    this.code = code
    this.errors = options.errors ?? []
  }
}

/** A refusal that blames one field of the body. */
export const bodyError = (code: ProblemCode, pointer: string, message: string, cause?: unknown): DomainError =>
  new DomainError(code, message, { cause, errors: [{ in: 'body', pointer, detail: message }] })

/** The refusal for what is not there, or not the caller's: the two must look alike. */
export const notFound = (what: string, id: string): DomainError =>
  new DomainError('not_found', `${what} ${id} not found`)
