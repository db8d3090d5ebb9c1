import { useQuery } from '@tanstack/react-query'
import { Plus } from 'lucide-react'
import { useMemo, useState } from 'react'
import { Link } from 'react-router'
import type { Server } from '../../api/client.ts'
import { hypervisorsQuery, serversQuery, type Whole } from '../../api/queries.ts'
import { useLacks } from '../../api/session.tsx'
import { useParam } from '../../app/url-params.ts'
import { common } from '../../text/common.ts'
import { useText } from '../../text/language.tsx'
import { servers } from '../../text/servers.ts'
import { serverStates } from '../../text/states.ts'
import { ServerState } from '../../ui/Badge.tsx'
import { Button } from '../../ui/Button.tsx'
import { type Column, DataTable } from '../../ui/DataTable.tsx'
import { Filter } from '../../ui/Filter.tsx'
import { SearchField } from '../../ui/fields.tsx'
import { Lines, TimeLines } from '../../ui/Lines.tsx'
import { Empty, Failed, Page, Toolbar } from '../../ui/page.tsx'
import { BulkActs } from './BulkActs.tsx'
import { CreateServer } from './CreateServer.tsx'
import { MiniPanel } from './MiniPanel.tsx'
import { useSize } from './size.ts'
import { SLOTS } from './slots.ts'
import { useCards, useCardsOf } from './use-cards.ts'

const NOBODY: ReadonlySet<string> = new Set()
/** Those that are gone are not listed. */
const STATES = ['pending', 'starting', 'running', 'stopping', 'stopped', 'terminating'] as const

export default function ServersPage() {
  const t = useText()
  const lacks = useLacks()
  const { data, error } = useQuery(serversQuery())
  const { data: hypervisors } = useQuery(hypervisorsQuery())
  const [selected, select] = useState(NOBODY)
  const [search, setSearch] = useParam('search')
  const [state, setState] = useParam('state')
  const [hypervisor, setHypervisor] = useParam('hypervisor')
  const [create, setCreate] = useParam('create')
  const columns = useColumns()
  const rows = useFound(data, search, state, hypervisor)
  if (error) return <Failed error={error} back={{ label: t(common.overview), to: '/' }} />
  const why = lacks('operator')
  const createButton = (
    <Button look="primary" icon={<Plus size={16} aria-hidden />} why={why} onPress={() => setCreate('1')}>
      {t(servers.create)}
    </Button>
  )
  const isEmpty = data?.items.length === 0
  // What was deleted meanwhile is selected no longer.
  const chosen = rows?.filter(({ id }) => selected.has(id)) ?? []
  return (
    <Page title={t(common.servers)} actions={createButton}>
      <Toolbar>
        <SearchField label={t(servers.searchHint)} value={search} onChange={setSearch} />
        <Filter
          label={t(common.state)}
          options={STATES.map((id) => ({ id, label: t(serverStates[id]) }))}
          value={state}
          onChange={setState}
        />
        {(hypervisors?.items.length ?? 0) > 1 && (
          <Filter
            label={t(common.hypervisor)}
            options={(hypervisors?.items ?? []).map(({ id }) => ({ id, label: id }))}
            value={hypervisor}
            onChange={setHypervisor}
          />
        )}
        <BulkActs selected={chosen} onDone={() => select(NOBODY)} />
      </Toolbar>
      <DataTable
        label={t(common.servers)}
        columns={columns}
        rows={rows}
        idOf={({ id }) => id}
        nameOf={({ name }) => name}
        selection={{ ids: new Set(chosen.map(({ id }) => id)), onChange: select }}
        firstSort={{ column: 'created', isDescending: true }}
        empty={
          isEmpty ? (
            <Empty>
              <strong>{t(servers.none)}</strong>
              <p>{t(servers.noneHint)}</p>
              {createButton}
            </Empty>
          ) : (
            t(common.nothingFound)
          )
        }
      />
      {create !== '' && why === undefined && <CreateServer onClose={() => setCreate('')} />}
    </Page>
  )
}

/** By name, id or address, state and hypervisor. */
function useFound(
  data: Whole<Server> | undefined,
  search: string,
  state: string,
  hypervisor: string,
): readonly Server[] | undefined {
  const cards = useCards()
  return useMemo(() => {
    const wanted = search.trim().toLowerCase()
    const words = ({ id, name }: Server) => [
      id,
      name,
      ...(cards?.byServer.get(id) ?? []).map(({ address }) => address ?? ''),
    ]
    return data?.items.filter(
      (server) =>
        (!state || server.state === state) &&
        (!hypervisor || server.hypervisor_id === hypervisor) &&
        (wanted === '' || words(server).some((word) => word.toLowerCase().includes(wanted))),
    )
  }, [data, cards, search, state, hypervisor])
}

/** Narrow enough for a window of 1280 pixels. Shares are as the least widths, so that none is wider than it needs. */
function useColumns(): readonly Column<Server>[] {
  const t = useText()
  const sizeOf = useSize()
  return [
    {
      id: 'name',
      header: t(common.name),
      width: 'minmax(116px, 1.16fr)',
      sortBy: ({ name }) => name,
      cell: ({ id, name }) => <Link to={`/servers/${id}`}>{name}</Link>,
    },
    {
      id: 'state',
      header: t(common.state),
      width: '120px',
      sortBy: ({ state }) => state,
      cell: ({ state }) => <ServerState state={state} />,
    },
    {
      id: 'panel',
      header: t(servers.panel),
      width: 'minmax(188px, 1.88fr)',
      cell: (server) => <PanelCell server={server} />,
    },
    {
      id: 'address',
      header: t(common.address),
      width: 'minmax(124px, 1.24fr)',
      cell: ({ id }) => <AddressCell id={id} />,
    },
    {
      id: 'size',
      header: t(servers.size),
      width: 'minmax(136px, 1.36fr)',
      sortBy: ({ vcpus, memory_mb }) => vcpus * 2 ** 21 + memory_mb,
      cell: ({ guest, qmp_socket: socket, ...size }) => (
        <Lines first={sizeOf(size)} second={t(socket === null ? servers[guest] : servers.adopted)} />
      ),
    },
    {
      id: 'hypervisor',
      header: t(common.hypervisor),
      width: 'minmax(137px, 1.37fr)',
      sortBy: ({ hypervisor_id }) => hypervisor_id,
      cell: ({ hypervisor_id }) => hypervisor_id,
    },
    {
      id: 'created',
      header: t(common.created),
      width: '134px',
      sortBy: ({ created_at }) => created_at,
      cell: ({ created_at }) => <TimeLines at={created_at} />,
    },
  ]
}

const PanelCell = ({ server: { id, state } }: { server: Server }) => {
  const t = useText()
  const nics = useCardsOf(id)
  if (!nics) return null
  return (
    <Lines
      first={<MiniPanel nics={nics} isOn={state === 'running'} />}
      second={t(servers.cardsOf, { count: nics.length, total: SLOTS })}
    />
  )
}
const AddressCell = ({ id }: { id: string }) => {
  const address = useCardsOf(id)?.find(({ primary }) => primary)?.address
  return address ? <code>{address}</code> : <span className="soft">–</span>
}
