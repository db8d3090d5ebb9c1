import { useQuery } from '@tanstack/react-query'
import { Plus, Trash2 } from 'lucide-react'
import { useState } from 'react'
import type { AccessKey } from '../../api/client.ts'
import { accessKeysQuery, projectsQuery, useById } from '../../api/queries.ts'
import { refusalOf } from '../../api/refusal.ts'
import { useLacks, useSession } from '../../api/session.tsx'
import { useUrlText } from '../../app/url-params.ts'
import { accessKeys } from '../../text/access-keys.ts'
import { common } from '../../text/common.ts'
import { useText } from '../../text/language.tsx'
import { shell } from '../../text/shell.ts'
import { Badge } from '../../ui/Badge.tsx'
import { Button } from '../../ui/Button.tsx'
import { createdColumn } from '../../ui/created-column.tsx'
import { type Column, DataTable } from '../../ui/DataTable.tsx'
import { SearchField } from '../../ui/fields.tsx'
import { Copyable, Facts, Page, Panel, Toolbar } from '../../ui/page.tsx'
import { RefusalView } from '../../ui/Refusal.tsx'
import { CreateKeyDialog } from './CreateKeyDialog.tsx'
import { DeleteKeyDialog } from './DeleteKeyDialog.tsx'

export default function AccessKeysPage() {
  const t = useText()
  const lacks = useLacks()
  const [isCreating, setCreating] = useState(false)
  const why = lacks('admin')
  return (
    <Page
      title={t(common.accessKeys)}
      actions={
        <Button look="primary" icon={<Plus size={16} aria-hidden />} why={why} onPress={() => setCreating(true)}>
          {t(accessKeys.createKey)}
        </Button>
      }
    >
      {why === undefined ? <AllKeys /> : <OwnKey />}
      {isCreating && <CreateKeyDialog onClose={() => setCreating(false)} />}
    </Page>
  )
}

/** What who is no admin sees. */
function OwnKey() {
  const t = useText()
  const { access_key_id: id, name, role, project } = useSession()
  return (
    <Panel title={t(accessKeys.yourKey)}>
      <p className="soft">{t(accessKeys.adminsOnly)}</p>
      <Facts
        facts={[
          [t(common.name), name || t(common.unnamed)],
          [t(accessKeys.keyId), <Copyable key="id" text={id} />],
          [t(accessKeys.role), t(shell[role])],
          [t(accessKeys.project), project.name],
        ]}
      />
    </Panel>
  )
}

function AllKeys() {
  const t = useText()
  const search = useUrlText('search')
  const [deleting, setDeleting] = useState<AccessKey>()
  const { data, error } = useQuery(accessKeysQuery())
  const projects = useById(projectsQuery())
  const projectOf = (key: AccessKey) => projects.get(key.project_id)?.name ?? key.project_id
  const columns = useKeyColumns(data?.items ?? [], projectOf, setDeleting)
  if (error) return <RefusalView refusal={refusalOf(error)} />
  const wanted = search.text.trim().toLowerCase()
  const rows = data?.items.filter((key) =>
    [key.name, key.access_key_id, key.project_id, projectOf(key)].some((words) => words.toLowerCase().includes(wanted)),
  )
  return (
    <>
      <Toolbar>
        <SearchField label={t(accessKeys.searchHint)} value={search.text} onChange={search.setText} />
      </Toolbar>
      <DataTable
        label={t(common.accessKeys)}
        columns={columns}
        rows={rows}
        idOf={({ access_key_id }) => access_key_id}
        nameOf={({ name, access_key_id }) => name || access_key_id}
        empty={t(common.nothingFound)}
      />
      {deleting && (
        <DeleteKeyDialog accessKey={deleting} project={projectOf(deleting)} onClose={() => setDeleting(undefined)} />
      )}
    </>
  )
}

function useKeyColumns(
  keys: readonly AccessKey[],
  projectOf: (key: AccessKey) => string,
  onDelete: (key: AccessKey) => void,
): readonly Column<AccessKey>[] {
  const t = useText()
  const { access_key_id: own } = useSession()
  const admins = keys.filter(({ role }) => role === 'admin').length
  const whyNot = ({ role }: AccessKey) => (role === 'admin' && admins <= 1 ? t(accessKeys.lastAdmin) : undefined)
  return [
    {
      id: 'name',
      header: t(common.name),
      width: 'minmax(200px, 1.4fr)',
      sortBy: ({ name }) => name,
      cell: ({ name, access_key_id: id }) => (
        <>
          {name || <span className="soft">{t(common.unnamed)}</span>}{' '}
          {id === own && <Badge tone="info">{t(accessKeys.ownMark)}</Badge>}
        </>
      ),
    },
    {
      id: 'id',
      header: t(accessKeys.keyId),
      width: '250px',
      cell: ({ access_key_id: id }) => <Copyable text={id} />,
    },
    {
      id: 'role',
      header: t(accessKeys.role),
      width: '120px',
      sortBy: ({ role }) => role,
      cell: ({ role }) => t(shell[role]),
    },
    {
      id: 'project',
      header: t(accessKeys.project),
      width: 'minmax(130px, 1fr)',
      sortBy: projectOf,
      cell: projectOf,
    },
    createdColumn(t),
    {
      id: 'acts',
      header: t(common.actions),
      width: '90px',
      isEnd: true,
      cell: (key) => (
        <Button
          look="quiet"
          isSmall
          icon={<Trash2 size={15} aria-hidden />}
          label={`${t(common.delete)} ${key.name || key.access_key_id}`}
          why={whyNot(key)}
          onPress={() => onDelete(key)}
        />
      ),
    },
  ]
}
