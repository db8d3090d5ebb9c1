import { useState } from 'react'
import { ifUnchanged, useAct } from '../../api/act.ts'
import {
  deleteElasticIp,
  disassociateElasticIp,
  type ElasticIp,
  type ElasticIpPool,
  setElasticIpBandwidth,
  updateElasticIp,
} from '../../api/client.ts'
import { useJob } from '../../app/our-jobs.ts'
import { common } from '../../text/common.ts'
import { elasticIps as words } from '../../text/elastic-ips.ts'
import { useText } from '../../text/language.tsx'
import { ConfirmDialog, Dialog, FormDialog } from '../../ui/Dialog.tsx'
import { EditDialog } from '../../ui/EditDialog.tsx'
import { Copyable, Facts, Tags, Time } from '../../ui/page.tsx'
import { History } from '../events/History.tsx'
import { BandwidthField } from './BandwidthField.tsx'
import { ElasticIpState } from './ElasticIpState.tsx'
import styles from './elastic-ips.module.css'
import { Holder, useHolder } from './Holder.tsx'

interface Props {
  /** As it was seen when the dialog was opened. */
  readonly of: ElasticIp
  readonly onClose: () => void
}

export function EditElasticIp({ of, onClose }: Props) {
  const t = useText()
  return (
    <EditDialog
      title={t(words.editTitle, { address: of.address })}
      of={of}
      // It may never have had a name, and cannot lose one.
      mayBeNameless={of.name === ''}
      save={({ name, ...changes }, options) => updateElasticIp(of.id, { ...changes, ...(name && { name }) }, options)}
      onClose={onClose}
    />
  )
}

export function BandwidthDialog({ of, onClose }: Props) {
  const t = useText()
  const [mbps, setMbps] = useState(of.bandwidth_mbps === null ? '' : String(of.bandwidth_mbps))
  const act = useJob((body: { bandwidth_mbps: number | null }, options) =>
    setElasticIpBandwidth(of.id, body, ifUnchanged(of, options)),
  )
  return (
    <FormDialog
      title={t(words.setBandwidthTitle, { address: of.address })}
      submit={t(common.save)}
      act={act}
      values={() => ({ bandwidth_mbps: mbps.trim() === '' ? null : Number(mbps) })}
      fields={['bandwidth_mbps']}
      onClose={onClose}
    >
      <BandwidthField value={mbps} onChange={setMbps} autoFocus />
    </FormDialog>
  )
}

export function DisassociateDialog({ of, onClose }: Props) {
  const t = useText()
  const holder = useHolder(of) ?? ''
  const act = useJob<void>((_, options) => disassociateElasticIp(of.id, {}, options))
  return (
    <ConfirmDialog
      title={t(words.disassociateTitle, { address: of.address })}
      confirm={t(words.disassociate)}
      act={act}
      onClose={onClose}
    >
      <p>{t(words.disassociateLoses, { holder })}</p>
    </ConfirmDialog>
  )
}

export function ReleaseDialog({ of, pool, onClose }: Props & { pool: ElasticIpPool | undefined }) {
  const t = useText()
  const act = useAct<void, unknown>((_, options) => deleteElasticIp(of.id, ifUnchanged(of, options)))
  return (
    <ConfirmDialog
      title={t(words.releaseTitle, { address: of.address })}
      confirm={t(words.release)}
      act={act}
      onClose={onClose}
    >
      <p>{t(words.releaseLoses, { pool: pool?.name ?? of.pool_id })}</p>
    </ConfirmDialog>
  )
}

/** All that is known of an elastic IP. */
export function ElasticIpDetails({ of, pool, onClose }: Props & { pool: ElasticIpPool | undefined }) {
  const t = useText()
  return (
    <Dialog title={t(words.detailsOf, { address: of.address })} onClose={onClose} isWide>
      <div className={styles.details}>
        <Facts
          facts={[
            [t(common.id), <Copyable key="id" text={of.id} />],
            [t(common.address), <Copyable key="address" text={of.address} />],
            [t(common.name), of.name || undefined],
            [t(common.description), of.description || undefined],
            [t(common.state), <ElasticIpState key="state" state={of.state} />],
            [t(words.associatedWith), <Holder key="holder" nic_id={of.nic_id} vpc_id={of.vpc_id} />],
            [t(words.heldBy), of.hypervisor_id ?? undefined],
            [
              t(words.bandwidth),
              of.bandwidth_mbps === null ? t(words.unlimited) : t(words.mbps, { count: of.bandwidth_mbps }),
            ],
            [t(words.pool), pool?.name ?? of.pool_id],
            [t(words.segment), pool && <code key="segment">{pool.cidr}</code>],
            [t(words.gateway), pool && <code key="gateway">{pool.gateway}</code>],
            [t(common.tags), <Tags key="tags" tags={of.tags} />],
            [t(common.created), <Time key="created" at={of.created_at} />],
          ]}
        />
        <div>
          <h3>{t(common.history)}</h3>
          <History id={of.id} />
        </div>
      </div>
    </Dialog>
  )
}
