import {
  Boxes,
  Cable,
  Globe,
  HardDrive,
  KeyRound,
  LayoutDashboard,
  ListChecks,
  MenuIcon,
  Network,
  Route,
  ScrollText,
  Server,
  Shield,
  TicketCheck,
} from 'lucide-react'
import { type ReactNode, useEffect, useState } from 'react'
import { Link, NavLink, useLocation } from 'react-router'
import { type LiveState, useLive } from '../api/live.tsx'
import { common } from '../text/common.ts'
import { useText } from '../text/language.tsx'
import { shell } from '../text/shell.ts'
import type { Text } from '../text/text.ts'
import { Button } from '../ui/Button.tsx'
import { AccountMenu } from './AccountMenu.tsx'
import styles from './frame.module.css'
import { JobsMenu } from './JobsMenu.tsx'
import { ToastRegion } from './Toasts.tsx'

interface Entry {
  readonly to: string
  readonly label: Text
  readonly icon: ReactNode
}
const icon = { size: 17, 'aria-hidden': true } as const
const SECTIONS: readonly { readonly title: Text; readonly entries: readonly Entry[] }[] = [
  {
    title: common.resources,
    entries: [
      { to: '/nics', label: common.nics, icon: <Cable {...icon} /> },
      { to: '/servers', label: common.servers, icon: <Server {...icon} /> },
      { to: '/networks', label: common.networks, icon: <Network {...icon} /> },
      { to: '/vpcs', label: common.vpcs, icon: <Route {...icon} /> },
      { to: '/security-groups', label: common.securityGroups, icon: <Shield {...icon} /> },
      { to: '/elastic-ips', label: common.elasticIps, icon: <Globe {...icon} /> },
      { to: '/reserved-addresses', label: common.reservedAddresses, icon: <TicketCheck {...icon} /> },
    ],
  },
  {
    title: common.operations,
    entries: [
      { to: '/hypervisors', label: common.hypervisors, icon: <HardDrive {...icon} /> },
      { to: '/jobs', label: common.jobs, icon: <ListChecks {...icon} /> },
      { to: '/events', label: common.events, icon: <ScrollText {...icon} /> },
      { to: '/access-keys', label: common.accessKeys, icon: <KeyRound {...icon} /> },
      { to: '/projects', label: common.projects, icon: <Boxes {...icon} /> },
    ],
  },
]

/** What stands around every page: where one can go, who one is, whether what is seen is current. */
export function Frame({ children }: { children: ReactNode }) {
  const t = useText()
  const [isOpen, setOpen] = useState(false)
  const { pathname } = useLocation()
  const live = useLive()
  // biome-ignore lint/correctness/useExhaustiveDependencies: another page has been gone to
  useEffect(() => setOpen(false), [pathname])
  return (
    <div className={styles.frame}>
      <a className={styles.skip} href="#main">
        {t(shell.skipToContent)}
      </a>
      <nav
        className={styles.side}
        aria-label={t(shell.mainNavigation)}
        data-open={isOpen || undefined}
        onKeyDown={(event) => event.key === 'Escape' && setOpen(false)}
      >
        <Link className={styles.brand} to="/">
          <img src="/favicon.svg" width={24} height={24} alt="" />
          {t(common.patchbay)}
        </Link>
        <Entry to="/" label={common.overview} icon={<LayoutDashboard {...icon} />} />
        {SECTIONS.map(({ title, entries }) => (
          <div key={title.zh}>
            <p className={styles.section}>{t(title)}</p>
            {entries.map((entry) => (
              <Entry key={entry.to} {...entry} />
            ))}
          </div>
        ))}
      </nav>
      <button
        type="button"
        className={styles.veil}
        aria-label={t(common.close)}
        tabIndex={-1}
        onClick={() => setOpen(false)}
      />
      <header className={styles.top}>
        <span className={styles.menuButton}>
          <Button
            look="quiet"
            icon={<MenuIcon size={18} aria-hidden />}
            label={t(shell.openNavigation)}
            onPress={() => setOpen(true)}
          />
        </span>
        <span className={styles.grow} />
        <LiveSign state={live} />
        <JobsMenu />
        <AccountMenu />
      </header>
      <main id="main" className={styles.main} tabIndex={-1}>
        {live === 'lost' && (
          <div className={styles.banner} role="status">
            {t(shell.reconnecting)}
          </div>
        )}
        {children}
      </main>
      <ToastRegion />
    </div>
  )
}

function Entry({ to, label, icon }: Entry) {
  const t = useText()
  return (
    <NavLink className={styles.link} to={to} end={to === '/'}>
      {icon}
      {t(label)}
    </NavLink>
  )
}

function LiveSign({ state }: { state: LiveState }) {
  const t = useText()
  const words = { connecting: shell.connecting, live: shell.live, lost: shell.connecting }[state]
  return (
    <span className={styles.live} title={t(shell.liveHint)}>
      <span className={styles.dot} data-state={state} aria-hidden />
      <span className={styles.liveWords}>{t(words)}</span>
    </span>
  )
}
