import { useAct } from '../../api/act.ts'
import { type AccessKey, deleteAccessKey } from '../../api/client.ts'
import { useRenewal } from '../../api/queries.ts'
import { useSession, useSessionState } from '../../api/session.tsx'
import { accessKeys } from '../../text/access-keys.ts'
import { common } from '../../text/common.ts'
import { useText } from '../../text/language.tsx'
import { shell } from '../../text/shell.ts'
import { ConfirmDialog } from '../../ui/Dialog.tsx'

interface DeleteKeyProps {
  readonly accessKey: AccessKey
  readonly project: string
  readonly onClose: () => void
}

export function DeleteKeyDialog({ accessKey, project, onClose }: DeleteKeyProps) {
  const t = useText()
  const { access_key_id: own } = useSession()
  const { signOut } = useSessionState()
  const renew = useRenewal('access_key')
  const { access_key_id: id, name, role } = accessKey
  const isOwn = id === own
  const act = useAct<void, unknown>(
    (_, options) => deleteAccessKey(id, options),
    () => (isOwn ? void signOut() : renew()),
  )
  return (
    <ConfirmDialog title={t(accessKeys.deleteKey)} confirm={t(common.delete)} act={act} onClose={onClose}>
      <p>{t(accessKeys.willStop, { name: name || t(common.unnamed), id, role: t(shell[role]), project })}</p>
      {isOwn && <p role="alert">{t(accessKeys.isOwn)}</p>}
    </ConfirmDialog>
  )
}
