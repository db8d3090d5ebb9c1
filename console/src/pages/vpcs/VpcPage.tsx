import { useQuery } from '@tanstack/react-query'
import { lazy, Suspense, useState } from 'react'
import { useNavigate, useParams } from 'react-router'
import { updateVpc, type Vpc } from '../../api/client.ts'
import { networksQuery, vpcQuery } from '../../api/queries.ts'
import { useLacks } from '../../api/session.tsx'
import { common } from '../../text/common.ts'
import { useText } from '../../text/language.tsx'
import { networks as networkWords } from '../../text/networks.ts'
import { vpcs as words } from '../../text/vpcs.ts'
import { Badge } from '../../ui/Badge.tsx'
import { Button } from '../../ui/Button.tsx'
import { DataTable } from '../../ui/DataTable.tsx'
import { EditDialog } from '../../ui/EditDialog.tsx'
import { ActMenu, Columns, Copyable, Facts, Failed, Loading, Page, Panel, Tags, Time } from '../../ui/page.tsx'
import { PortForwardings } from '../elastic-ips/PortForwardings.tsx'
import { History } from '../events/History.tsx'
import { CreateNetworkDialog } from '../networks/CreateNetworkDialog.tsx'
import { canJoin, JoinDialog } from '../networks/JoinDialog.tsx'
import { useNetworkColumns } from '../networks/network-columns.tsx'
import { DeleteVpcDialog } from './DeleteVpcDialog.tsx'
import { RouterPanel } from './RouterPanel.tsx'

const Topology = lazy(() => import('./Topology.tsx'))

type Open = 'edit' | 'delete' | 'join' | 'create'

export default function VpcPage() {
  const t = useText()
  const { id = '' } = useParams()
  const { data: vpc, error } = useQuery(vpcQuery(id))
  const back = { label: t(common.vpcs), to: '/vpcs' }
  if (error) return <Failed error={error} back={back} />
  if (!vpc) return <Loading />
  return <Shown key={id} vpc={vpc} back={back} />
}

function Shown({ vpc, back }: { vpc: Vpc; back: { label: string; to: string } }) {
  const t = useText()
  const navigate = useNavigate()
  const lacks = useLacks()('operator')
  const { data: all } = useQuery(networksQuery())
  const [open, setOpen] = useState<Open>()
  const close = () => setOpen(undefined)
  const columns = useNetworkColumns()
  const networks = all?.items.filter(({ vpc_id }) => vpc_id === vpc.id)
  const count = networks?.length ?? 0
  const isGone = vpc.deleted_at !== null
  const why = lacks ?? (isGone ? t(words.gone) : undefined)
  return (
    <Page
      title={vpc.name}
      above={back}
      beside={
        (isGone || !vpc.routing) && (
          <Badge tone={isGone ? 'bad' : 'idle'}>{t(isGone ? words.gone : words.routerIsOff)}</Badge>
        )
      }
      actions={
        <>
          <Button look="primary" why={why} onPress={() => setOpen('create')}>
            {t(networkWords.create)}
          </Button>
          <Button why={why} onPress={() => setOpen('edit')}>
            {t(common.edit)}
          </Button>
          <ActMenu
            acts={[
              {
                id: 'delete',
                label: t(common.delete),
                isBad: true,
                why: why ?? (count > 0 ? t(words.hasNetworks, { count }) : undefined),
                onAction: () => setOpen('delete'),
              },
            ]}
          />
        </>
      }
    >
      <Columns>
        <Panel title={t(networkWords.facts)}>
          <Facts
            facts={[
              [t(common.id), <Copyable key="id" text={vpc.id} />],
              [t(networkWords.range), <Copyable key="cidr" text={vpc.cidr} />],
              [t(common.description), vpc.description || undefined],
              [t(common.tags), <Tags key="tags" tags={vpc.tags} />],
              [t(common.created), <Time key="created" at={vpc.created_at} />],
            ]}
          />
        </Panel>
        {!isGone && <RouterPanel vpc={vpc} networkCount={count} />}
      </Columns>
      {!isGone && (
        <Panel title={t(words.topology)}>
          <Suspense fallback={<Loading />}>
            <Topology vpc={vpc} />
          </Suspense>
        </Panel>
      )}
      <Panel
        title={t(words.networksOf)}
        actions={
          <Button
            why={why ?? (all?.items.some(canJoin) ? undefined : t(words.noLoose))}
            onPress={() => setOpen('join')}
          >
            {t(words.joinNetwork)}
          </Button>
        }
      >
        <DataTable
          label={t(words.networksOf)}
          columns={columns}
          rows={networks}
          idOf={({ id }) => id}
          nameOf={({ name }) => name}
          firstSort={{ column: 'cidr', isDescending: false }}
          empty={t(words.noNetworks)}
        />
      </Panel>
      {!isGone && <PortForwardings vpcId={vpc.id} />}
      <Panel title={t(common.history)}>
        <History id={vpc.id} />
      </Panel>
      {open === 'create' && (
        <CreateNetworkDialog vpcId={vpc.id} onClose={close} onMade={({ id }) => void navigate(`/networks/${id}`)} />
      )}
      {open === 'join' && <JoinDialog vpc={vpc} onClose={close} />}
      {open === 'edit' && (
        <EditDialog
          title={t(words.editThis, { name: vpc.name })}
          of={vpc}
          save={(changes, options) => updateVpc(vpc.id, changes, options)}
          onClose={close}
        />
      )}
      {open === 'delete' && (
        <DeleteVpcDialog vpc={vpc} onClose={close} onDone={() => void navigate(back.to, { replace: true })} />
      )}
    </Page>
  )
}
