import pg from 'pg'
import { DomainError, PROBLEMS, type ProblemCode } from '../domain/errors.ts'

/** Which refusal a constraint stands for. A constraint that is not here can only be broken by a bug: a 500. */
export const REFUSED_BY: Readonly<Record<string, ProblemCode>> = {
  access_key_project_fk: 'project_not_found',
  elastic_ip_address_key: 'address_in_use',
  elastic_ip_nic_key: 'nic_has_elastic_ip',
  elastic_ip_pool_cidr_excl: 'elastic_ip_pool_overlaps',
  elastic_ip_pool_fk: 'elastic_ip_pool_in_use',
  elastic_ip_pool_gateway: 'pool_range_invalid',
  elastic_ip_pool_gateway_free: 'elastic_ip_pool_overlaps',
  elastic_ip_pool_name_key: 'name_in_use',
  elastic_ip_pool_range: 'pool_range_invalid',
  elastic_ip_pool_range_free: 'elastic_ip_pool_overlaps',
  elastic_ip_pool_size: 'cidr_invalid',
  elastic_ip_pool_unicast: 'cidr_invalid',
  elastic_ip_project_id_fkey: 'project_in_use',
  elastic_ip_vpc_fk: 'vpc_in_use',
  elastic_ip_vpc_key: 'vpc_has_elastic_ip',
  ip_set_project_id_fkey: 'project_in_use',
  job_project_id_fkey: 'project_in_use',
  job_server_live_key: 'server_busy',
  key_pair_project_id_fkey: 'project_in_use',
  key_pair_server_key_pair_fk: 'key_pair_in_use',
  network_cidr_in_vpc: 'cidr_outside_vpc',
  network_cidr_of_254: 'cidr_reserved',
  network_cidr_of_mode: 'cidr_invalid',
  network_cidr_slash_24: 'cidr_invalid',
  network_gateway_free: 'cidr_overlaps',
  network_ipv6_excl: 'cidr_overlaps',
  network_ipv6_slash_64: 'cidr_invalid',
  network_ipv6_unicast: 'cidr_invalid',
  network_joined: 'network_not_joined',
  network_nics_limit: 'network_full',
  network_project_id_fkey: 'project_in_use',
  network_ports_exhausted: 'network_full',
  network_range_free: 'cidr_overlaps',
  network_vpc_cidr_excl: 'cidr_overlaps',
  network_vpc_place_key: 'cidr_reserved',
  network_vpc_fk: 'vpc_in_use',
  nic_address_in_range: 'address_out_of_range',
  nic_address_needs_cidr: 'network_unmanaged',
  nic_network_address_key: 'address_in_use',
  nic_network_cidr_fk: 'network_in_use',
  nic_network_fk: 'network_in_use',
  nic_network_port_key: 'address_in_use',
  nic_primary_is_slot_0: 'nic_primary',
  nic_security_group_group_fk: 'security_group_in_use',
  nic_server_joined_key: 'server_joined_already',
  nic_server_slot_key: 'slot_in_use',
  nic_slot_range: 'slot_out_of_range',
  port_forwarding_address_in_vpc: 'address_out_of_range',
  port_forwarding_address_of_host: 'address_out_of_range',
  port_forwarding_port_key: 'port_in_use',
  port_forwarding_vpc_fk: 'vpc_in_use',
  project_name_key: 'name_in_use',
  reserved_address_network_cidr_fk: 'network_in_use',
  reserved_address_network_fk: 'network_in_use',
  reserved_address_port_key: 'address_in_use',
  security_group_project_id_fkey: 'project_in_use',
  security_group_rule_remote_fk: 'security_group_in_use',
  security_group_rules_limit: 'security_group_full',
  server_adopted_is_qemu: 'adoption_needs_qemu',
  server_project_id_fkey: 'project_in_use',
  server_qga_with_qmp: 'adoption_needs_qmp',
  server_qmp_socket_key: 'already_adopted',
  session_access_key_fk: 'unauthorized',
  tag_project_id_fkey: 'project_in_use',
  user_data_project_id_fkey: 'project_in_use',
  user_data_size: 'body_too_large',
  vpc_cidr_private: 'cidr_invalid',
  vpc_project_id_fkey: 'project_in_use',
  vpc_security_group_fk: 'security_group_in_use',
  vpc_static_network_fk: 'not_found',
  vpc_static_vpc_fk: 'vpc_in_use',
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
