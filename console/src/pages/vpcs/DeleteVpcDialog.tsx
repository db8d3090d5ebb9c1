import { useQuery } from '@tanstack/react-query'
import { ifUnchanged, useAct } from '../../api/act.ts'
import { deleteVpc, listPortForwardings, type Vpc } from '../../api/client.ts'
import { elasticIpsQuery, wholeList } from '../../api/queries.ts'
import { common } from '../../text/common.ts'
import { useText } from '../../text/language.tsx'
import { vpcs as words } from '../../text/vpcs.ts'
import { ConfirmDialog } from '../../ui/Dialog.tsx'

/** Deletes a VPC without networks, and what else is left in it. */
export function DeleteVpcDialog({ vpc, onClose, onDone }: { vpc: Vpc; onClose: () => void; onDone: () => void }) {
  const t = useText()
  const { data: elasticIps } = useQuery(elasticIpsQuery({ vpcId: vpc.id }))
  const { data: forwardings } = useQuery(
    wholeList('port_forwarding', { vpcId: vpc.id }, (cursor, limit) => listPortForwardings(vpc.id, { cursor, limit })),
  )
  const act = useAct<void, true>(async (_, options) => {
    await deleteVpc(vpc.id, { force: true }, ifUnchanged(vpc, options))
    return true
  })
  const lost = [
    ...(elasticIps?.items ?? []).map(({ address }) => t(words.losesElasticIp, { address })),
    ...(forwardings?.items.length ? [t(words.losesForwardings, { count: forwardings.items.length })] : []),
  ]
  return (
    <ConfirmDialog
      title={t(words.deleteThis, { name: vpc.name })}
      confirm={t(common.delete)}
      act={act}
      onClose={onClose}
      onDone={onDone}
    >
      <p>{t(lost.length > 0 ? words.loses : words.losesNothing)}</p>
      {lost.length > 0 && (
        <ul>
          {lost.map((each) => (
            <li key={each}>· {each}</li>
          ))}
        </ul>
      )}
    </ConfirmDialog>
  )
}
