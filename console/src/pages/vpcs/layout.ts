/**
 * Where everything of a VPC's picture is: the outside and the router on top, below them a lane for each network, in as many
 * rows as give the picture the shape of a screen. In a lane are the servers whose first card is in that network, plugged
 * into a line that comes down from it; a card in another network is led there between the lanes, so that no line crosses a
 * node. The same resources always give the same picture.
 */
import type { ElasticIp, Network, Nic, Server, Vpc } from '../../api/client.ts'
import { ipv4Number } from '../networks/ranges.ts'

export interface TopologyInput {
  readonly vpc: Vpc
  readonly networks: readonly Network[]
  readonly nics: readonly Nic[]
  readonly servers: ReadonlyMap<string, Server>
  readonly elasticIp: ElasticIp | undefined
  /** Whether the servers of a network are drawn, or only counted in it. */
  readonly isOpen: (network: Network, nics: readonly Nic[]) => boolean
}

interface Box {
  readonly id: string
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}
export type PlacedNode = Box &
  (
    | { readonly kind: 'outside'; readonly elasticIp: ElasticIp | undefined }
    | { readonly kind: 'router'; readonly vpc: Vpc }
    | {
        readonly kind: 'network'
        readonly network: Network
        readonly nics: readonly Nic[]
        readonly serverCount: number
        readonly isOpen: boolean
      }
    | {
        readonly kind: 'server'
        /** Of the lane it stands in. */
        readonly networkId: string
        readonly server: Server | undefined
        readonly nics: readonly Nic[]
      }
    | { readonly kind: 'free'; readonly network: Network; readonly nics: readonly Nic[]; readonly hidden: number }
  )

export interface PlacedLine {
  readonly id: string
  /** Of an SVG path. */
  readonly d: string
  /** State of the card whose line it is; otherwise what is joined by it. */
  readonly tone: Nic['state'] | 'uplink' | 'off'
  /** Ids of the nodes it joins. */
  readonly ends: readonly string[]
}

export interface Layout {
  readonly nodes: readonly PlacedNode[]
  readonly lines: readonly PlacedLine[]
}

export const LANE = 252
/** Between lanes: lines that lead to other lanes are in it. */
const GUTTER = 60
/** Above each row of lanes: the line from the router, and those that come in from other lanes. */
const ABOVE_ROW = 84
const STACK_GAP = 14
/** Left of a lane's servers, for the line that they are plugged into. */
const TRUNK = 26
const MARGIN = 44
const SHAPE = 1.7

export const NETWORK_HEAD = 74
export const DOTS_IN_ROW = 16
export const DOT = 14
export const CARD = 26
export const SERVER_HEAD = 36
const PADDING = 8
export const FREE_IN_ROW = 2
const MOST_FREE = 24

const OUTSIDE = { width: 220, height: 60 }
const ROUTER = { width: 260, height: 66 }
const ROUTER_Y = OUTSIDE.height + 34

/** Networks in the order of their ranges, servers by name, cards by slot. */
export function layoutTopology(input: TopologyInput): Layout {
  const lanes = lanesOf(input)
  const columns = columnsFor(lanes)
  const width = Math.max(ROUTER.width, columns * (LANE + GUTTER) - GUTTER)
  const top = ROUTER_Y + ROUTER.height
  const middle = width / 2
  const nodes: PlacedNode[] = [
    { kind: 'outside', id: 'outside', x: middle - OUTSIDE.width / 2, y: 0, ...OUTSIDE, elasticIp: input.elasticIp },
    { kind: 'router', id: input.vpc.id, x: middle - ROUTER.width / 2, y: ROUTER_Y, ...ROUTER, vpc: input.vpc },
  ]
  const rows = Array.from({ length: Math.ceil(lanes.length / columns) }, (_, row) =>
    lanes.slice(row * columns, (row + 1) * columns),
  )
  let y = top
  const tops: number[] = []
  const placed = new Map<string, PlacedNode & { kind: 'network' }>()
  rows.forEach((row) => {
    y += ABOVE_ROW
    tops.push(y)
    // A single row is centred below the router.
    const start = rows.length === 1 ? (width - (row.length * (LANE + GUTTER) - GUTTER)) / 2 : 0
    row.forEach((lane, column) => {
      const stack = stackLane(lane, start + column * (LANE + GUTTER), y)
      placed.set(lane.network.id, stack[0] as PlacedNode & { kind: 'network' })
      nodes.push(...stack)
    })
    y += Math.max(...row.map(({ height }) => height))
  })
  return { nodes, lines: linesOf(input, nodes, placed, tops, { middle, top }) }
}

