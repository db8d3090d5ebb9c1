import pg from 'pg'
import { DomainError, PROBLEMS, type ProblemCode } from '../domain/errors.ts'

/** Which refusal a constraint stands for. A constraint that is not here can only be broken by a bug: a 500. */
export const REFUSED_BY: Readonly<Record<string, ProblemCode>> = {
  access_key_project_fk: 'project_not_found',
  job_project_id_fkey: 'project_in_use',
  job_server_live_key: 'server_busy',
  network_cidr_in_vpc: 'cidr_outside_vpc',
  network_cidr_of_254: 'cidr_reserved',
  network_cidr_slash_24: 'cidr_invalid',
  network_joined: 'network_not_joined',
  network_project_id_fkey: 'project_in_use',
  network_ports_exhausted: 'network_full',
  network_unmanaged_without_vpc: 'network_unmanaged',
  network_vpc_cidr_excl: 'cidr_overlaps',
  network_vpc_fk: 'vpc_in_use',
  nic_address_in_range: 'address_out_of_range',
  nic_address_needs_cidr: 'network_unmanaged',
  nic_network_address_key: 'address_in_use',
  nic_network_cidr_fk: 'network_in_use',
  nic_network_fk: 'network_in_use',
  nic_network_port_key: 'address_in_use',
  nic_primary_is_slot_0: 'nic_primary',
  nic_server_slot_key: 'slot_in_use',
  nic_slot_range: 'slot_out_of_range',
  project_name_key: 'name_in_use',
  server_adopted_is_qemu: 'adoption_needs_qemu',
  server_project_id_fkey: 'project_in_use',
  server_qga_with_qmp: 'adoption_needs_qmp',
  server_qmp_socket_key: 'already_adopted',
  vpc_cidr_private: 'cidr_invalid',
  vpc_project_id_fkey: 'project_in_use',
}

/** Constraint that PostgreSQL named in a refusal, bare or wrapped by Drizzle. */
export function refusedConstraint(error: unknown): { constraint: string; message: string } | undefined {
  const cause = error instanceof Error && error.cause instanceof pg.DatabaseError ? error.cause : error
  if (!(cause instanceof pg.DatabaseError) || !cause.constraint) return undefined
  return { constraint: cause.constraint, message: cause.message }
}

/** Turns a refused constraint into the refusal it stands for; anything else is a bug and passes through. */
export function translateRefusal(error: unknown): unknown {
  if (error instanceof DomainError) return error // said already, and better: with the field and the use
  const code = REFUSED_BY[refusedConstraint(error)?.constraint ?? '']
  return code ? new DomainError(code, PROBLEMS[code].title, { cause: error }) : error
}
