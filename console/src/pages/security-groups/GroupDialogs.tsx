import { useQuery } from '@tanstack/react-query'
import { ifUnchanged, useAct } from '../../api/act.ts'
import { deleteSecurityGroup, listNics, type SecurityGroup, updateSecurityGroup } from '../../api/client.ts'
import { common } from '../../text/common.ts'
import { useText } from '../../text/language.tsx'
import { securityGroups as words } from '../../text/security-groups.ts'
import { ConfirmDialog } from '../../ui/Dialog.tsx'
import { EditDialog } from '../../ui/EditDialog.tsx'

interface Props {
  /** As it was seen when the dialog was opened. */
  readonly group: SecurityGroup
  readonly onClose: () => void
}

export function EditGroupDialog({ group, onClose }: Props) {
  const t = useText()
  return (
    <EditDialog
      title={t(words.edit)}
      of={group}
      save={(changes, options) => updateSecurityGroup(group.id, changes, options)}
      onClose={onClose}
    />
  )
}

/** So many are counted before it is asked whether to delete. */
const COUNTED = 100

interface DeleteProps extends Props {
  readonly onGone: () => void
}

export function DeleteGroupDialog({ group, onClose, onGone }: DeleteProps) {
  const t = useText()
  const act = useAct<void, unknown>((_, options) => deleteSecurityGroup(group.id, ifUnchanged(group, options)))
  const { data } = useQuery({
    queryKey: ['nic', 'list', { securityGroupId: group.id, limit: COUNTED }],
    queryFn: () => listNics({ securityGroupId: group.id, limit: COUNTED }),
  })
  const count = data?.items.length ?? 0
  const hasMembers =
    count === 0 ? undefined : t(data?.next_cursor ? words.deleteHasMany : words.deleteHasMembers, { count })
  return (
    <ConfirmDialog
      title={t(words.deleteTitle, { name: group.name })}
      confirm={t(common.delete)}
      why={hasMembers}
      act={act}
      onClose={onClose}
      onDone={onGone}
    >
      <p>{hasMembers ?? t(words.deleteLoses, { count: group.rule_count })}</p>
      <p className="soft">{t(words.deleteNamedBy)}</p>
    </ConfirmDialog>
  )
}
