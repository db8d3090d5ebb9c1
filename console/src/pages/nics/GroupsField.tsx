import { useQuery } from '@tanstack/react-query'
import { securityGroupsQuery } from '../../api/queries.ts'
import { common } from '../../text/common.ts'
import { useText } from '../../text/language.tsx'
import { nics as words } from '../../text/nics.ts'
import { CheckboxGroup } from '../../ui/fields.tsx'

interface GroupsFieldProps {
  readonly value: readonly string[]
  readonly onChange: (ids: readonly string[]) => void
}

/** Which security groups a NIC is in. */
export function GroupsField({ value, onChange }: GroupsFieldProps) {
  const t = useText()
  const { data } = useQuery(securityGroupsQuery())
  const groups = data?.items ?? []
  // One that was deleted after it was chosen is shown still: it is for whoever chose it to do without.
  const gone = data ? value.filter((id) => !groups.some((group) => group.id === id)) : []
  const options = [
    ...groups.map(({ id, name, is_default }) => ({
      id,
      label: (
        <>
          {name || id} {is_default && <span className="soft">{t(words.defaultGroup)}</span>}
        </>
      ),
    })),
    ...gone.map((id) => ({ id, label: t(words.groupGone, { id }) })),
  ]
  return (
    <CheckboxGroup
      label={t(common.securityGroups)}
      name="security_group_ids"
      hint={t(words.groupsHint)}
      options={options}
      value={value}
      onChange={onChange}
    />
  )
}
