/** What takes something from a network, with what it loses. */
import { ifUnchanged, useAct } from '../../api/act.ts'
import { deleteNetwork, leaveNetwork, type Network, type Vpc } from '../../api/client.ts'
import { common } from '../../text/common.ts'
import { useText } from '../../text/language.tsx'
import { networks } from '../../text/networks.ts'
import { ConfirmDialog } from '../../ui/Dialog.tsx'

interface Props {
  readonly network: Network
  readonly onClose: () => void
}

export function LeaveDialog({ network, onClose }: Props) {
  const t = useText()
  const act = useAct<void, Network>((_, options) => leaveNetwork(network.id, {}, options))
  const { cidr, gateway } = network
  return (
    <ConfirmDialog
      title={t(networks.leaveThis, { name: network.name })}
      confirm={t(networks.leaveIt)}
      act={act}
      onClose={onClose}
    >
      <p>{t(networks.leaveLoses, { cidr: cidr ?? '', gateway: gateway ?? '' })}</p>
    </ConfirmDialog>
  )
}

export function DeleteNetworkDialog({
  network,
  vpc,
  onClose,
  onDone,
}: Props & { readonly vpc: Vpc | undefined; readonly onDone: () => void }) {
  const t = useText()
  const act = useAct<void, true>(async (_, options) => {
    await deleteNetwork(network.id, ifUnchanged(network, options))
    return true
  })
  const { cidr, name } = network
  return (
    <ConfirmDialog
      title={t(networks.deleteThis, { name })}
      confirm={t(common.delete)}
      act={act}
      onClose={onClose}
      onDone={onDone}
    >
      <p>{cidr && vpc ? t(networks.deleteLoses, { cidr, vpc: vpc.name }) : t(networks.deleteLosesOnly)}</p>
    </ConfirmDialog>
  )
}
