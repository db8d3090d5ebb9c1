import { useQuery } from '@tanstack/react-query'
import { Link } from 'react-router'
import type { ElasticIp } from '../../api/client.ts'
import { nicQuery, vpcQuery } from '../../api/queries.ts'
import { elasticIps as words } from '../../text/elastic-ips.ts'
import { useText } from '../../text/language.tsx'

type Held = Pick<ElasticIp, 'nic_id' | 'vpc_id'>

/** Names of who has an elastic IP. Only those in sight are read: there may be thousands of NICs. */
function useNames({ nic_id, vpc_id }: Held) {
  const { data: nic } = useQuery({ ...nicQuery(nic_id ?? ''), enabled: nic_id !== null })
  const { data: vpc } = useQuery({ ...vpcQuery(vpc_id ?? ''), enabled: vpc_id !== null })
  // Cards that were made together have the same name.
  const called = [nic?.name, nic?.address].filter(Boolean).join(' ')
  return { nic: called || nic_id, vpc: vpc?.name ?? vpc_id }
}

/** Who has an elastic IP, as a link. */
export function Holder(held: Held) {
  const t = useText()
  const { nic, vpc } = useNames(held)
  if (held.nic_id !== null) return <Link to={`/nics/${held.nic_id}`}>{t(words.nicNamed, { name: nic ?? '' })}</Link>
  if (held.vpc_id !== null) return <Link to={`/vpcs/${held.vpc_id}`}>{t(words.vpcNamed, { name: vpc ?? '' })}</Link>
  return <span className="soft">–</span>
}

/** Who has an elastic IP, within a sentence. */
export function useHolder(held: Held): string | undefined {
  const t = useText()
  const { nic, vpc } = useNames(held)
  if (held.nic_id !== null) return t(words.nicNamed, { name: nic ?? '' })
  return held.vpc_id === null ? undefined : t(words.vpcNamed, { name: vpc ?? '' })
}