interface Lane {
  readonly network: Network
  readonly nics: readonly Nic[]
  readonly isOpen: boolean
  readonly serverCount: number
  readonly servers: readonly {
    readonly id: string
    readonly server: Server | undefined
    readonly nics: readonly Nic[]
  }[]
  readonly free: readonly Nic[]
  readonly height: number
}

function lanesOf({ networks, nics: unordered, servers, isOpen }: TopologyInput): Lane[] {
  const nics = unordered.toSorted((a, b) => a.port - b.port || (a.id < b.id ? -1 : 1))
  const ofNetwork = groupBy(nics, ({ network_id }) => network_id)
  const ofServer = groupBy(
    nics.filter(({ server_id }) => server_id !== null),
    ({ server_id }) => server_id ?? '',
  )
  const sorted = networks.toSorted(
    (a, b) => startOf(a) - startOf(b) || a.name.localeCompare(b.name) || (a.id < b.id ? -1 : 1),
  )
  const open = new Set(sorted.filter((each) => isOpen(each, ofNetwork.get(each.id) ?? [])).map(({ id }) => id))
  // A server stands where its first card is; where that network is closed, at the first one that is open.
  const home = new Map<string, { id: string; server: Server | undefined; nics: readonly Nic[] }[]>()
  for (const [id, cards] of ofServer) {
    const inOrder = cards.toSorted((a, b) => (a.slot ?? 0) - (b.slot ?? 0))
    const first = inOrder.find(({ network_id }) => open.has(network_id))
    if (!first) continue
    home.set(first.network_id, [...(home.get(first.network_id) ?? []), { id, server: servers.get(id), nics: inOrder }])
  }
  return sorted.map((network) => {
    const cards = ofNetwork.get(network.id) ?? []
    const lane = {
      network,
      nics: cards,
      isOpen: open.has(network.id),
      serverCount: new Set(cards.flatMap(({ server_id }) => server_id ?? [])).size,
      servers: (home.get(network.id) ?? []).toSorted(
        (a, b) => (a.server?.name ?? '').localeCompare(b.server?.name ?? '') || (a.id < b.id ? -1 : 1),
      ),
      free: open.has(network.id) ? cards.filter(({ server_id }) => server_id === null) : [],
    }
    return { ...lane, height: heightOf(lane) }
  })
}

const startOf = ({ cidr }: Network): number => ipv4Number(cidr?.split('/')[0] ?? '') ?? 0

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const group = groups.get(keyOf(item))
    if (group) group.push(item)
    else groups.set(keyOf(item), [item])
  }
  return groups
}

const networkHeight = ({ isOpen, nics }: Pick<Lane, 'isOpen' | 'nics'>): number =>
  isOpen || nics.length === 0 ? NETWORK_HEAD : NETWORK_HEAD + Math.ceil(nics.length / DOTS_IN_ROW) * DOT + PADDING
const serverHeight = (cards: number): number => SERVER_HEAD + cards * CARD + PADDING
const freeHeight = (cards: number): number =>
  SERVER_HEAD + Math.ceil(Math.min(cards, MOST_FREE) / FREE_IN_ROW) * CARD + (cards > MOST_FREE ? CARD : 0) + PADDING

const heightOf = (lane: Omit<Lane, 'height'>): number =>
  networkHeight(lane) +
  lane.servers.reduce((sum, { nics }) => sum + STACK_GAP + serverHeight(nics.length), 0) +
  (lane.free.length > 0 ? STACK_GAP + freeHeight(lane.free.length) : 0)

/** How many lanes side by side come closest to the shape of a screen. */
function columnsFor(lanes: readonly Lane[]): number {
  let best = 1
  let least = Number.POSITIVE_INFINITY
  for (let columns = 1; columns <= lanes.length; columns++) {
    let height = ROUTER_Y + ROUTER.height
    for (let row = 0; row < lanes.length; row += columns)
      height += ABOVE_ROW + Math.max(...lanes.slice(row, row + columns).map((lane) => lane.height))
    const off = Math.abs(Math.log((columns * (LANE + GUTTER)) / height / SHAPE))
    if (off < least) [best, least] = [columns, off]
  }
  return best
}

