import { useState } from 'react'
import { useAct } from '../../api/act.ts'
import { createProject, deleteProject, type Project } from '../../api/client.ts'
import { useRenewal } from '../../api/queries.ts'
import { tell } from '../../app/toasts.ts'
import { common } from '../../text/common.ts'
import { useText } from '../../text/language.tsx'
import { projects } from '../../text/projects.ts'
import { ConfirmDialog, FormDialog } from '../../ui/Dialog.tsx'
import { NameField } from '../../ui/NameFields.tsx'

export function CreateProjectDialog({ onClose }: { onClose: () => void }) {
  const t = useText()
  const [name, setName] = useState('')
  const renew = useRenewal('project')
  const act = useAct(createProject, ({ name: made }) => {
    renew()
    tell({ tone: 'good', words: (say) => `${say(projects.created)}: ${made}` })
  })
  return (
    <FormDialog
      title={t(projects.createProject)}
      submit={t(common.create)}
      act={act}
      values={() => ({ name: name.trim() })}
      fields={['name']}
      onClose={onClose}
    >
      <NameField value={name} onChange={setName} hint={t(projects.whatItIs)} isRequired autoFocus />
    </FormDialog>
  )
}

interface DeleteProjectProps {
  readonly project: Project
  /** How many access keys it has. */
  readonly keys: number
  readonly onClose: () => void
}

export function DeleteProjectDialog({ project: { id, name }, keys, onClose }: DeleteProjectProps) {
  const t = useText()
  const act = useAct<void, unknown>((_, options) => deleteProject(id, options), useRenewal('project', 'access_key'))
  return (
    <ConfirmDialog title={t(projects.deleteProject)} confirm={t(common.delete)} act={act} onClose={onClose}>
      <p>{t(projects.willGo, { name, count: keys })}</p>
      <p className="soft">{t(projects.mustBeEmpty)}</p>
    </ConfirmDialog>
  )
}
