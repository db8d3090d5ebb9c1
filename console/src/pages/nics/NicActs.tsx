import { type ComponentType, useState } from 'react'
import { useNavigate } from 'react-router'
import type { Nic } from '../../api/client.ts'
import { useLacks } from '../../api/session.tsx'
import { common } from '../../text/common.ts'
import { useText } from '../../text/language.tsx'
import { nicPage } from '../../text/nic-page.ts'
import { problems } from '../../text/problems.ts'
import type { Text } from '../../text/text.ts'
import { Button } from '../../ui/Button.tsx'
import { ActMenu } from '../../ui/page.tsx'
import { AssignDialog } from './AssignDialog.tsx'
import { DeleteNicsDialog } from './DeleteNicsDialog.tsx'
import { DetachDialog } from './DetachDialog.tsx'
import {
  ChangeAddressDialog,
  EditNicDialog,
  MoveNicDialog,
  type NicDialogProps,
  RemoveAddressDialog,
} from './NicForms.tsx'
import { AntiSpoofingDialog, BandwidthDialog, GroupsDialog } from './NicSettings.tsx'
import { useWhyNot } from './why-not.ts'

/** Acts that are only a dialog about the NIC. */
const DIALOGS = {
  edit: EditNicDialog,
  address: ChangeAddressDialog,
  unaddress: RemoveAddressDialog,
  move: MoveNicDialog,
  groups: GroupsDialog,
  bandwidth: BandwidthDialog,
  spoofing: AntiSpoofingDialog,
} as const satisfies Record<string, ComponentType<NicDialogProps>>
const LABELS: Readonly<Record<keyof typeof DIALOGS, Text>> = {
  edit: nicPage.edit,
  address: nicPage.changeAddress,
  unaddress: nicPage.removeAddress,
  move: nicPage.move,
  groups: nicPage.changeGroups,
  bandwidth: nicPage.changeBandwidth,
  spoofing: nicPage.changeAntiSpoofing,
}
type What = keyof typeof DIALOGS | 'assign' | 'detach' | 'delete'

/** What can be done with one NIC. */
export function NicActs({ nic }: { readonly nic: Nic }) {
  const t = useText()
  const lacks = useLacks()
  const whyNot = useWhyNot()
  const navigate = useNavigate()
  // The NIC as it was when the dialog was opened: somebody else's change is not overwritten unseen.
  const [doing, begin] = useState<{ what: What; nic: Nic }>()
  const start = (what: What) => begin({ what, nic })
  const close = () => begin(undefined)

  const reader = lacks('operator')
  const elsewhere = whyNot.move([nic]) ?? (nic.elastic_ip ? t(nicPage.noElasticIp) : undefined)
  const why: Partial<Record<keyof typeof DIALOGS, string | undefined>> = {
    address: whyNot.move([nic]),
    unaddress: nic.address === null ? t(problems.nic_unaddressed) : elsewhere,
    move: elsewhere,
  }
  const acts = (Object.keys(DIALOGS) as (keyof typeof DIALOGS)[]).map((id) => ({
    id,
    label: t(LABELS[id]),
    why: reader ?? why[id],
    onAction: () => start(id),
  }))
  const remove = {
    id: 'delete',
    label: t(common.delete),
    isBad: true,
    why: reader ?? whyNot.delete([nic]),
    onAction: () => start('delete'),
  }
  const isPlugged = nic.server_id !== null
  return (
    <>
      {isPlugged ? (
        <Button why={reader ?? whyNot.detach([nic])} onPress={() => start('detach')}>
          {t(common.detach)}
        </Button>
      ) : (
        <Button look="primary" why={reader ?? whyNot.assign([nic])} onPress={() => start('assign')}>
          {t(common.attach)}
        </Button>
      )}
      <ActMenu acts={[...acts, remove]} />
      {doing && <Doing {...doing} onClose={close} onGone={() => void navigate('/nics')} />}
    </>
  )
}

function Doing({ what, nic, onClose, onGone }: { what: What; nic: Nic; onClose: () => void; onGone: () => void }) {
  switch (what) {
    case 'assign':
      return <AssignDialog nicIds={[nic.id]} onClose={onClose} />
    case 'detach':
      return <DetachDialog nics={[nic]} onClose={onClose} />
    case 'delete':
      return <DeleteNicsDialog nics={[nic]} onClose={onClose} onDone={onGone} />
    default: {
      const Dialog = DIALOGS[what]
      return <Dialog nic={nic} onClose={onClose} />
    }
  }
}
