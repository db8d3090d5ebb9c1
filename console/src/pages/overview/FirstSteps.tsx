import { ArrowRight, Check } from 'lucide-react'
import { Link } from 'react-router'
import type { Network, Nic, Server } from '../../api/client.ts'
import { useText } from '../../text/language.tsx'
import { overview } from '../../text/overview.ts'
import { Panel } from '../../ui/page.tsx'
import styles from './overview.module.css'

interface FirstStepsProps {
  readonly servers: readonly Server[]
  readonly networks: readonly Network[]
  readonly nics: readonly Nic[]
}

/** How a new project begins; it goes away when all of it is done. */
export function FirstSteps({ servers, networks, nics }: FirstStepsProps) {
  const t = useText()
  // The primary NIC comes with its server: one's own are the others.
  const own = nics.filter(({ primary }) => !primary)
  const [server] = servers
  const steps = [
    {
      to: '/networks?create=1',
      title: overview.makeNetwork,
      hint: overview.makeNetworkHint,
      isDone: networks.length > 0,
    },
    { to: '/servers?create=1', title: overview.makeServer, hint: overview.makeServerHint, isDone: servers.length > 0 },
    { to: '/nics?create=1', title: overview.makeNic, hint: overview.makeNicHint, isDone: own.length > 0 },
    {
      to: server ? `/servers/${server.id}` : '/servers',
      title: overview.plugNic,
      hint: overview.plugNicHint,
      isDone: own.some(({ server_id: id }) => id !== null),
    },
  ]
  if (steps.every(({ isDone }) => isDone)) return null
  const next = steps.findIndex(({ isDone }) => !isDone)
  return (
    <Panel title={t(overview.firstSteps)}>
      <p className="soft">{t(overview.firstHint)}</p>
      <ol className={styles.steps}>
        {steps.map(({ to, title, hint, isDone }, index) => (
          <li key={to}>
            <Link
              className={styles.step}
              to={to}
              data-done={isDone || undefined}
              data-next={index === next || undefined}
            >
              <span className={styles.tick}>
                {isDone ? <Check size={16} aria-label={t(overview.done)} /> : <span>{index + 1}</span>}
              </span>
              <span className={styles.stepWords}>
                <strong>{t(title)}</strong>
                <span className="soft">{t(hint)}</span>
              </span>
              {index === next && <ArrowRight size={16} aria-hidden />}
            </Link>
          </li>
        ))}
      </ol>
    </Panel>
  )
}
