/** What nearly everything has: a name and a description. */
import { common } from '../text/common.ts'
import { useText } from '../text/language.tsx'
import { TextField, type TextFieldProps } from './fields.tsx'

type Given = 'value' | 'onChange' | 'hint' | 'isRequired' | 'autoFocus'

export function NameField(props: Pick<TextFieldProps, Given>) {
  const t = useText()
  return <TextField {...props} label={t(common.name)} name="name" maxLength={128} />
}

export function DescriptionField(props: Pick<TextFieldProps, 'value' | 'onChange' | 'isLong'>) {
  const t = useText()
  return <TextField {...props} label={t(common.description)} name="description" maxLength={1024} />
}
