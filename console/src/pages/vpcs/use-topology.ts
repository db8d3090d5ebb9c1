import { useQuery } from '@tanstack/react-query'
import { useMemo, useState } from 'react'
import type { Network, Nic, Server, Vpc } from '../../api/client.ts'
import { elasticIpsQuery, networksQuery, nicsQuery, serversQuery, useById } from '../../api/queries.ts'
import { layoutTopology, type PlacedNode } from './layout.ts'

/** With more cards than this, networks are closed at first: each card is a dot of its network. */
const MOST_CARDS = 120
const MOST_CARDS_OF_ONE = 40
/** What is found opens the networks it is in, unless it is in too many. */
const MOST_OPENED = 8

/** What is in a VPC, where it is drawn, and what of it was looked for. `undefined` while it is being read. */
export function useTopology(vpc: Vpc, search: string) {
  const { data: networks } = useQuery(networksQuery({ vpcId: vpc.id }))
  const { data: nics } = useQuery(nicsQuery({ vpcId: vpc.id }))
  const { data: elasticIps } = useQuery(elasticIpsQuery({ vpcId: vpc.id }))
  const servers = useById(serversQuery())
  const [chosen, choose] = useState<ReadonlyMap<string, boolean>>(new Map())

  const found = useMemo(
    () => find(search, networks?.items ?? [], nics?.items ?? [], servers),
    [search, networks, nics, servers],
  )
  const view = useMemo(() => {
    if (!networks || !nics) return
    const isMuch = nics.items.length > MOST_CARDS
    const toOpen = new Set(nics.items.filter(({ id }) => found?.nics.has(id)).map(({ network_id }) => network_id))
    const isOpen = ({ id }: Network, cards: readonly Nic[]) =>
      chosen.get(id) ??
      ((toOpen.size <= MOST_OPENED && toOpen.has(id)) || (!isMuch && cards.length <= MOST_CARDS_OF_ONE))
    return layoutTopology({
      vpc,
      networks: networks.items,
      nics: nics.items,
      servers,
      elasticIp: elasticIps?.items[0],
      isOpen,
    })
  }, [vpc, networks, nics, servers, elasticIps, chosen, found])
  return {
    view,
    found,
    servers,
    toggle: (id: string, isOpen: boolean) => choose((now) => new Map(now).set(id, isOpen)),
    setAll: (isOpen: boolean) => choose(new Map(networks?.items.map(({ id }) => [id, isOpen]))),
  }
}

/** What was looked for and found: cards, and networks by their own name. */
export interface Found {
  readonly nics: ReadonlySet<string>
  readonly networks: ReadonlySet<string>
}

function find(
  search: string,
  networks: readonly Network[],
  nics: readonly Nic[],
  servers: ReadonlyMap<string, Server>,
): Found | undefined {
  const wanted = search.trim().toLowerCase()
  if (wanted === '') return
  const has = (...texts: (string | null | undefined)[]) => texts.some((text) => text?.toLowerCase().includes(wanted))
  return {
    networks: new Set(networks.filter(({ id, name, cidr }) => has(id, name, cidr)).map(({ id }) => id)),
    nics: new Set(
      nics
        .filter(({ id, name, address, server_id }) =>
          has(id, name, address, server_id, servers.get(server_id ?? '')?.name),
        )
        .map(({ id }) => id),
    ),
  }
}

/** Whether a node is, or holds, what was looked for. */
export function isMatch(node: PlacedNode, found: Found): boolean {
  switch (node.kind) {
    case 'network':
      return found.networks.has(node.id) || (!node.isOpen && node.nics.some(({ id }) => found.nics.has(id)))
    case 'server':
    case 'free':
      return node.nics.some(({ id }) => found.nics.has(id))
    case 'outside':
    case 'router':
      return false
  }
}
