import { useState } from 'react'
import { useSearchParams } from 'react-router'
import type { ElasticIpPool } from '../../api/client.ts'
import { useLacks } from '../../api/session.tsx'
import { common } from '../../text/common.ts'
import { elasticIps as words } from '../../text/elastic-ips.ts'
import { useText } from '../../text/language.tsx'
import { type Column, DataTable } from '../../ui/DataTable.tsx'
import { ActMenu } from '../../ui/page.tsx'
import { Usage } from '../../ui/UsageBar.tsx'
import { NoPool } from './NoPool.tsx'
import { DeletePoolDialog, EditPoolDialog } from './PoolDialogs.tsx'
import { usedOf } from './pools.ts'

type Open = { readonly what: 'edit' | 'delete'; readonly pool: ElasticIpPool }

/** The pools of the installation: everyone sees them, admins change them. */
export function PoolsTab({ pools }: { pools: readonly ElasticIpPool[] | undefined }) {
  const t = useText()
  const [, setParams] = useSearchParams()
  const [open, setOpen] = useState<Open>()
  const close = () => setOpen(undefined)
  const columns = useColumns((what, pool) => setOpen({ what, pool }))
  if (pools?.length === 0) return <NoPool onMake={() => setParams({ tab: 'pools', create: '1' }, { replace: true })} />
  return (
    <>
      <DataTable
        label={t(words.pools)}
        columns={columns}
        rows={pools}
        idOf={({ id }) => id}
        nameOf={({ name }) => name}
      />
      {open?.what === 'edit' && <EditPoolDialog pool={open.pool} onClose={close} />}
      {open?.what === 'delete' && <DeletePoolDialog pool={open.pool} onClose={close} />}
    </>
  )
}

function useColumns(open: (what: Open['what'], pool: ElasticIpPool) => void): readonly Column<ElasticIpPool>[] {
  const t = useText()
  const why = useLacks()('admin')
  return [
    {
      id: 'name',
      header: t(common.name),
      width: 'minmax(120px, 1fr)',
      sortBy: ({ name }) => name,
      cell: ({ name, id }) => <span title={id}>{name}</span>,
    },
    { id: 'cidr', header: t(words.segment), width: '150px', cell: ({ cidr }) => <code>{cidr}</code> },
    { id: 'gateway', header: t(words.gateway), width: '130px', cell: ({ gateway }) => <code>{gateway}</code> },
    {
      id: 'range',
      header: t(words.addresses),
      width: '290px',
      cell: ({ first, last }) => (
        <code>
          {first} – {last}
        </code>
      ),
    },
    {
      id: 'interface',
      header: t(words.interface),
      width: '120px',
      cell: (pool) => <code>{pool.interface}</code>,
    },
    {
      id: 'use',
      header: t(words.use),
      width: 'minmax(200px, 1fr)',
      sortBy: ({ addresses_available }) => addresses_available,
      cell: ({ addresses_available, addresses_total }) => <Usage free={addresses_available} total={addresses_total} />,
    },
    {
      id: 'acts',
      header: '',
      width: '60px',
      isEnd: true,
      cell: (pool) => (
        <ActMenu
          label={`${t(common.actions)}: ${pool.name}`}
          acts={[
            { id: 'edit', label: t(common.edit), why, onAction: () => open('edit', pool) },
            {
              id: 'delete',
              label: t(common.delete),
              isBad: true,
              why: why ?? (usedOf(pool) > 0 ? t(words.poolInUse, { count: usedOf(pool) }) : undefined),
              onAction: () => open('delete', pool),
            },
          ]}
        />
      ),
    },
  ]
}
