import { ArrowDown, ArrowUp, Pencil, Plus, Trash2 } from 'lucide-react'
import { useMemo, useState } from 'react'
import { Link } from 'react-router'
import { ifUnchanged } from '../../api/act.ts'
import { deleteSecurityGroupRule, type SecurityGroup } from '../../api/client.ts'
import { useLacks } from '../../api/session.tsx'
import { useJob } from '../../app/our-jobs.ts'
import { common } from '../../text/common.ts'
import { useText } from '../../text/language.tsx'
import { securityGroups as words } from '../../text/security-groups.ts'
import { Badge } from '../../ui/Badge.tsx'
import { Button } from '../../ui/Button.tsx'
import { type Column, DataTable } from '../../ui/DataTable.tsx'
import { ConfirmDialog } from '../../ui/Dialog.tsx'
import { Empty, Panel } from '../../ui/page.tsx'
import { RefusalView } from '../../ui/Refusal.tsx'
import { RuleDialog } from './RuleDialog.tsx'
import { detailOf, meaningOf, type Naming, protocolName } from './rule-words.ts'
import { type Direction, inOrder, type Move, moved, type Rule } from './rules.ts'
import styles from './security-groups.module.css'
import { useMoveRule } from './use-rules.ts'

interface Props {
  readonly group: SecurityGroup
  readonly direction: Direction
  /** All of the group, both ways. */
  readonly rules: readonly Rule[] | undefined
  readonly naming: Naming
}

type Open = { readonly what: 'add' | 'edit' | 'delete'; readonly group: SecurityGroup; readonly rule?: Rule }

/** The rules of one direction, in the order in which they are asked. */
export function RulesSection({ group, direction, rules, naming }: Props) {
  const t = useText()
  const lacks = useLacks()
  const [open, setOpen] = useState<Open>()
  const close = () => setOpen(undefined)
  const rows = useMemo(() => rules && inOrder(rules.filter((rule) => rule.direction === direction)), [rules, direction])
  const move = useMoveRule(group, rules ?? [])
  const columns = useColumns({
    direction,
    rows: rows ?? [],
    naming,
    move: (id, how) => void move.run({ id, how }),
    open: (what, rule) => setOpen({ what, group, rule }),
  })
  const title = t(direction === 'in' ? words.inbound : words.outbound)
  return (
    <Panel
      title={title}
      actions={
        <Button
          icon={<Plus size={16} aria-hidden />}
          why={lacks('operator')}
          onPress={() => setOpen({ what: 'add', group })}
        >
          {t(direction === 'in' ? words.addInbound : words.addOutbound)}
        </Button>
      }
    >
      {move.refusal && <RefusalView refusal={move.refusal} />}
      <DataTable
        label={title}
        columns={columns}
        rows={rows}
        idOf={({ id }) => id}
        nameOf={({ name, id }) => name || id}
        empty={<Empty>{t(direction === 'in' ? words.noInbound : words.noOutbound)}</Empty>}
      />
      {(open?.what === 'add' || open?.what === 'edit') && (
        <RuleDialog group={open.group} direction={direction} rule={open.rule} naming={naming} onClose={close} />
      )}
      {open?.what === 'delete' && open.rule && (
        <DeleteRule group={open.group} rule={open.rule} naming={naming} onClose={close} />
      )}
    </Panel>
  )
}

interface DeleteProps extends Pick<Props, 'group' | 'naming'> {
  readonly rule: Rule
  readonly onClose: () => void
}

function DeleteRule({ group, rule, naming, onClose }: DeleteProps) {
  const t = useText()
  const act = useJob<void>((_, options) => deleteSecurityGroupRule(group.id, rule.id, ifUnchanged(group, options)))
  return (
    <ConfirmDialog title={t(words.deleteRule)} confirm={t(common.delete)} act={act} onClose={onClose}>
      <p>{meaningOf(rule, naming, t)}</p>
    </ConfirmDialog>
  )
}

interface ColumnsOf {
  readonly direction: Direction
  readonly rows: readonly Rule[]
  readonly naming: Naming
  readonly move: (id: string, how: Move) => void
  readonly open: (what: 'edit' | 'delete', rule: Rule) => void
}

function useColumns({ direction, rows, naming, move, open }: ColumnsOf): readonly Column<Rule>[] {
  const t = useText()
  const lacks = useLacks()
  const why = lacks('operator')
  const step = (rule: Rule, by: -1 | 1) => {
    const how = moved(rows, rule.id, by)
    const Arrow = by < 0 ? ArrowUp : ArrowDown
    return (
      <Button
        look="quiet"
        isSmall
        icon={<Arrow size={14} aria-hidden />}
        label={t(by < 0 ? words.moveUp : words.moveDown, { rule: meaningOf(rule, naming, t) })}
        why={why ?? (how ? undefined : t(by < 0 ? words.isFirst : words.isLast))}
        onPress={() => how && move(rule.id, how)}
      />
    )
  }
  return [
    {
      id: 'priority',
      header: t(words.priority),
      width: '120px',
      cell: (rule) => (
        <span className={styles.order}>
          <span>{rule.priority}</span>
          {step(rule, -1)}
          {step(rule, 1)}
        </span>
      ),
    },
    {
      id: 'action',
      header: t(words.action),
      width: '105px',
      cell: ({ action }) => <Badge tone={action === 'accept' ? 'good' : 'bad'}>{t(words[action])}</Badge>,
    },
    {
      id: 'protocol',
      header: t(words.protocol),
      width: '100px',
      cell: ({ protocol }) => protocolName(protocol, t),
    },
    {
      id: 'ports',
      header: t(words.portsOrType),
      width: '130px',
      cell: (rule) => detailOf(rule, t) ?? <span className="soft">{t(common.all)}</span>,
    },
    {
      id: 'remote',
      header: t(direction === 'in' ? words.remoteIn : words.remoteOut),
      width: 'minmax(140px, 0.8fr)',
      cell: (rule) => <RemoteCell rule={rule} naming={naming} />,
    },
    { id: 'name', header: t(common.name), width: 'minmax(100px, 0.6fr)', cell: ({ name }) => name },
    {
      id: 'meaning',
      header: t(words.meaning),
      width: 'minmax(280px, 1.8fr)',
      cell: (rule) => {
        const meaning = meaningOf(rule, naming, t)
        return (
          <span className="soft" title={meaning}>
            {meaning}
          </span>
        )
      },
    },
    {
      id: 'acts',
      header: '',
      width: '88px',
      isEnd: true,
      cell: (rule) => (
        <span className={styles.acts}>
          <Button
            look="quiet"
            isSmall
            icon={<Pencil size={14} aria-hidden />}
            label={t(words.editRule, { rule: meaningOf(rule, naming, t) })}
            why={why}
            onPress={() => open('edit', rule)}
          />
          <Button
            look="quiet"
            isSmall
            icon={<Trash2 size={14} aria-hidden />}
            label={t(words.deleteTheRule, { rule: meaningOf(rule, naming, t) })}
            why={why}
            onPress={() => open('delete', rule)}
          />
        </span>
      ),
    },
  ]
}

function RemoteCell({ rule, naming }: { rule: Rule; naming: Naming }) {
  const t = useText()
  if (rule.remote_cidr !== null) return <code>{rule.remote_cidr}</code>
  if (rule.remote_group_id === null) return <span className="soft">{t(words.anyone)}</span>
  if (rule.remote_group_id === naming.groupId) return t(words.thisGroup)
  return <Link to={`/security-groups/${rule.remote_group_id}`}>{naming.nameOf(rule.remote_group_id)}</Link>
}
