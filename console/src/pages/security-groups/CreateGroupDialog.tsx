import { useState } from 'react'
import { useAct } from '../../api/act.ts'
import { addSecurityGroupRules, createSecurityGroup, type SecurityGroup } from '../../api/client.ts'
import { common } from '../../text/common.ts'
import { useText } from '../../text/language.tsx'
import { securityGroups as words } from '../../text/security-groups.ts'
import { FormDialog } from '../../ui/Dialog.tsx'
import { RadioGroup } from '../../ui/fields.tsx'
import { DescriptionField, NameField } from '../../ui/NameFields.tsx'
import { FIRST_RULES, fromSameGroup, TEMPLATES, type Template } from './rules.ts'

interface Props {
  readonly onClose: () => void
  readonly onMade: (group: SecurityGroup) => void
}

export function CreateGroupDialog({ onClose, onMade }: Props) {
  const t = useText()
  const [name, setName] = useState('')
  const [description, setDescription] = useState('')
  const [template, setTemplate] = useState<Template>('ssh')
  const act = useAct(async (body: { name: string; description: string; template: Template }, { headers }) => {
    const { template: chosen, ...named } = body
    const group = await createSecurityGroup({ ...named, rules: [...FIRST_RULES[chosen]] }, { headers })
    if (chosen !== 'same_group') return group
    // Its id is known only now. A key of its own: asked again after a lost answer, both are done once.
    const again = { 'Idempotency-Key': `${headers['Idempotency-Key']}-rules` }
    await addSecurityGroupRules(group.id, { rules: [fromSameGroup(group.id)] }, { headers: again })
    return group
  })
  return (
    <FormDialog
      title={t(words.create)}
      submit={t(common.create)}
      act={act}
      values={() => ({ name: name.trim(), description: description.trim(), template })}
      fields={['name', 'description']}
      onClose={onClose}
      onDone={onMade}
    >
      <NameField value={name} onChange={setName} isRequired autoFocus />
      <DescriptionField value={description} onChange={setDescription} />
      <RadioGroup
        label={t(words.startWith)}
        name="template"
        options={TEMPLATES.map((id) => ({
          id,
          label: t(words[`template_${id}`]),
          hint: t(words[`template_${id}_hint`]),
        }))}
        value={template}
        onChange={(id) => setTemplate(id as Template)}
        inColumns
      />
    </FormDialog>
  )
}
