import { Link, useSearchParams } from 'react-router'
import type { ElasticIp, ElasticIpPool } from '../../api/client.ts'
import { useLacks } from '../../api/session.tsx'
import { common } from '../../text/common.ts'
import { elasticIps as words } from '../../text/elastic-ips.ts'
import { useText } from '../../text/language.tsx'
import { createdColumn } from '../../ui/created-column.tsx'
import type { Column } from '../../ui/DataTable.tsx'
import { ActMenu } from '../../ui/page.tsx'
import { ipv4Number } from '../networks/ranges.ts'
import { ElasticIpState } from './ElasticIpState.tsx'
import { Holder } from './Holder.tsx'

export type ElasticIpAct = 'associate' | 'disassociate' | 'bandwidth' | 'edit' | 'release'

export function useElasticIpColumns(
  pools: ReadonlyMap<string, ElasticIpPool>,
  open: (what: ElasticIpAct, of: ElasticIp) => void,
): readonly Column<ElasticIp>[] {
  const t = useText()
  return [
    {
      id: 'address',
      header: t(common.address),
      width: '160px',
      sortBy: ({ address }) => ipv4Number(address) ?? 0,
      cell: (one) => <Address of={one} />,
    },
    {
      id: 'name',
      header: t(common.name),
      width: 'minmax(120px, 1fr)',
      sortBy: ({ name }) => name,
      cell: ({ name }) => name || <span className="soft">{t(common.unnamed)}</span>,
    },
    {
      id: 'state',
      header: t(common.state),
      width: '145px',
      sortBy: ({ state }) => state,
      cell: ({ state }) => <ElasticIpState state={state} />,
    },
    {
      id: 'holder',
      header: t(words.associatedWith),
      width: 'minmax(220px, 1.6fr)',
      cell: ({ nic_id, vpc_id }) => <Holder nic_id={nic_id} vpc_id={vpc_id} />,
    },
    {
      id: 'bandwidth',
      header: t(words.bandwidth),
      width: '130px',
      isEnd: true,
      sortBy: ({ bandwidth_mbps }) => bandwidth_mbps ?? Number.POSITIVE_INFINITY,
      cell: ({ bandwidth_mbps: count }) =>
        count === null ? <span className="soft">{t(words.unlimited)}</span> : t(words.mbps, { count }),
    },
    {
      id: 'pool',
      header: t(words.pool),
      width: 'minmax(110px, 0.7fr)',
      sortBy: ({ pool_id }) => pools.get(pool_id)?.name ?? pool_id,
      cell: ({ pool_id }) => pools.get(pool_id)?.name ?? pool_id,
    },
    createdColumn(t),
    { id: 'acts', header: '', width: '60px', isEnd: true, cell: (one) => <Acts of={one} open={open} /> },
  ]
}

/** Opens the details, and leaves what is looked for as it is. */
function Address({ of }: { of: ElasticIp }) {
  const t = useText()
  const [params] = useSearchParams()
  const next = new URLSearchParams(params)
  next.set('id', of.id)
  return (
    <Link to={{ search: next.toString() }} title={t(words.showDetails)}>
      <code>{of.address}</code>
    </Link>
  )
}

function Acts({ of, open }: { of: ElasticIp; open: (what: ElasticIpAct, of: ElasticIp) => void }) {
  const t = useText()
  const why = useLacks()('operator')
  const isHeld = of.state === 'associated'
  return (
    <ActMenu
      label={`${t(common.actions)}: ${of.address}`}
      acts={[
        { id: 'associate', label: t(words.associate), why, onAction: () => open('associate', of) },
        {
          id: 'disassociate',
          label: t(words.disassociate),
          why: why ?? (isHeld ? undefined : t(words.notAssociated)),
          onAction: () => open('disassociate', of),
        },
        { id: 'bandwidth', label: t(words.setBandwidth), why, onAction: () => open('bandwidth', of) },
        { id: 'edit', label: t(common.edit), why, onAction: () => open('edit', of) },
        {
          id: 'release',
          label: t(words.release),
          isBad: true,
          why: why ?? (isHeld ? t(words.disassociateFirst) : undefined),
          onAction: () => open('release', of),
        },
      ]}
    />
  )
}
