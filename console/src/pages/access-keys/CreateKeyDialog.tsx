import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useAct } from '../../api/act.ts'
import { createAccessKey, type NewAccessKey } from '../../api/client.ts'
import { useSession } from '../../api/session.tsx'
import { accessKeys } from '../../text/access-keys.ts'
import { common } from '../../text/common.ts'
import { useText } from '../../text/language.tsx'
import { shell } from '../../text/shell.ts'
import { FormDialog } from '../../ui/Dialog.tsx'
import { RadioGroup, Select, TextField } from '../../ui/fields.tsx'
import { projectsQuery, useRenewal } from './queries.ts'

type Role = NewAccessKey['role']
const ROLES = { reader: accessKeys.readerMay, operator: accessKeys.operatorMay, admin: accessKeys.adminMay } as const

interface CreateKeyProps {
  /** That it is for at first; by default the reader's own. */
  readonly projectId?: string
  readonly onClose: () => void
  readonly onDone: (key: NewAccessKey) => void
}

export function CreateKeyDialog({ projectId, onClose, onDone }: CreateKeyProps) {
  const t = useText()
  const { project: own } = useSession()
  const { data: projects } = useQuery(projectsQuery())
  const [name, setName] = useState('')
  const [role, setRole] = useState<Role>('operator')
  const [project, setProject] = useState(projectId ?? own.id)
  const act = useAct(createAccessKey, useRenewal('access_key'))
  return (
    <FormDialog
      title={t(accessKeys.createKey)}
      submit={t(common.create)}
      act={act}
      values={() => ({ role, project_id: project, ...(name.trim() && { name: name.trim() }) })}
      fields={['name', 'role', 'project_id']}
      onClose={onClose}
      onDone={onDone}
    >
      <TextField
        label={t(common.name)}
        name="name"
        value={name}
        onChange={setName}
        hint={t(accessKeys.whatFor)}
        maxLength={128}
        autoFocus
      />
      <RadioGroup
        label={t(accessKeys.role)}
        name="role"
        value={role}
        onChange={(id) => setRole(id as Role)}
        options={Object.entries(ROLES).map(([id, hint]) => ({ id, label: t(shell[id as Role]), hint: t(hint) }))}
      />
      <Select
        label={t(accessKeys.project)}
        name="project_id"
        isRequired
        value={project}
        onChange={setProject}
        options={(projects?.items ?? [own]).map(({ id, name: label }) => ({ id, label }))}
      />
    </FormDialog>
  )
}
