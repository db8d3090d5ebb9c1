import { useQuery } from '@tanstack/react-query'
import { Plus } from 'lucide-react'
import { useState } from 'react'
import type { Hypervisor, Server } from '../../api/client.ts'
import { hypervisorsQuery, serversQuery } from '../../api/queries.ts'
import { refusalOf } from '../../api/refusal.ts'
import { useLacks } from '../../api/session.tsx'
import { useUrlText } from '../../app/url-params.ts'
import { common } from '../../text/common.ts'
import { hypervisors } from '../../text/hypervisors.ts'
import { useText } from '../../text/language.tsx'
import { Button } from '../../ui/Button.tsx'
import { SearchField } from '../../ui/fields.tsx'
import { Empty, Loading, Page, Panel, Toolbar } from '../../ui/page.tsx'
import { RefusalView } from '../../ui/Refusal.tsx'
import { Once, type OnceItem } from '../access-keys/Once.tsx'
import { HypervisorCard } from './HypervisorCard.tsx'
import styles from './hypervisors.module.css'
import { RegisterDialog, type Registered } from './RegisterDialog.tsx'

/**
 * How often the list is read again while it is looked at. Of hypervisors there are no events, for they are of no project;
 * and of a worker that has fallen silent there can be none.
 */
const LOOK_AGAIN_MS = 5_000

export default function HypervisorsPage() {
  const t = useText()
  const lacks = useLacks()
  const search = useUrlText('search')
  /** What is registered: a new one is ''. */
  const [registering, setRegistering] = useState<string>()
  const [registered, setRegistered] = useState<Registered>()
  const { data, error } = useQuery({ ...hypervisorsQuery(), refetchInterval: LOOK_AGAIN_MS })
  const { data: servers } = useQuery({ ...serversQuery(), select: ({ items }) => byHypervisor(items) })
  const why = lacks('admin')
  const register = (
    <Button look="primary" icon={<Plus size={16} aria-hidden />} why={why} onPress={() => setRegistering('')}>
      {t(hypervisors.register)}
    </Button>
  )
  const wanted = search.text.trim().toLowerCase()
  const shown = data?.items.filter((one) => matches(one, wanted))
  return (
    <Page title={t(common.hypervisors)} actions={register}>
      <Toolbar>
        <SearchField label={t(hypervisors.searchHint)} value={search.text} onChange={search.setText} />
      </Toolbar>
      {error && !data && <RefusalView refusal={refusalOf(error)} />}
      {!shown && !error && <Loading />}
      {shown?.length === 0 && (
        <Panel>
          <Empty>{t(wanted === '' ? hypervisors.noneYet : common.nothingFound)}</Empty>
        </Panel>
      )}
      <ul className={styles.cards}>
        {shown?.map((one) => (
          <HypervisorCard
            key={one.id}
            hypervisor={one}
            servers={servers?.get(one.id) ?? []}
            why={why}
            onNewToken={() => setRegistering(one.id)}
          />
        ))}
      </ul>
      {registering !== undefined && (
        <RegisterDialog
          id={registering}
          known={data?.items ?? []}
          onClose={() => setRegistering(undefined)}
          onDone={(done) => {
            setRegistering(undefined)
            setRegistered(done)
          }}
        />
      )}
      {registered && <Token of={registered} onClose={() => setRegistered(undefined)} />}
    </Page>
  )
}

/** The token of a worker, and how the worker is started with it. */
function Token({ of: { id, token }, onClose }: { of: Registered; onClose: () => void }) {
  const t = useText()
  const items: OnceItem[] = [
    { label: t(hypervisors.token), text: token },
    {
      label: t(hypervisors.howToStart),
      text: [
        `PATCHBAY_API_URL=${location.origin} \\`,
        `PATCHBAY_HYPERVISOR_ID=${id} \\`,
        `PATCHBAY_HYPERVISOR_TOKEN=${token} \\`,
        'node dist/src/cli.js worker',
      ].join('\n'),
    },
  ]
  return <Once title={t(hypervisors.isRegistered, { id })} items={items} onClose={onClose} />
}

const matches = ({ id, zone_id, facts }: Hypervisor, wanted: string): boolean =>
  [id, zone_id, ...(Array.isArray(facts.interfaces) ? facts.interfaces : [])].some((words) =>
    String(words).toLowerCase().includes(wanted),
  )

function byHypervisor(servers: readonly Server[]): ReadonlyMap<string, Server[]> {
  const by = new Map<string, Server[]>()
  for (const server of servers) {
    if (server.state === 'terminated') continue
    by.set(server.hypervisor_id, [...(by.get(server.hypervisor_id) ?? []), server])
  }
  return by
}
