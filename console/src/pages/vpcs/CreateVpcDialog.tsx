import { useState } from 'react'
import { useAct } from '../../api/act.ts'
import { createVpc, type Vpc } from '../../api/client.ts'
import { common } from '../../text/common.ts'
import { useText } from '../../text/language.tsx'
import { networks } from '../../text/networks.ts'
import { vpcs as words } from '../../text/vpcs.ts'
import { FormDialog } from '../../ui/Dialog.tsx'
import { Checkbox } from '../../ui/fields.tsx'
import { DescriptionField, NameField } from '../../ui/NameFields.tsx'
import { RangeField } from '../networks/RangeField.tsx'

export function CreateVpcDialog({ onClose, onMade }: { onClose: () => void; onMade: (vpc: Vpc) => void }) {
  const t = useText()
  const [name, setName] = useState('')
  const [cidr, setCidr] = useState('172.16.0.0/16')
  const [hasNat, setNat] = useState(true)
  const [description, setDescription] = useState('')
  const act = useAct((body: Parameters<typeof createVpc>[0], options) => createVpc(body, options))
  return (
    <FormDialog
      title={t(words.create)}
      submit={t(common.create)}
      act={act}
      values={() => ({
        name: name.trim(),
        cidr: cidr.trim(),
        source_nat: hasNat,
        description: description.trim(),
      })}
      fields={['name', 'cidr', 'description']}
      onClose={onClose}
      onDone={onMade}
    >
      <NameField value={name} onChange={setName} isRequired autoFocus />
      <RangeField
        label={t(networks.range)}
        name="cidr"
        prefix={16}
        isPrivate
        hint={t(networks.vpcRangeHint)}
        value={cidr}
        onChange={setCidr}
        isRequired
      />
      <div>
        <Checkbox isSelected={hasNat} onChange={setNat}>
          {t(words.sourceNat)}
        </Checkbox>
        <p className="soft">{t(words.sourceNatHint)}</p>
      </div>
      <DescriptionField value={description} onChange={setDescription} />
    </FormDialog>
  )
}