function stackLane(lane: Lane, x: number, top: number): PlacedNode[] {
  const { network, nics, serverCount, isOpen } = lane
  const height = networkHeight(lane)
  const nodes: PlacedNode[] = [
    { kind: 'network', id: network.id, x, y: top, width: LANE, height, network, nics, serverCount, isOpen },
  ]
  let y = top + height + STACK_GAP
  const inner = { x: x + TRUNK, width: LANE - TRUNK }
  for (const { id, server, nics: cards } of lane.servers) {
    const box = { ...inner, y, height: serverHeight(cards.length) }
    nodes.push({ kind: 'server', id, networkId: network.id, server, nics: cards, ...box })
    y += box.height + STACK_GAP
  }
  if (lane.free.length > 0) {
    const box = { ...inner, y, height: freeHeight(lane.free.length) }
    const shown = lane.free.slice(0, MOST_FREE)
    nodes.push({
      kind: 'free',
      id: `free ${network.id}`,
      network,
      nics: shown,
      hidden: lane.free.length - shown.length,
      ...box,
    })
  }
  return nodes
}

function linesOf(
  { vpc, elasticIp }: TopologyInput,
  nodes: readonly PlacedNode[],
  placed: ReadonlyMap<string, PlacedNode & { kind: 'network' }>,
  tops: readonly number[],
  { middle, top }: { middle: number; top: number },
): PlacedLine[] {
  const tone = vpc.routing ? 'uplink' : 'off'
  const lines: PlacedLine[] = [
    {
      id: 'outside',
      d: `M ${middle} ${OUTSIDE.height} V ${ROUTER_Y}`,
      tone: elasticIp ? tone : 'off',
      ends: ['outside', vpc.id],
    },
  ]
  const firstBus = top + ABOVE_ROW - 56
  for (const { id, x, y } of placed.values()) {
    const end = x + LANE / 2
    // Rows below the first are reached by a line left of all lanes.
    const aside = y === tops[0] ? '' : ` H ${-MARGIN} V ${y - 56}`
    lines.push({
      id: `to ${id}`,
      d: `M ${middle} ${top} V ${firstBus}${aside} H ${end} V ${y}`,
      tone,
      ends: [vpc.id, id],
    })
  }
  /** How far down the line of a lane reaches. */
  const trunks = new Map<string, number>()
  let crossing = 0
  for (const node of nodes) {
    if (node.kind !== 'server' && node.kind !== 'free') continue
    const plug = (y: number) => {
      trunks.set(node.kind === 'server' ? node.networkId : node.network.id, y)
      return `M ${node.x - TRUNK + 10} ${y} H ${node.x}`
    }
    if (node.kind === 'free') {
      const d = plug(node.y + SERVER_HEAD / 2)
      lines.push({ id: node.id, d, tone: 'available', ends: [node.id, node.network.id] })
      continue
    }
    node.nics.forEach((nic, index) => {
      const target = placed.get(nic.network_id)
      if (!target) return
      const y = node.y + SERVER_HEAD + index * CARD + CARD / 2
      const line = { id: nic.id, tone: nic.state, ends: [node.id, target.id] }
      if (target.id === node.networkId) {
        lines.push({ ...line, d: plug(y) })
        return
      }
      // Beside each other, as far as there is room, so that each can be followed.
      const gutter = node.x + node.width + 12 + (crossing % 6) * 7
      const above = target.y - 12 - (crossing % 5) * 6
      const into = target.x + LANE - 20 - (crossing % 8) * 9
      crossing++
      lines.push({ ...line, d: `M ${node.x + node.width} ${y} H ${gutter} V ${above} H ${into} V ${target.y}` })
    })
  }
  for (const [id, y] of trunks) {
    const from = placed.get(id)
    if (from) lines.push({ id: `trunk ${id}`, d: `M ${from.x + 10} ${from.y + from.height} V ${y}`, tone, ends: [id] })
  }
  return lines
}
