import { useState } from 'react'
import { detachNics, type Nic } from '../../api/client.ts'
import { serversQuery, useById } from '../../api/queries.ts'
import { useJobs } from '../../app/our-jobs.ts'
import { common } from '../../text/common.ts'
import { useText } from '../../text/language.tsx'
import { nics as words } from '../../text/nics.ts'
import { FormDialog } from '../../ui/Dialog.tsx'
import { Checkbox } from '../../ui/fields.tsx'
import { each } from './each.ts'
import styles from './nics.module.css'
import { useNicName } from './why-not.ts'

interface DetachDialogProps {
  /** In use, and none of them primary. */
  readonly nics: readonly Nic[]
  readonly onClose: () => void
  readonly onDone?: () => void
}

/** Detaches NICs from their servers, as one job of each server. */
export function DetachDialog({ nics, onClose, onDone }: DetachDialogProps) {
  const t = useText()
  const nameOf = useNicName()
  const servers = useById(serversQuery())
  const [isForced, force] = useState(false)
  const serverIds = [...new Set(nics.flatMap(({ server_id }) => server_id ?? []))]
  const byServer = serverIds.map((id) => [id, nics.filter((nic) => nic.server_id === id)] as const)
  const act = useJobs((body: { force: boolean }, options) =>
    each(byServer, ([id, on], own) => detachNics(id, { ...body, nic_ids: on.map((nic) => nic.id) }, own), options),
  )
  return (
    <FormDialog
      title={t(words.detachTitle, { count: nics.length })}
      submit={t(common.detach)}
      act={act}
      values={() => ({ force: isForced })}
      fields={[]}
      onClose={onClose}
      onDone={() => {
        onDone?.()
        onClose()
      }}
    >
      {byServer.map(([id, on]) => (
        <div key={id}>
          <p>{t(words.detachFrom, { count: on.length, server: servers.get(id)?.name || id })}</p>
          <ul className={styles.names}>
            {on.map((nic) => (
              <li key={nic.id}>{nameOf(nic)}</li>
            ))}
          </ul>
        </div>
      ))}
      <Checkbox isSelected={isForced} onChange={force}>
        <span>
          {t(words.force)} <span className="soft">{t(words.forceHint)}</span>
        </span>
      </Checkbox>
    </FormDialog>
  )
}
