import { useState } from 'react'
import { Link } from 'react-router'
import type { Nic, Server } from '../../api/client.ts'
import { useText } from '../../text/language.tsx'
import { nicStates } from '../../text/states.ts'
import { vpcs as words } from '../../text/vpcs.ts'
import type { Layout, PlacedNode } from './layout.ts'
import { useCardWords } from './TopologyNodes.tsx'
import styles from './topology.module.css'

/** What the picture shows, in words: for screen readers, for narrow windows, and for whoever would rather read. */
export function TopologyList({ view, servers }: { view: Layout; servers: ReadonlyMap<string, Server> }) {
  const t = useText()
  const [isOpen, setOpen] = useState(false)
  const networks = view.nodes.filter((node): node is PlacedNode & { kind: 'network' } => node.kind === 'network')
  return (
    <details className={styles.list} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{t(words.asList)}</summary>
      {isOpen && (
        <ul>
          {networks.map(({ network, nics }) => (
            <li key={network.id}>
              <Link to={`/networks/${network.id}`}>{network.name}</Link> <span className="mono">{network.cidr}</span>
              <ul>
                {byServer(nics).map(([serverId, cards]) => (
                  <li key={serverId}>
                    {serverId === '' ? (
                      t(words.freeCards, { count: cards.length })
                    ) : (
                      <Link to={`/servers/${serverId}`}>{servers.get(serverId)?.name || serverId}</Link>
                    )}
                    <Cards nics={cards} />
                  </li>
                ))}
              </ul>
            </li>
          ))}
        </ul>
      )}
    </details>
  )
}

function Cards({ nics }: { nics: readonly Nic[] }) {
  const t = useText()
  const say = useCardWords()
  return (
    <ul className={styles.listCards}>
      {nics.map((nic) => (
        <li key={nic.id}>
          <Link className="mono" to={`/nics/${nic.id}`} aria-label={say(nic)}>
            {nic.address ?? nic.id}
          </Link>{' '}
          {nic.server_id !== null && <span className="soft">{t(nicStates[nic.state])}</span>}
        </li>
      ))}
    </ul>
  )
}

/** The cards of a network by their server; the free ones, under `''`, are last. */
function byServer(nics: readonly Nic[]): [serverId: string, nics: Nic[]][] {
  const groups = new Map<string, Nic[]>()
  for (const nic of nics) groups.set(nic.server_id ?? '', [...(groups.get(nic.server_id ?? '') ?? []), nic])
  return [...groups].sort(([a], [b]) => Number(a === '') - Number(b === ''))
}
