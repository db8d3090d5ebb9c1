import { useQuery } from '@tanstack/react-query'
import type { ElasticIp, ElasticIpPool, Nic } from '../../api/client.ts'
import { elasticIpsQuery, networksQuery, nicsQuery, serversQuery, useById, vpcsQuery } from '../../api/queries.ts'
import { common } from '../../text/common.ts'
import { elasticIps as words } from '../../text/elastic-ips.ts'
import { useText } from '../../text/language.tsx'
import type { Option } from '../../ui/fields.tsx'
import { ipv4Number } from '../networks/ranges.ts'
import { overlaps } from './pools.ts'

/** The networks whose NICs can have an elastic IP of a pool, and why not those of the others. */
export function useNetworkTargets(pool: ElasticIpPool | undefined): readonly Option[] {
  const t = useText()
  const { data } = useQuery(networksQuery())
  const vpcs = useById(vpcsQuery())
  return (data?.items ?? []).map(({ id, name, cidr, vpc_id }) => {
    const vpc = vpc_id === null ? undefined : vpcs.get(vpc_id)
    return {
      id,
      label: name,
      hint: [cidr, vpc?.name].filter(Boolean).join(' · '),
      why: vpc_id === null ? t(words.notRouted) : pool && vpc && whyApart(pool, vpc.cidr, t),
    }
  })
}

/** The NICs of a network. */
export function useNicTargets(networkId: string | undefined, of: ElasticIp): readonly Option[] {
  const t = useText()
  const { data } = useQuery({ ...nicsQuery({ networkId }), enabled: networkId !== undefined })
  const servers = useById(serversQuery())
  return byAddress(data?.items ?? []).map(({ id, name, address, server_id, elastic_ip }) => ({
    id,
    label: `${name || t(common.unnamed)} ${address ?? id}`,
    hint:
      server_id === null
        ? t(words.onNoServer)
        : t(words.onServer, { server: servers.get(server_id)?.name ?? server_id }),
    why:
      address === null
        ? t(words.noAddress)
        : elastic_ip === null
          ? undefined
          : elastic_ip.id === of.id
            ? t(words.hasThisOne)
            : t(words.hasOne, { address: elastic_ip.address }),
  }))
}

/** Those without an address last. */
const byAddress = (nics: readonly Nic[]): readonly Nic[] => {
  const place = ({ address }: Nic) => (address === null ? undefined : ipv4Number(address)) ?? Number.MAX_SAFE_INTEGER
  return [...nics].sort((a, b) => place(a) - place(b))
}

/** The VPCs that can have an elastic IP of a pool, and why not the others. */
export function useVpcTargets(pool: ElasticIpPool | undefined, of: ElasticIp): readonly Option[] {
  const t = useText()
  const { data } = useQuery(vpcsQuery())
  const { data: others } = useQuery(elasticIpsQuery())
  return (data?.items ?? [])
    .filter(({ deleted_at }) => deleted_at === null)
    .map(({ id, name, cidr, source_nat, routing }) => {
      const has = others?.items.find(({ vpc_id }) => vpc_id === id)
      const isOurs = has?.id === of.id
      return {
        id,
        label: name,
        hint: [
          cidr,
          t(source_nat ? words.sourceNatOn : words.sourceNatOff),
          ...(routing ? [] : [t(words.routingOff)]),
        ].join(' · '),
        why: has
          ? t(isOurs ? words.hasThisOne : words.hasOne, { address: has.address })
          : pool && whyApart(pool, cidr, t),
      }
    })
}

const whyApart = (pool: ElasticIpPool, cidr: string, t: ReturnType<typeof useText>): string | undefined =>
  overlaps(pool.cidr, cidr) ? t(words.overlaps, { cidr: pool.cidr }) : undefined

/** What was picked, or the only one that there is to pick. */
export function pickedOf(options: readonly Option[], picked: string | undefined): string | undefined {
  if (picked !== undefined && options.some(({ id }) => id === picked)) return picked
  const usable = options.filter(({ why }) => why === undefined)
  return usable.length === 1 ? usable[0]?.id : undefined
}
