import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useAct } from '../../api/act.ts'
import { createAccessKey, type NewAccessKey } from '../../api/client.ts'
import { projectsQuery, useRenewal } from '../../api/queries.ts'
import { useSession } from '../../api/session.tsx'
import { accessKeys } from '../../text/access-keys.ts'
import { common } from '../../text/common.ts'
import { useText } from '../../text/language.tsx'
import { shell } from '../../text/shell.ts'
import { FormDialog } from '../../ui/Dialog.tsx'
import { RadioGroup, Select } from '../../ui/fields.tsx'
import { NameField } from '../../ui/NameFields.tsx'
import { Once } from './Once.tsx'

type Role = NewAccessKey['role']
const ROLES = { reader: accessKeys.readerMay, operator: accessKeys.operatorMay, admin: accessKeys.adminMay } as const

interface CreateKeyProps {
  /** That it is for at first; by default the reader's own. */
  readonly projectId?: string
  readonly onClose: () => void
}

/** Makes an access key, and shows it once. */
export function CreateKeyDialog({ projectId, onClose }: CreateKeyProps) {
  const t = useText()
  const { project: own } = useSession()
  const { data: projects } = useQuery(projectsQuery())
  const [name, setName] = useState('')
  const [role, setRole] = useState<Role>('operator')
  const [project, setProject] = useState(projectId ?? own.id)
  const [made, setMade] = useState<NewAccessKey>()
  const act = useAct(createAccessKey, useRenewal('access_key'))
  if (made) return <NewKey accessKey={made} onClose={onClose} />
  return (
    <FormDialog
      title={t(accessKeys.createKey)}
      submit={t(common.create)}
      act={act}
      values={() => ({ role, project_id: project, ...(name.trim() && { name: name.trim() }) })}
      fields={['name', 'role', 'project_id']}
      onClose={onClose}
      onDone={setMade}
    >
      <NameField value={name} onChange={setName} hint={t(accessKeys.whatFor)} autoFocus />
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

function NewKey({ accessKey, onClose }: { accessKey: NewAccessKey; onClose: () => void }) {
  const t = useText()
  return (
    <Once
      title={t(accessKeys.created)}
      onClose={onClose}
      items={[
        { label: t(accessKeys.keyId), text: accessKey.access_key_id },
        { label: t(accessKeys.secret), text: accessKey.secret_access_key },
        { label: t(accessKeys.token), text: accessKey.token },
      ]}
    />
  )
}
