import { type ActOptions, ifUnchanged, useAct } from '../../api/act.ts'
import { deleteNic, type Nic } from '../../api/client.ts'
import { networksQuery, useById } from '../../api/queries.ts'
import { isNotFound } from '../../api/refusal.ts'
import { common } from '../../text/common.ts'
import { useText } from '../../text/language.tsx'
import { nics as words } from '../../text/nics.ts'
import { ConfirmDialog } from '../../ui/Dialog.tsx'
import { each } from './each.ts'
import styles from './nics.module.css'

interface DeleteNicsDialogProps {
  readonly nics: readonly Nic[]
  readonly onClose: () => void
  readonly onDone?: () => void
}

/** Says what is lost with NICs, and deletes them. */
export function DeleteNicsDialog({ nics, onClose, onDone }: DeleteNicsDialogProps) {
  const t = useText()
  const networks = useById(networksQuery())
  const act = useAct<void, null[]>((_, options) => each(nics, remove, options))
  return (
    <ConfirmDialog
      title={t(words.deleteTitle, { count: nics.length })}
      confirm={t(common.delete)}
      act={act}
      onClose={onClose}
      onDone={() => {
        onDone?.()
        onClose()
      }}
    >
      <p>{t(words.deleteLoses)}</p>
      <ul className={styles.names}>
        {nics.map((nic) => (
          <li key={nic.id}>
            <strong>{nic.name || t(common.unnamed)}</strong> <code>{nic.id}</code>
            <div className="soft">
              {[
                nic.address === null
                  ? t(words.losesPlace, { network: networks.get(nic.network_id)?.name || nic.network_id })
                  : t(words.losesAddress, {
                      address: nic.address,
                      network: networks.get(nic.network_id)?.name || nic.network_id,
                    }),
                nic.elastic_ip && t(words.losesElasticIp, { address: nic.elastic_ip.address }),
              ]
                .filter(Boolean)
                .join(' · ')}
            </div>
          </li>
        ))}
      </ul>
    </ConfirmDialog>
  )
}

/** One that is gone already needs no deletion. */
const remove = (nic: Nic, options: ActOptions): Promise<null> =>
  deleteNic(nic.id, ifUnchanged(nic, options)).then(
    () => null,
    (error: unknown) => {
      if (!isNotFound(error)) throw error
      return null
    },
  )
