import { useState } from 'react'
import { ifUnchanged, useAct } from '../../api/act.ts'
import { type Nic, updateNic } from '../../api/client.ts'
import { common } from '../../text/common.ts'
import { useText } from '../../text/language.tsx'
import { nics as words } from '../../text/nics.ts'
import { FormDialog } from '../../ui/Dialog.tsx'
import { CheckboxGroup } from '../../ui/fields.tsx'
import { TagsField, tagsFrom } from '../../ui/TagsField.tsx'
import { each } from './each.ts'

interface TagNicsDialogProps {
  readonly nics: readonly Nic[]
  readonly onClose: () => void
  readonly onDone?: () => void
}

/** Gives several NICs the same tags, beside those that they have, or takes tags off them. */
export function TagNicsDialog({ nics, onClose, onDone }: TagNicsDialogProps) {
  const t = useText()
  const names = [...new Set(nics.flatMap(({ tags }) => Object.keys(tags)))].sort()
  const [typed, type] = useState('')
  const [kept, keep] = useState<ReadonlySet<string>>(new Set(names))
  const act = useAct((added: Record<string, string>, options) =>
    each(
      nics,
      (nic, own) => {
        const left = Object.entries(nic.tags).filter(([name]) => kept.has(name))
        return updateNic(nic.id, { tags: { ...Object.fromEntries(left), ...added } }, ifUnchanged(nic, own))
      },
      options,
    ),
  )
  return (
    <FormDialog
      title={t(words.tagTitle, { count: nics.length })}
      submit={t(common.save)}
      act={act}
      values={() => tagsFrom(typed)}
      fields={['tags']}
      onClose={onClose}
      onDone={() => {
        onDone?.()
        onClose()
      }}
    >
      <TagsField value={typed} onChange={type} />
      {names.length > 0 && (
        <CheckboxGroup
          label={t(words.keepTags)}
          name="kept"
          options={names.map((name) => ({ id: name, label: name }))}
          value={[...kept]}
          onChange={(ids) => keep(new Set(ids))}
        />
      )}
    </FormDialog>
  )
}
