import { useState } from 'react'
import { type ActOptions, ifUnchanged, useAct } from '../api/act.ts'
import { common } from '../text/common.ts'
import { useText } from '../text/language.tsx'
import { FormDialog } from './Dialog.tsx'
import { DescriptionField, NameField } from './NameFields.tsx'
import { TagsField, tagsFrom, textOfTags } from './TagsField.tsx'

interface Described {
  readonly name: string
  readonly description: string
  readonly tags?: Readonly<Record<string, string>>
  readonly generation: number
}
interface Changes {
  readonly name: string
  readonly description: string
  readonly tags?: Record<string, string>
}

interface Props {
  readonly title: string
  readonly of: Described
  readonly mayBeNameless?: boolean
  readonly save: (changes: Changes, options: ActOptions) => Promise<unknown>
  readonly onClose: () => void
}

/** What something is called: name, description, and tags if it has any. */
export function EditDialog({ title, of: seen, mayBeNameless = false, save, onClose }: Props) {
  const t = useText()
  // As it was when the dialog was opened: whoever changed it meanwhile is not written over.
  const [before] = useState(seen)
  const [name, setName] = useState(before.name)
  const [description, setDescription] = useState(before.description)
  const [tags, setTags] = useState(textOfTags(before.tags ?? {}))
  const act = useAct(async (changes: Changes, options) => {
    await save(changes, ifUnchanged(before, options))
    return true
  })
  return (
    <FormDialog
      title={title}
      submit={t(common.save)}
      act={act}
      values={() => ({
        name: name.trim(),
        description: description.trim(),
        ...(before.tags && { tags: tagsFrom(tags) }),
      })}
      fields={['name', 'description', 'tags']}
      onClose={onClose}
    >
      <NameField value={name} onChange={setName} isRequired={!mayBeNameless} autoFocus />
      <DescriptionField value={description} onChange={setDescription} isLong />
      {before.tags && <TagsField value={tags} onChange={setTags} />}
    </FormDialog>
  )
}
