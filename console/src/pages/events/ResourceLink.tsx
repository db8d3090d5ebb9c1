import { useQuery } from '@tanstack/react-query'
import { Link } from 'react-router'
import {
  elasticIpsQuery,
  networksQuery,
  securityGroupsQuery,
  serversQuery,
  vpcsQuery,
  type wholeList,
} from '../../api/queries.ts'

/** Where a resource is seen, by its type; what is not here has no view of its own. */
const PATHS: Readonly<Record<string, (id: string) => string>> = {
  nic: (id) => `/nics/${id}`,
  server: (id) => `/servers/${id}`,
  network: (id) => `/networks/${id}`,
  vpc: (id) => `/vpcs/${id}`,
  security_group: (id) => `/security-groups/${id}`,
  job: (id) => `/jobs/${id}`,
  elastic_ip: (id) => `/elastic-ips?search=${id}`,
  reserved_address: (id) => `/reserved-addresses?search=${id}`,
  hypervisor: () => '/hypervisors',
  access_key: () => '/access-keys',
  project: () => '/projects',
}

/** A resource by its name, or its id where it has none or is gone; a link where it has a view. */
export function ResourceLink({ type, id }: { type: string; id: string }) {
  const path = PATHS[type]?.(id)
  const words = <Words type={type} id={id} />
  return path === undefined ? words : <Link to={path}>{words}</Link>
}

/** Names are read with the lists that the other views read, and only those of types that are shown. */
function Words({ type, id }: { type: string; id: string }) {
  switch (type) {
    case 'server':
      return <Name list={serversQuery()} id={id} />
    case 'network':
      return <Name list={networksQuery()} id={id} />
    case 'vpc':
      return <Name list={vpcsQuery()} id={id} />
    case 'security_group':
      return <Name list={securityGroupsQuery()} id={id} />
    case 'elastic_ip':
      return <Name list={elasticIpsQuery()} id={id} />
    default:
      return <code>{id}</code>
  }
}

interface Named {
  readonly id: string
  readonly name: string | null
  readonly address?: string
}
function Name<T extends Named>({ list, id }: { list: ReturnType<typeof wholeList<T>>; id: string }) {
  const { data } = useQuery({ ...list, select: ({ items }) => items.find((item) => item.id === id) })
  const name = data?.address ?? data?.name
  return name ? <span title={id}>{name}</span> : <code>{id}</code>
}
