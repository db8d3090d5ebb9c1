import { useQuery } from '@tanstack/react-query'
import { useDeferredValue } from 'react'
import { useParams } from 'react-router'
import type { Nic, Server } from '../../api/client.ts'
import { jobQuery, nicsQuery, serverQuery } from '../../api/queries.ts'
import { common } from '../../text/common.ts'
import { useText } from '../../text/language.tsx'
import { servers } from '../../text/servers.ts'
import { jobActions } from '../../text/states.ts'
import { JobState, ServerState } from '../../ui/Badge.tsx'
import { LinkButton } from '../../ui/Button.tsx'
import { Columns, Copyable, Facts, Failed, Loading, Page, Panel, Tags, Time } from '../../ui/page.tsx'
import { History } from '../events/History.tsx'
import { JobSteps } from '../jobs/JobSteps.tsx'
import { CardTable } from './CardTable.tsx'
import { PatchPanel } from './PatchPanel.tsx'
import { useServerActs } from './ServerActs.tsx'
import styles from './servers.module.css'
import { useSize } from './size.ts'

/** A server: its patch panel, what it is, and what happened to it. */
export default function ServerPage() {
  const t = useText()
  const { id = '' } = useParams()
  const server = useQuery(serverQuery(id))
  const nics = useQuery(nicsQuery({ serverId: id }))
  const back = { label: t(common.servers), to: '/servers' }
  const error = server.error ?? nics.error
  if (error) return <Failed error={error} back={back} />
  if (!server.data || !nics.data) {
    return (
      <Page title={server.data?.name ?? id} above={back}>
        <Loading />
      </Page>
    )
  }
  return <Shown key={id} server={server.data} nics={nics.data.items} />
}

function Shown({ server, nics }: { server: Server; nics: readonly Nic[] }) {
  const t = useText()
  const sizeOf = useSize()
  const { buttons, dialogs } = useServerActs(server, nics)
  // The panel first: it is what one comes for.
  const isPanelThere = useDeferredValue(true, false)
  return (
    <Page
      title={server.name}
      above={{ label: t(common.servers), to: '/servers' }}
      beside={<ServerState state={server.state} />}
      actions={buttons}
    >
      {dialogs}
      {server.last_error !== null && (
        <div className={styles.failed} role="note">
          <strong>{t(servers.lastFailed)}</strong>
          <p>{server.last_error}</p>
        </div>
      )}
      {server.state !== 'terminated' && <PatchPanel server={server} nics={nics} />}
      {server.job_id !== null && <CurrentJob id={server.job_id} />}
      {isPanelThere && nics.length > 0 && (
        <Panel title={t(servers.cardList)}>
          <CardTable nics={nics} />
        </Panel>
      )}
      {isPanelThere && (
        <Columns>
          <Panel title={t(common.details)}>
            <Facts
              facts={[
                [t(common.id), <Copyable key="id" text={server.id} />],
                [t(common.description), server.description || undefined],
                [t(common.tags), <Tags key="tags" tags={server.tags} />],
                [
                  t(servers.guest),
                  `${t(servers[server.guest])}${server.qmp_socket === null ? '' : ` · ${t(servers.adopted)}`}`,
                ],
                [t(servers.size), sizeOf(server)],
                [t(common.hypervisor), server.hypervisor_id],
                [t(servers.qmpSocket), server.qmp_socket ?? undefined],
                [t(servers.qgaSocket), server.qga_socket ?? undefined],
                [
                  t(servers.dhcpOptions),
                  Object.keys(server.dhcp_options).length > 0 ? (
                    <Tags key="dhcp" tags={server.dhcp_options} />
                  ) : undefined,
                ],
                [t(common.created), <Time key="created" at={server.created_at} />],
                [t(common.changed), <Time key="changed" at={server.updated_at} />],
              ]}
            />
          </Panel>
          <Panel title={t(common.history)}>
            <History id={server.id} isServer />
          </Panel>
        </Columns>
      )}
    </Page>
  )
}

/** The work that a server is in. */
function CurrentJob({ id }: { id: string }) {
  const t = useText()
  const { data: job } = useQuery(jobQuery(id))
  if (!job) return null
  return (
    <Panel
      title={`${t(servers.goingOn)}: ${t(jobActions[job.action])}`}
      actions={
        <>
          <JobState state={job.state} />
          <LinkButton to={`/jobs/${id}`} isSmall>
            {t(common.job)}
          </LinkButton>
        </>
      }
    >
      <JobSteps job={job} />
    </Panel>
  )
}
