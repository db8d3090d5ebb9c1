import { lazy, Suspense } from 'react'
import { Route, Routes, useLocation } from 'react-router'
import { LiveProvider } from '../api/live.tsx'
import { refusalOf } from '../api/refusal.ts'
import { useSessionState } from '../api/session.tsx'
import { useText } from '../text/language.tsx'
import { shell } from '../text/shell.ts'
import { Loading, Page } from '../ui/page.tsx'
import { RefusalView } from '../ui/Refusal.tsx'
import { ErrorBoundary } from './ErrorBoundary.tsx'
import { Frame } from './Frame.tsx'
import styles from './frame.module.css'
import { SignIn, SignInOver } from './SignIn.tsx'

const OverviewPage = lazy(() => import('../pages/overview/OverviewPage.tsx'))
const NicsPage = lazy(() => import('../pages/nics/NicsPage.tsx'))
const NicPage = lazy(() => import('../pages/nics/NicPage.tsx'))
const ServersPage = lazy(() => import('../pages/servers/ServersPage.tsx'))
const ServerPage = lazy(() => import('../pages/servers/ServerPage.tsx'))
const NetworksPage = lazy(() => import('../pages/networks/NetworksPage.tsx'))
const NetworkPage = lazy(() => import('../pages/networks/NetworkPage.tsx'))
const VpcsPage = lazy(() => import('../pages/vpcs/VpcsPage.tsx'))
const VpcPage = lazy(() => import('../pages/vpcs/VpcPage.tsx'))
const SecurityGroupsPage = lazy(() => import('../pages/security-groups/SecurityGroupsPage.tsx'))
const SecurityGroupPage = lazy(() => import('../pages/security-groups/SecurityGroupPage.tsx'))
const ElasticIpsPage = lazy(() => import('../pages/elastic-ips/ElasticIpsPage.tsx'))
const ReservedAddressesPage = lazy(() => import('../pages/reserved-addresses/ReservedAddressesPage.tsx'))
const HypervisorsPage = lazy(() => import('../pages/hypervisors/HypervisorsPage.tsx'))
const JobsPage = lazy(() => import('../pages/jobs/JobsPage.tsx'))
const JobPage = lazy(() => import('../pages/jobs/JobPage.tsx'))
const EventsPage = lazy(() => import('../pages/events/EventsPage.tsx'))
const AccessKeysPage = lazy(() => import('../pages/access-keys/AccessKeysPage.tsx'))
const ProjectsPage = lazy(() => import('../pages/projects/ProjectsPage.tsx'))

export function App() {
  const { session, hasEnded, error } = useSessionState()
  const { pathname } = useLocation()
  if (session === undefined) {
    return <div className={styles.signIn}>{error ? <RefusalView refusal={refusalOf(error)} /> : <Loading />}</div>
  }
  if (session === null) return <SignIn />
  return (
    <LiveProvider isPaused={hasEnded}>
      <Frame>
        <ErrorBoundary of={pathname}>
          <Suspense fallback={<Loading />}>
            <Pages />
          </Suspense>
        </ErrorBoundary>
      </Frame>
      {hasEnded && <SignInOver />}
    </LiveProvider>
  )
}

function Pages() {
  return (
    <Routes>
      <Route path="/" element={<OverviewPage />} />
      <Route path="/nics" element={<NicsPage />} />
      <Route path="/nics/:id" element={<NicPage />} />
      <Route path="/servers" element={<ServersPage />} />
      <Route path="/servers/:id" element={<ServerPage />} />
      <Route path="/networks" element={<NetworksPage />} />
      <Route path="/networks/:id" element={<NetworkPage />} />
      <Route path="/vpcs" element={<VpcsPage />} />
      <Route path="/vpcs/:id" element={<VpcPage />} />
      <Route path="/security-groups" element={<SecurityGroupsPage />} />
      <Route path="/security-groups/:id" element={<SecurityGroupPage />} />
      <Route path="/elastic-ips" element={<ElasticIpsPage />} />
      <Route path="/reserved-addresses" element={<ReservedAddressesPage />} />
      <Route path="/hypervisors" element={<HypervisorsPage />} />
      <Route path="/jobs" element={<JobsPage />} />
      <Route path="/jobs/:id" element={<JobPage />} />
      <Route path="/events" element={<EventsPage />} />
      <Route path="/access-keys" element={<AccessKeysPage />} />
      <Route path="/projects" element={<ProjectsPage />} />
      <Route path="*" element={<NoPage />} />
    </Routes>
  )
}

function NoPage() {
  const t = useText()
  return <Page title={t(shell.notFound)}>{null}</Page>
}
