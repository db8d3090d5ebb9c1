import { useQuery } from '@tanstack/react-query'
import { Plus } from 'lucide-react'
import { useMemo, useState } from 'react'
import { Link, useNavigate } from 'react-router'
import type { SecurityGroup } from '../../api/client.ts'
import { securityGroupsQuery } from '../../api/queries.ts'
import { useLacks } from '../../api/session.tsx'
import { useParam } from '../../app/url-params.ts'
import { common } from '../../text/common.ts'
import { useText } from '../../text/language.tsx'
import { securityGroups as words } from '../../text/security-groups.ts'
import { Badge } from '../../ui/Badge.tsx'
import { Button } from '../../ui/Button.tsx'
import { createdColumn } from '../../ui/created-column.tsx'
import { type Column, DataTable } from '../../ui/DataTable.tsx'
import { SearchField } from '../../ui/fields.tsx'
import { ActMenu, Empty, Failed, Page, Toolbar } from '../../ui/page.tsx'
import { CreateGroupDialog } from './CreateGroupDialog.tsx'
import { DeleteGroupDialog, EditGroupDialog } from './GroupDialogs.tsx'

type Open = { readonly what: 'edit' | 'delete'; readonly group: SecurityGroup }

export default function SecurityGroupsPage() {
  const t = useText()
  const lacks = useLacks()
  const navigate = useNavigate()
  const { data, error } = useQuery(securityGroupsQuery())
  const [search, setSearch] = useParam('search')
  const [isCreating, setCreating] = useParam('create')
  const [open, setOpen] = useState<Open>()
  const close = () => setOpen(undefined)
  const rows = useMemo(() => data && found(data.items, search), [data, search])
  const columns = useColumns(setOpen)
  if (error && !data) return <Failed error={error} back={{ label: t(common.overview), to: '/' }} />
  const create = (
    <Button
      look="primary"
      icon={<Plus size={16} aria-hidden />}
      why={lacks('operator')}
      onPress={() => setCreating('1')}
    >
      {t(words.create)}
    </Button>
  )
  return (
    <Page title={t(common.securityGroups)} actions={create}>
      <Toolbar>
        <SearchField label={t(words.search)} value={search} onChange={setSearch} />
      </Toolbar>
      <DataTable
        label={t(common.securityGroups)}
        columns={columns}
        rows={rows}
        idOf={({ id }) => id}
        nameOf={({ name }) => name}
        empty={<Empty>{t(search ? common.nothingFound : words.whatItIs)}</Empty>}
      />
      {isCreating && (
        <CreateGroupDialog
          onClose={() => setCreating('')}
          onMade={({ id }) => void navigate(`/security-groups/${id}`)}
        />
      )}
      {open?.what === 'edit' && <EditGroupDialog group={open.group} onClose={close} />}
      {open?.what === 'delete' && <DeleteGroupDialog group={open.group} onClose={close} onGone={close} />}
    </Page>
  )
}

function found(groups: readonly SecurityGroup[], search: string): readonly SecurityGroup[] {
  const wanted = search.trim().toLowerCase()
  return groups.filter(({ id, name }) => id === wanted || name.toLowerCase().includes(wanted))
}

function useColumns(open: (open: Open) => void): readonly Column<SecurityGroup>[] {
  const t = useText()
  const lacks = useLacks()
  return useMemo(
    () => [
      {
        id: 'name',
        header: t(common.name),
        width: 'minmax(220px, 1.4fr)',
        sortBy: ({ name }) => name,
        cell: ({ id, name, is_default }) => (
          <>
            <Link to={`/security-groups/${id}`}>{name}</Link>{' '}
            {is_default && (
              <span title={t(words.isDefaultHint)}>
                <Badge tone="info">{t(words.isDefault)}</Badge>
              </span>
            )}
          </>
        ),
      },
      { id: 'id', header: t(common.id), width: '150px', cell: ({ id }) => <code>{id}</code> },
      {
        id: 'rules',
        header: t(words.rules),
        width: '90px',
        isEnd: true,
        sortBy: ({ rule_count }) => rule_count,
        cell: ({ rule_count }) => rule_count,
      },
      {
        id: 'state',
        header: t(common.state),
        width: '130px',
        sortBy: ({ applied }) => Number(applied),
        cell: ({ applied }) => (
          <span title={applied ? undefined : t(words.notAppliedHint)}>
            <Badge tone={applied ? 'good' : 'info'}>{t(applied ? words.applied : words.notApplied)}</Badge>
          </span>
        ),
      },
      {
        id: 'description',
        header: t(common.description),
        width: 'minmax(140px, 1fr)',
        cell: ({ description }) => <span title={description}>{description}</span>,
      },
      createdColumn(t),
      {
        id: 'acts',
        header: '',
        width: '60px',
        isEnd: true,
        cell: (group) => (
          <ActMenu
            label={`${t(common.actions)}: ${group.name}`}
            acts={[
              {
                id: 'edit',
                label: t(common.edit),
                why: lacks('operator'),
                onAction: () => open({ what: 'edit', group }),
              },
              {
                id: 'delete',
                label: t(common.delete),
                isBad: true,
                why: lacks('operator') ?? (group.is_default ? t(words.cannotDeleteDefault) : undefined),
                onAction: () => open({ what: 'delete', group }),
              },
            ]}
          />
        ),
      },
    ],
    [t, lacks, open],
  )
}
