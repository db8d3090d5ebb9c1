/** What stands in the picture of a VPC. Each says less when it is far away, and more when it is near. */
import { Globe, Minus, Network as NetworkIcon, Plus, Router, Server as ServerIcon } from 'lucide-react'
import { createContext, memo, type ReactNode, useContext } from 'react'
import { Link } from 'react-router'
import type { Nic } from '../../api/client.ts'
import { common } from '../../text/common.ts'
import { useText } from '../../text/language.tsx'
import { nicStates } from '../../text/states.ts'
import { vpcs as words } from '../../text/vpcs.ts'
import { ServerState } from '../../ui/Badge.tsx'
import { Button } from '../../ui/Button.tsx'
import type { PlacedNode } from './layout.ts'
import styles from './topology.module.css'
import { type Found, isMatch } from './use-topology.ts'

/** What all nodes are drawn with. */
export const TopologyContext = createContext<{
  readonly found: Found | undefined
  readonly toggle: (networkId: string, isOpen: boolean) => void
}>({ found: undefined, toggle: () => undefined })

type Of<K extends PlacedNode['kind']> = Extract<PlacedNode, { kind: K }>
interface NodeProps {
  readonly data: { readonly node: PlacedNode }
}

const icon = { size: 16, 'aria-hidden': true } as const

/** A node of React Flow; which one it is says its data. */
export const TopologyNode = memo(({ data: { node } }: NodeProps) => {
  const { found } = useContext(TopologyContext)
  const look = found && (isMatch(node, found) ? 'found' : 'other')
  return (
    <div className={`${styles.node} ${styles[node.kind]}`} data-look={look} style={{ height: node.height }}>
      {contentOf(node)}
    </div>
  )
})

function contentOf(node: PlacedNode): ReactNode {
  switch (node.kind) {
    case 'outside':
      return <OutsideContent node={node} />
    case 'router':
      return <RouterContent node={node} />
    case 'network':
      return <NetworkContent node={node} />
    case 'server':
      return <ServerContent node={node} />
    case 'free':
      return <FreeContent node={node} />
  }
}

function OutsideContent({ node: { elasticIp } }: { node: Of<'outside'> }) {
  const t = useText()
  return (
    <div className={styles.head}>
      <Globe {...icon} />
      <div className={styles.title}>
        <strong>{t(words.outside)}</strong>
        {elasticIp ? (
          <Link className={`mono ${styles.link} ${styles.near}`} to={`/elastic-ips?search=${elasticIp.address}`}>
            {elasticIp.address}
          </Link>
        ) : (
          <span className={`soft ${styles.near}`}>{t(words.outsideNone)}</span>
        )}
      </div>
    </div>
  )
}

function RouterContent({ node: { vpc } }: { node: Of<'router'> }) {
  const t = useText()
  return (
    <div className={styles.head}>
      <Router {...icon} />
      <div className={styles.title}>
        <strong>{vpc.name}</strong>
        <span className={`soft ${styles.near}`}>
          <span className="mono">{vpc.cidr}</span> · {t(words.router)}{' '}
          {t(vpc.routing ? words.routerOn : words.routerOff)}
        </span>
      </div>
    </div>
  )
}

function NetworkContent({ node: { network, nics, serverCount, isOpen } }: { node: Of<'network'> }) {
  const t = useText()
  const { toggle, found } = useContext(TopologyContext)
  const counts = `${t(words.serversCount, { count: serverCount })} · ${t(words.cardsCount, { count: nics.length })}`
  return (
    <>
      <div className={styles.head}>
        <NetworkIcon {...icon} />
        <div className={styles.title}>
          <Link className={styles.link} to={`/networks/${network.id}`}>
            {network.name}
          </Link>
          <span className="mono soft">{network.cidr}</span>
        </div>
        {nics.length > 0 && (
          <span className={styles.near}>
            <Button
              look="quiet"
              isSmall
              icon={isOpen ? <Minus size={15} aria-hidden /> : <Plus size={15} aria-hidden />}
              label={t(isOpen ? words.collapse : words.expand, { name: network.name })}
              onPress={() => toggle(network.id, !isOpen)}
            />
          </span>
        )}
      </div>
      <p className={styles.counts}>{counts}</p>
      {!isOpen && (
        <div className={styles.dots} aria-hidden>
          {nics.map((nic) => (
            <span
              key={nic.id}
              className={styles.dot}
              data-state={nic.state}
              data-found={found?.nics.has(nic.id) || undefined}
            />
          ))}
        </div>
      )}
    </>
  )
}

function ServerContent({ node: { id, server, nics } }: { node: Of<'server'> }) {
  return (
    <>
      <div className={styles.head}>
        <ServerIcon {...icon} className={server?.state === 'running' ? styles.running : undefined} />
        <div className={styles.title}>
          <Link className={styles.link} to={`/servers/${id}`}>
            {server?.name || id}
          </Link>
        </div>
        {server && server.state !== 'running' && (
          <span className={styles.near}>
            <ServerState state={server.state} />
          </span>
        )}
      </div>
      <ul className={styles.cards}>
        {nics.map((nic) => (
          <Card key={nic.id} nic={nic} />
        ))}
      </ul>
    </>
  )
}

/** @returns what a screen reader says of a card. */
export function useCardWords(): (nic: Nic) => string {
  const t = useText()
  return (nic) => {
    const address = nic.address ?? t(words.noAddress)
    return nic.slot === null
      ? t(words.freeCard, { address })
      : t(words.card, { address, slot: nic.slot, state: t(nicStates[nic.state]) })
  }
}

function Card({ nic }: { nic: Nic }) {
  const t = useText()
  const say = useCardWords()
  const { found } = useContext(TopologyContext)
  return (
    <li className={styles.card} data-found={found?.nics.has(nic.id) || undefined}>
      <span className={styles.dot} data-state={nic.state} />
      <Link className={`mono ${styles.link}`} to={`/nics/${nic.id}`} aria-label={say(nic)}>
        {nic.address ?? t(words.noAddress)}
      </Link>
      <span className="soft" title={t(common.slot)}>
        {nic.slot}
      </span>
    </li>
  )
}

function FreeContent({ node: { network, nics, hidden } }: { node: Of<'free'> }) {
  const t = useText()
  return (
    <>
      <div className={styles.head}>
        <span className={styles.title}>{t(words.freeCards, { count: nics.length + hidden })}</span>
      </div>
      <ul className={styles.freeCards}>
        {nics.map((nic) => (
          <Card key={nic.id} nic={nic} />
        ))}
        {hidden > 0 && (
          <li className={styles.card}>
            <Link to={`/nics?network=${network.id}&state=available`}>{t(words.moreCards, { count: hidden })}</Link>
          </li>
        )}
      </ul>
    </>
  )
}
