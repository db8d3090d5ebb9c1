import { useQuery } from '@tanstack/react-query'
import { Plus } from 'lucide-react'
import { useMemo, useState } from 'react'
import { Link, useNavigate } from 'react-router'
import type { Vpc } from '../../api/client.ts'
import { elasticIpsQuery, networksQuery, vpcsQuery } from '../../api/queries.ts'
import { refusalOf } from '../../api/refusal.ts'
import { useLacks } from '../../api/session.tsx'
import { useParam } from '../../app/url-params.ts'
import { common } from '../../text/common.ts'
import { useText } from '../../text/language.tsx'
import { networks as networkWords } from '../../text/networks.ts'
import { vpcs as words } from '../../text/vpcs.ts'
import { Badge } from '../../ui/Badge.tsx'
import { Button } from '../../ui/Button.tsx'
import { createdColumn } from '../../ui/created-column.tsx'
import { type Column, DataTable } from '../../ui/DataTable.tsx'
import { SearchField } from '../../ui/fields.tsx'
import { Empty, Page, Toolbar } from '../../ui/page.tsx'
import { RefusalView } from '../../ui/Refusal.tsx'
import { ipv4Number } from '../networks/ranges.ts'
import { CreateVpcDialog } from './CreateVpcDialog.tsx'

export default function VpcsPage() {
  const t = useText()
  const navigate = useNavigate()
  const why = useLacks()('operator')
  const { data, error } = useQuery(vpcsQuery())
  const [search, setSearch] = useParam('search')
  const [isCreating, setCreating] = useState(false)
  const columns = useColumns()
  const rows = useMemo(() => data?.items.filter((vpc) => matches(vpc, search)), [data, search])
  const create = (
    <Button look="primary" icon={<Plus size={16} aria-hidden />} why={why} onPress={() => setCreating(true)}>
      {t(words.create)}
    </Button>
  )
  return (
    <Page title={t(common.vpcs)} actions={create}>
      <Toolbar>
        <SearchField label={t(words.searchFor)} value={search} onChange={setSearch} />
      </Toolbar>
      {error && <RefusalView refusal={refusalOf(error)} />}
      <DataTable
        label={t(common.vpcs)}
        columns={columns}
        rows={rows}
        idOf={({ id }) => id}
        nameOf={({ name }) => name}
        empty={
          search === '' ? (
            <Empty>
              <p>{t(words.none)}</p>
              {create}
            </Empty>
          ) : (
            t(words.noneFound)
          )
        }
      />
      {isCreating && (
        <CreateVpcDialog onClose={() => setCreating(false)} onMade={({ id }) => void navigate(`/vpcs/${id}`)} />
      )}
    </Page>
  )
}

function useColumns(): readonly Column<Vpc>[] {
  const t = useText()
  const { data: networks } = useQuery(networksQuery())
  const { data: elasticIps } = useQuery(elasticIpsQuery())
  return useMemo(() => {
    const counts = new Map<string | null, number>()
    for (const { vpc_id } of networks?.items ?? []) counts.set(vpc_id, (counts.get(vpc_id) ?? 0) + 1)
    const addressOf = new Map(elasticIps?.items.map(({ vpc_id, address }) => [vpc_id, address]))
    const onOff = (isOn: boolean) => (
      <Badge tone={isOn ? 'good' : 'idle'}>{t(isOn ? words.routerOn : words.routerOff)}</Badge>
    )
    return [
      {
        id: 'name',
        header: t(common.name),
        width: 'minmax(160px, 1.4fr)',
        sortBy: ({ name }) => name,
        cell: ({ id, name }) => <Link to={`/vpcs/${id}`}>{name}</Link>,
      },
      {
        id: 'cidr',
        header: t(networkWords.range),
        width: '160px',
        sortBy: ({ cidr }) => ipv4Number(cidr.split('/')[0] ?? '') ?? 0,
        cell: ({ cidr }) => <span className="mono">{cidr}</span>,
      },
      {
        id: 'networks',
        header: t(common.networks),
        width: '120px',
        isEnd: true,
        sortBy: ({ id }) => counts.get(id) ?? 0,
        cell: ({ id }) => <Link to={`/networks?vpc=${id}`}>{counts.get(id) ?? 0}</Link>,
      },
      { id: 'router', header: t(words.router), width: '120px', cell: ({ routing }) => onOff(routing) },
      {
        id: 'nat',
        header: t(words.sourceNat),
        width: '120px',
        cell: ({ source_nat }) => t(source_nat ? common.yes : common.no),
      },
      {
        id: 'eip',
        header: t(common.elasticIp),
        width: '150px',
        sortBy: ({ id }) => ipv4Number(addressOf.get(id) ?? '') ?? -1,
        cell: ({ id }) =>
          addressOf.has(id) ? <span className="mono">{addressOf.get(id)}</span> : <span className="soft">–</span>,
      },
      createdColumn(t),
    ]
  }, [t, networks, elasticIps])
}

const matches = ({ id, name, cidr }: Vpc, search: string): boolean => {
  const wanted = search.trim().toLowerCase()
  return [id, name.toLowerCase(), cidr].some((text) => text.includes(wanted))
}
