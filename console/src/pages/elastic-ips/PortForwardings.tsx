import { useQuery } from '@tanstack/react-query'
import { Plus } from 'lucide-react'
import { useState } from 'react'
import { ifUnchanged } from '../../api/act.ts'
import {
  deletePortForwarding,
  listPortForwardings,
  type PortForwarding,
  updatePortForwarding,
} from '../../api/client.ts'
import { elasticIpsQuery, vpcQuery, wholeList } from '../../api/queries.ts'
import { refusalOf } from '../../api/refusal.ts'
import { useLacks } from '../../api/session.tsx'
import { useJob } from '../../app/our-jobs.ts'
import { common } from '../../text/common.ts'
import { portForwardings as words } from '../../text/elastic-ips.ts'
import { useText } from '../../text/language.tsx'
import { Badge } from '../../ui/Badge.tsx'
import { Button, LinkButton } from '../../ui/Button.tsx'
import { type Column, DataTable } from '../../ui/DataTable.tsx'
import { ConfirmDialog } from '../../ui/Dialog.tsx'
import { ActMenu, Empty, Panel } from '../../ui/page.tsx'
import { RefusalView } from '../../ui/Refusal.tsx'
import { ipv4Number } from '../networks/ranges.ts'
import styles from './elastic-ips.module.css'
import { PortForwardingDialog, useMeaning } from './PortForwardingDialog.tsx'

const forwardingsQuery = (vpcId: string) =>
  wholeList('port_forwarding', { vpcId }, (cursor, limit) => listPortForwardings(vpcId, { cursor, limit }))

type Open = { readonly what: 'add' } | { readonly what: 'edit' | 'delete'; readonly of: PortForwarding }

/** What comes to a VPC's elastic IP, and where it goes inside. */
export function PortForwardings({ vpcId }: { vpcId: string }) {
  const t = useText()
  const { data: vpc } = useQuery(vpcQuery(vpcId))
  const { data, error } = useQuery(forwardingsQuery(vpcId))
  const { data: addresses } = useQuery(elasticIpsQuery({ vpcId }))
  const lacks = useLacks()('operator')
  const [open, setOpen] = useState<Open>()
  const close = () => setOpen(undefined)
  const outside = addresses?.items[0]?.address
  const toggle = useJob(({ of, enabled }: { of: PortForwarding; enabled: boolean }, options) =>
    updatePortForwarding(vpcId, of.id, { enabled }, ifUnchanged(of, options)),
  )
  const columns = useColumns({
    outside,
    toggle: (of) => void toggle.run({ of, enabled: !of.enabled }),
    open: (what, of) => setOpen({ what, of }),
  })
  const add = (
    <Button icon={<Plus size={16} aria-hidden />} why={lacks} onPress={() => setOpen({ what: 'add' })}>
      {t(words.add)}
    </Button>
  )
  return (
    <Panel title={t(words.title)} actions={add}>
      {addresses?.items.length === 0 && (
        <p className="soft">
          {t(words.noElasticIp)}{' '}
          <LinkButton look="quiet" isSmall to="/elastic-ips">
            {t(words.toElasticIps)}
          </LinkButton>
        </p>
      )}
      {toggle.refusal && <RefusalView refusal={toggle.refusal} />}
      {error && !data ? (
        <RefusalView refusal={refusalOf(error)} />
      ) : (
        <DataTable
          label={t(words.title)}
          columns={columns}
          rows={data?.items}
          idOf={({ id }) => id}
          nameOf={({ name, id }) => name || id}
          firstSort={{ column: 'port', isDescending: false }}
          empty={<Empty>{t(words.whatItIs)}</Empty>}
        />
      )}
      {open && open.what !== 'delete' && vpc && (
        <PortForwardingDialog
          vpc={vpc}
          outside={outside}
          of={open.what === 'edit' ? open.of : undefined}
          onClose={close}
        />
      )}
      {open?.what === 'delete' && <DeleteForwarding of={open.of} outside={outside} onClose={close} />}
    </Panel>
  )
}

interface DeleteProps {
  readonly of: PortForwarding
  readonly outside: string | undefined
  readonly onClose: () => void
}

function DeleteForwarding({ of, outside, onClose }: DeleteProps) {
  const t = useText()
  const meaningOf = useMeaning(outside)
  const act = useJob<void>((_, options) => deletePortForwarding(of.vpc_id, of.id, ifUnchanged(of, options)))
  return (
    <ConfirmDialog title={t(words.delete)} confirm={t(common.delete)} act={act} onClose={onClose}>
      <p>{meaningOf(of)}</p>
      <p>{t(words.stops)}</p>
    </ConfirmDialog>
  )
}

interface ColumnsOf {
  readonly outside: string | undefined
  readonly toggle: (of: PortForwarding) => void
  readonly open: (what: 'edit' | 'delete', of: PortForwarding) => void
}

function useColumns({ outside, toggle, open }: ColumnsOf): readonly Column<PortForwarding>[] {
  const t = useText()
  const why = useLacks()('operator')
  const meaningOf = useMeaning(outside)
  return [
    {
      id: 'port',
      header: t(words.port),
      width: '150px',
      sortBy: ({ port }) => port,
      cell: ({ protocol, port }) => `${protocol.toUpperCase()} ${port}`,
    },
    {
      id: 'target',
      header: t(words.target),
      width: '200px',
      sortBy: ({ address }) => ipv4Number(address) ?? 0,
      cell: ({ address, target_port }) => <code>{`${address}:${target_port}`}</code>,
    },
    {
      id: 'name',
      header: t(common.name),
      width: 'minmax(100px, 0.6fr)',
      sortBy: ({ name }) => name,
      cell: ({ name }) => name,
    },
    {
      id: 'state',
      header: t(common.state),
      width: '130px',
      cell: ({ enabled }) =>
        enabled ? (
          <Badge tone={outside ? 'good' : 'info'}>{t(outside ? words.enabled : words.hasNoEffect)}</Badge>
        ) : (
          <Badge tone="idle">{t(words.disabled)}</Badge>
        ),
    },
    {
      id: 'meaning',
      header: t(common.details),
      width: 'minmax(260px, 2fr)',
      cell: (of) => (
        <span className={of.enabled ? undefined : styles.off} title={meaningOf(of)}>
          {meaningOf(of)}
        </span>
      ),
    },
    {
      id: 'acts',
      header: '',
      width: '60px',
      isEnd: true,
      cell: (of) => (
        <ActMenu
          label={t(words.showOf, { name: `${of.protocol.toUpperCase()} ${of.port}` })}
          acts={[
            { id: 'edit', label: t(common.edit), why, onAction: () => open('edit', of) },
            { id: 'toggle', label: t(of.enabled ? words.disable : words.enable), why, onAction: () => toggle(of) },
            { id: 'delete', label: t(common.delete), isBad: true, why, onAction: () => open('delete', of) },
          ]}
        />
      ),
    },
  ]
}
