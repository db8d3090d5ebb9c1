import { expect, it } from 'vitest'
import type { Network, Nic, Server, Vpc } from '../../api/client.ts'
import { layoutTopology, type PlacedLine, type PlacedNode, type TopologyInput } from './layout.ts'

/** As many as asked for; every fourth server has a second card, in the next network, and every ninth card is free. */
function aVpc(networkCount: number, cardCount: number): Omit<TopologyInput, 'isOpen'> {
  const networks = Array.from(
    { length: networkCount },
    (_, index) => ({ id: `net-${index}`, name: `net ${index}`, cidr: `172.16.${index + 1}.0/24` }) as Network,
  )
  const servers = new Map<string, Server>()
  const nics = Array.from({ length: cardCount }, (_, index) => {
    const isFree = index % 9 === 8
    const isSecond = index % 5 === 4
    const server = isSecond ? index - 1 : index
    const id = `i-${String(server).padStart(4, '0')}`
    if (!isFree) servers.set(id, { id, name: `server ${server}` } as Server)
    return {
      id: `52:54:00:00:${(index >> 8).toString(16)}:${(index & 255).toString(16)}`,
      network_id: `net-${(isSecond ? server + 1 : index) % networkCount}`,
      port: index,
      address: `172.16.${index % networkCount}.${Math.floor(index / networkCount) + 2}`,
      state: isFree ? 'available' : 'in_use',
      server_id: isFree ? null : id,
      slot: isFree ? null : isSecond ? 2 : 1,
    } as Nic
  })
  const vpc = { id: 'vpc-1', name: 'vpc', cidr: '172.16.0.0/16', routing: true } as Vpc
  return { vpc, networks, nics, servers, elasticIp: undefined }
}

function overlaps(nodes: readonly PlacedNode[]): string[] {
  return nodes.flatMap((a, index) =>
    nodes
      .slice(index + 1)
      .filter((b) => a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height)
      .map((b) => `${a.id} and ${b.id}`),
  )
}

/** The straight pieces of a line, each as a box without breadth. */
function pieces({ d }: PlacedLine) {
  let [x, y] = [0, 0]
  return [...d.matchAll(/([MHV]) (-?[\d.]+)(?: (-?[\d.]+))?/g)].flatMap(([, command, first, second]) => {
    const from = { x, y }
    if (command !== 'V') x = Number(first)
    if (command === 'V') y = Number(first)
    if (command === 'M') y = Number(second)
    return command === 'M'
      ? []
      : [{ x: Math.min(from.x, x), y: Math.min(from.y, y), to: { x: Math.max(from.x, x), y: Math.max(from.y, y) } }]
  })
}

const SIZES: [networks: number, cards: number][] = [
  [0, 0],
  [1, 1],
  [2, 9],
  [7, 63],
  [50, 500],
  [254, 5000],
]

it.each(SIZES)('of %i networks and %i cards nothing overlaps, open or closed', (networkCount, cardCount) => {
  const input = aVpc(networkCount, cardCount)
  for (const isOpen of [() => true, () => false, ({ id }: Network) => id.endsWith('1')]) {
    if (cardCount === 5000 && isOpen({ id: '' } as Network)) continue // 12 million pairs
    const { nodes } = layoutTopology({ ...input, isOpen })
    expect(overlaps(nodes)).toEqual([])
    expect(new Set(nodes.map(({ id }) => id)).size).toBe(nodes.length)
  }
})

it('no line passes through a node', () => {
  const { nodes, lines } = layoutTopology({ ...aVpc(12, 120), isOpen: () => true })
  const crossed = lines.flatMap((line) =>
    pieces(line).flatMap((piece) =>
      nodes
        .filter(
          ({ x, y, width, height }) => piece.x < x + width && piece.to.x > x && piece.y < y + height && piece.to.y > y,
        )
        .map(({ id }) => `${line.id} crosses ${id}`),
    ),
  )
  expect(crossed).toEqual([])
})

it('every card has its line, and every server is there once', () => {
  const input = aVpc(50, 500)
  const { nodes, lines } = layoutTopology({ ...input, isOpen: () => true })
  const onServers = input.nics.filter(({ server_id }) => server_id !== null)
  const ids = new Set(lines.map(({ id }) => id))
  expect(onServers.filter(({ id }) => !ids.has(id))).toEqual([])
  expect(nodes.filter(({ kind }) => kind === 'server')).toHaveLength(input.servers.size)
})

it('the same resources in another order give the same picture', () => {
  const input = aVpc(9, 90)
  const shuffled = { ...input, networks: input.networks.toReversed(), nics: input.nics.toReversed() }
  const isOpen = () => true
  expect(layoutTopology({ ...shuffled, isOpen })).toEqual(layoutTopology({ ...input, isOpen }))
})

it('is ready within 50 ms for 50 networks and 500 cards', () => {
  const input = { ...aVpc(50, 500), isOpen: () => true }
  layoutTopology(input)
  const started = performance.now()
  layoutTopology(input)
  expect(performance.now() - started).toBeLessThan(50)
})
