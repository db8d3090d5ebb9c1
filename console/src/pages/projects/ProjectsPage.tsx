import { useQuery } from '@tanstack/react-query'
import { KeyRound, Plus, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { Link } from 'react-router'
import type { Project } from '../../api/client.ts'
import { accessKeysQuery, projectsQuery } from '../../api/queries.ts'
import { refusalOf } from '../../api/refusal.ts'
import { useLacks, useSession } from '../../api/session.tsx'
import { useUrlText } from '../../app/url-params.ts'
import { accessKeys } from '../../text/access-keys.ts'
import { common } from '../../text/common.ts'
import { useText, useWords } from '../../text/language.tsx'
import { projects } from '../../text/projects.ts'
import { LOCALE } from '../../text/text.ts'
import { Badge } from '../../ui/Badge.tsx'
import { Button } from '../../ui/Button.tsx'
import { createdColumn } from '../../ui/created-column.tsx'
import { type Column, DataTable } from '../../ui/DataTable.tsx'
import { SearchField } from '../../ui/fields.tsx'
import { Copyable, Facts, Page, Panel, Toolbar } from '../../ui/page.tsx'
import { RefusalView } from '../../ui/Refusal.tsx'
import { CreateKeyDialog } from '../access-keys/CreateKeyDialog.tsx'
import { CreateProjectDialog, DeleteProjectDialog } from './dialogs.tsx'

export default function ProjectsPage() {
  const t = useText()
  const lacks = useLacks()
  const [isCreating, setCreating] = useState(false)
  const [keyFor, setKeyFor] = useState<string>()
  const why = lacks('admin')
  return (
    <Page
      title={t(common.projects)}
      actions={
        <Button look="primary" icon={<Plus size={16} aria-hidden />} why={why} onPress={() => setCreating(true)}>
          {t(projects.createProject)}
        </Button>
      }
    >
      {why === undefined ? <AllProjects onKey={setKeyFor} /> : <OwnProject />}
      {isCreating && <CreateProjectDialog onClose={() => setCreating(false)} />}
      {keyFor !== undefined && <CreateKeyDialog projectId={keyFor} onClose={() => setKeyFor(undefined)} />}
    </Page>
  )
}

/** What who is no admin sees. */
function OwnProject() {
  const t = useText()
  const { project } = useSession()
  return (
    <Panel title={t(projects.yourProject)}>
      <p className="soft">{t(projects.adminsOnly)}</p>
      <Facts
        facts={[
          [t(common.name), project.name],
          [t(common.id), <Copyable key="id" text={project.id} />],
        ]}
      />
    </Panel>
  )
}

function AllProjects({ onKey }: { onKey: (projectId: string) => void }) {
  const t = useText()
  const search = useUrlText('search')
  const [deleting, setDeleting] = useState<Project>()
  const { data, error } = useQuery(projectsQuery())
  const keys = useQuery(accessKeysQuery()).data?.items ?? []
  const keysOf = (id: string) => keys.filter(({ project_id }) => project_id === id).length
  const columns = useProjectColumns(keysOf, onKey, setDeleting)
  if (error) return <RefusalView refusal={refusalOf(error)} />
  const wanted = search.text.trim().toLowerCase()
  const rows = data?.items.filter(({ id, name }) => id.includes(wanted) || name.toLowerCase().includes(wanted))
  return (
    <>
      <Toolbar>
        <SearchField label={t(projects.searchHint)} value={search.text} onChange={search.setText} />
        <span className="soft">{t(projects.whatItIs)}</span>
      </Toolbar>
      <DataTable
        label={t(common.projects)}
        columns={columns}
        rows={rows}
        idOf={({ id }) => id}
        nameOf={({ name }) => name}
        empty={t(common.nothingFound)}
      />
      {deleting && (
        <DeleteProjectDialog project={deleting} keys={keysOf(deleting.id)} onClose={() => setDeleting(undefined)} />
      )}
    </>
  )
}

function useProjectColumns(
  keysOf: (id: string) => number,
  onKey: (id: string) => void,
  onDelete: (project: Project) => void,
): readonly Column<Project>[] {
  const { t, language } = useWords()
  const { project: own } = useSession()
  return [
    {
      id: 'name',
      header: t(common.name),
      width: 'minmax(200px, 1.4fr)',
      sortBy: ({ name }) => name,
      cell: ({ id, name }) => (
        <>
          {name} {id === own.id && <Badge tone="info">{t(projects.ownMark)}</Badge>}
        </>
      ),
    },
    { id: 'id', header: t(common.id), width: 'minmax(180px, 1fr)', cell: ({ id }) => <Copyable text={id} /> },
    {
      id: 'keys',
      header: t(projects.keys),
      width: '140px',
      sortBy: ({ id }) => keysOf(id),
      cell: ({ id }) => <Link to={`/access-keys?search=${id}`}>{keysOf(id).toLocaleString(LOCALE[language])}</Link>,
    },
    createdColumn(t),
    {
      id: 'acts',
      header: t(common.actions),
      width: '120px',
      isEnd: true,
      cell: (project) => (
        <>
          <Button
            look="quiet"
            isSmall
            icon={<KeyRound size={15} aria-hidden />}
            label={`${t(accessKeys.createKey)} ${project.name}`}
            onPress={() => onKey(project.id)}
          />
          <Button
            look="quiet"
            isSmall
            icon={<Trash2 size={15} aria-hidden />}
            label={`${t(common.delete)} ${project.name}`}
            why={project.id === own.id ? t(projects.isOwn) : undefined}
            onPress={() => onDelete(project)}
          />
        </>
      ),
    },
  ]
}
