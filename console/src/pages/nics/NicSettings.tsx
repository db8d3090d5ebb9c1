/** What hypervisors bring about for a NIC: each answer is a job. */
import { useState } from 'react'
import { ifUnchanged } from '../../api/act.ts'
import { setNicAntiSpoofing, setNicBandwidth, setNicSecurityGroups } from '../../api/client.ts'
import { useJob } from '../../app/our-jobs.ts'
import { common } from '../../text/common.ts'
import { useText } from '../../text/language.tsx'
import { nicPage } from '../../text/nic-page.ts'
import { FormDialog } from '../../ui/Dialog.tsx'
import { Checkbox, TextField } from '../../ui/fields.tsx'
import { pairsFrom, textOfPairs, wrongLine } from './address-pairs.ts'
import { GroupsField } from './GroupsField.tsx'
import type { NicDialogProps } from './NicForms.tsx'
import { BandwidthFields, mbps } from './NicOptions.tsx'

export function GroupsDialog({ nic, onClose }: NicDialogProps) {
  const t = useText()
  const [groups, setGroups] = useState<readonly string[]>(nic.security_group_ids)
  const act = useJob((body: Parameters<typeof setNicSecurityGroups>[1], options) =>
    setNicSecurityGroups(nic.id, body, ifUnchanged(nic, options)),
  )
  return (
    <FormDialog
      title={t(common.securityGroups)}
      submit={t(common.save)}
      act={act}
      values={() => ({ security_group_ids: [...groups] })}
      fields={['security_group_ids']}
      onClose={onClose}
    >
      <GroupsField value={groups} onChange={setGroups} />
    </FormDialog>
  )
}

const typed = (limit: number | null): string => (limit === null ? '' : String(limit))

export function BandwidthDialog({ nic, onClose }: NicDialogProps) {
  const t = useText()
  const [limits, setLimits] = useState({
    inMbps: typed(nic.bandwidth.in_mbps),
    outMbps: typed(nic.bandwidth.out_mbps),
  })
  const act = useJob((body: Parameters<typeof setNicBandwidth>[1], options) =>
    setNicBandwidth(nic.id, body, ifUnchanged(nic, options)),
  )
  return (
    <FormDialog
      title={t(nicPage.bandwidth)}
      submit={t(common.save)}
      act={act}
      values={() => ({ in_mbps: mbps(limits.inMbps), out_mbps: mbps(limits.outMbps) })}
      fields={['in_mbps', 'out_mbps']}
      onClose={onClose}
    >
      <BandwidthFields {...limits} onChange={(change) => setLimits({ ...limits, ...change })} />
    </FormDialog>
  )
}

export function AntiSpoofingDialog({ nic, onClose }: NicDialogProps) {
  const t = useText()
  const [isOn, turn] = useState(nic.anti_spoofing)
  const [pairs, setPairs] = useState(textOfPairs(nic.allowed_address_pairs))
  const act = useJob((body: Parameters<typeof setNicAntiSpoofing>[1], options) =>
    setNicAntiSpoofing(nic.id, body, ifUnchanged(nic, options)),
  )
  return (
    <FormDialog
      title={t(nicPage.antiSpoofing)}
      submit={t(common.save)}
      act={act}
      values={() => ({ enabled: isOn, allowed_address_pairs: pairsFrom(pairs) })}
      fields={['allowed_address_pairs']}
      onClose={onClose}
    >
      <Checkbox isSelected={isOn} onChange={turn}>
        {t(nicPage.antiSpoofingOn)}
      </Checkbox>
      <TextField
        label={t(nicPage.pairs)}
        name="allowed_address_pairs"
        hint={t(nicPage.pairsHint)}
        isLong
        isMono
        value={pairs}
        onChange={setPairs}
        check={(text) => {
          const line = wrongLine(text)
          return line === undefined ? undefined : t(nicPage.pairWrong, { line })
        }}
      />
    </FormDialog>
  )
}
