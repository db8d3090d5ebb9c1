import { useQuery } from '@tanstack/react-query'
import { securityGroupsQuery } from '../../api/queries.ts'
import { common } from '../../text/common.ts'
import { useText } from '../../text/language.tsx'
import { nics as words } from '../../text/nics.ts'
import { Checkbox } from '../../ui/fields.tsx'
import styles from './nics.module.css'

interface GroupsFieldProps {
  readonly value: readonly string[]
  readonly onChange: (ids: readonly string[]) => void
}

/** Which security groups a NIC is in. */
export function GroupsField({ value, onChange }: GroupsFieldProps) {
  const t = useText()
  const { data } = useQuery(securityGroupsQuery())
  return (
    <fieldset className={styles.groups}>
      <legend>{t(common.securityGroups)}</legend>
      <div className={styles.groupList}>
        {data?.items.map(({ id, name, is_default }) => (
          <Checkbox
            key={id}
            isSelected={value.includes(id)}
            onChange={(is) => onChange(is ? [...value, id] : value.filter((one) => one !== id))}
          >
            {name || id} {is_default && <span className="soft">{t(words.defaultGroup)}</span>}
          </Checkbox>
        ))}
      </div>
      <p className="soft">{t(words.groupsHint)}</p>
    </fieldset>
  )
}
