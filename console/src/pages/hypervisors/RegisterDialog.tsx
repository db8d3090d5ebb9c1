import { useState } from 'react'
import { useAct } from '../../api/act.ts'
import { type Hypervisor, registerHypervisor } from '../../api/client.ts'
import { useRenewal } from '../../api/queries.ts'
import { common } from '../../text/common.ts'
import { hypervisors } from '../../text/hypervisors.ts'
import { useText } from '../../text/language.tsx'
import { FormDialog } from '../../ui/Dialog.tsx'
import { TextField } from '../../ui/fields.tsx'
import styles from './hypervisors.module.css'

export interface Registered {
  readonly id: string
  readonly token: string
}

interface RegisterProps {
  /** Of one that gets a new token; '' is a new one. */
  readonly id: string
  readonly known: readonly Hypervisor[]
  readonly onClose: () => void
  readonly onDone: (registered: Registered) => void
}

/** Registers a hypervisor, or gives one that is known a new token: to the service that is the same. */
export function RegisterDialog({ id: of, known, onClose, onDone }: RegisterProps) {
  const t = useText()
  const [id, setId] = useState(of)
  const same = known.find((one) => one.id === id.trim())
  const [zone, setZone] = useState(known.find((one) => one.id === of)?.zone_id ?? known[0]?.zone_id ?? '')
  const act = useAct(registerHypervisor, useRenewal('hypervisor'))
  return (
    <FormDialog
      title={of === '' ? t(hypervisors.register) : t(hypervisors.newTokenOf, { id: of })}
      submit={t(same ? hypervisors.newToken : hypervisors.register)}
      look={same ? 'danger' : 'primary'}
      act={act}
      values={() => ({ id: id.trim(), zone_id: zone.trim() })}
      fields={['id', 'zone_id']}
      onClose={onClose}
      onDone={onDone}
    >
      {same && (
        <p className={styles.warning} role="status">
          {t(hypervisors.known)}
        </p>
      )}
      <TextField
        label={t(common.id)}
        name="id"
        value={id}
        onChange={setId}
        hint={t(hypervisors.idHint)}
        isRequired
        isDisabled={of !== ''}
        isMono
        autoFocus={of === ''}
      />
      <TextField
        label={t(hypervisors.zone)}
        name="zone_id"
        value={zone}
        onChange={setZone}
        hint={t(hypervisors.zoneHint)}
        isRequired
        isDisabled={of !== ''}
        isMono
      />
    </FormDialog>
  )
}
