import { useMemo, useState } from 'react'
import type { ElasticIp, ElasticIpPool } from '../../api/client.ts'
import { useParam } from '../../app/url-params.ts'
import { common } from '../../text/common.ts'
import { elasticIpStates, elasticIps as words } from '../../text/elastic-ips.ts'
import { useText } from '../../text/language.tsx'
import { DataTable } from '../../ui/DataTable.tsx'
import { Filter } from '../../ui/Filter.tsx'
import { SearchField } from '../../ui/fields.tsx'
import { Empty, Toolbar } from '../../ui/page.tsx'
import { AssociateDialog } from './AssociateDialog.tsx'
import {
  BandwidthDialog,
  DisassociateDialog,
  EditElasticIp,
  ElasticIpDetails,
  ReleaseDialog,
} from './ElasticIpDialogs.tsx'
import { type ElasticIpAct, useElasticIpColumns } from './elastic-ip-columns.tsx'
import { NoPool } from './NoPool.tsx'

interface Props {
  readonly rows: readonly ElasticIp[] | undefined
  readonly pools: readonly ElasticIpPool[] | undefined
  readonly onMakePool: () => void
}

/** The elastic IPs of the project. */
export function ElasticIpsTab({ rows: all, pools, onMakePool }: Props) {
  const t = useText()
  const [search, setSearch] = useParam('search')
  const [state, setState] = useParam('state')
  const [pool, setPool] = useParam('pool')
  const [shown, show] = useParam('id')
  const [open, setOpen] = useState<{ readonly what: ElasticIpAct; readonly of: ElasticIp }>()
  const close = () => setOpen(undefined)
  const rows = useMemo(() => all && found(all, { search, state, pool }), [all, search, state, pool])
  const byId = useMemo(() => new Map(pools?.map((one) => [one.id, one])), [pools])
  const columns = useElasticIpColumns(byId, (what, of) => setOpen({ what, of }))
  if (all?.length === 0 && pools?.length === 0) return <NoPool onMake={onMakePool} />
  const details = shown === '' ? undefined : all?.find(({ id }) => id === shown)
  const poolOf = (of: ElasticIp) => byId.get(of.pool_id)
  return (
    <>
      <Toolbar>
        <SearchField label={t(words.searchFor)} value={search} onChange={setSearch} />
        <Filter
          label={t(common.state)}
          options={(['available', 'associated'] as const).map((id) => ({ id, label: t(elasticIpStates[id]) }))}
          value={state}
          onChange={setState}
        />
        {byId.size > 1 && (
          <Filter
            label={t(words.pool)}
            options={[...byId.values()].map(({ id, name }) => ({ id, label: name }))}
            value={pool}
            onChange={setPool}
          />
        )}
      </Toolbar>
      <DataTable
        label={t(common.elasticIps)}
        columns={columns}
        rows={rows}
        idOf={({ id }) => id}
        nameOf={({ address }) => address}
        empty={<Empty>{t(all?.length === 0 ? words.whatItIs : common.nothingFound)}</Empty>}
      />
      {details && <ElasticIpDetails of={details} pool={poolOf(details)} onClose={() => show('')} />}
      {open?.what === 'associate' && <AssociateDialog of={open.of} pool={poolOf(open.of)} onClose={close} />}
      {open?.what === 'disassociate' && <DisassociateDialog of={open.of} onClose={close} />}
      {open?.what === 'bandwidth' && <BandwidthDialog of={open.of} onClose={close} />}
      {open?.what === 'edit' && <EditElasticIp of={open.of} onClose={close} />}
      {open?.what === 'release' && <ReleaseDialog of={open.of} pool={poolOf(open.of)} onClose={close} />}
    </>
  )
}

function found(all: readonly ElasticIp[], by: { search: string; state: string; pool: string }): readonly ElasticIp[] {
  const wanted = by.search.trim().toLowerCase()
  return all.filter(
    ({ id, name, address, state, pool_id }) =>
      (id === wanted || name.toLowerCase().includes(wanted) || address.includes(wanted)) &&
      (by.state === '' || state === by.state) &&
      (by.pool === '' || pool_id === by.pool),
  )
}
