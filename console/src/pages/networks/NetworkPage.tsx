import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useNavigate, useParams } from 'react-router'
import { type Network, updateNetwork } from '../../api/client.ts'
import { networkQuery, reservedAddressesQuery, useById, vpcsQuery } from '../../api/queries.ts'
import { useLacks } from '../../api/session.tsx'
import { common } from '../../text/common.ts'
import { useText } from '../../text/language.tsx'
import { networkKinds, networks } from '../../text/networks.ts'
import { Badge } from '../../ui/Badge.tsx'
import { Button } from '../../ui/Button.tsx'
import { EditDialog } from '../../ui/EditDialog.tsx'
import { ActMenu, Failed, Loading, Page, Panel } from '../../ui/page.tsx'
import { History } from '../events/History.tsx'
import { canJoin, JoinDialog } from './JoinDialog.tsx'
import { DeleteNetworkDialog, LeaveDialog } from './LossDialogs.tsx'
import { NetworkAddresses } from './NetworkAddresses.tsx'
import { NetworkFacts } from './NetworkFacts.tsx'
import { NetworkNics } from './NetworkNics.tsx'
import { kindOf } from './network-columns.tsx'
import { DhcpDialog, Ipv6Dialog } from './SettingsDialogs.tsx'

type Open = 'join' | 'leave' | 'ipv6' | 'dhcp' | 'edit' | 'delete'

export default function NetworkPage() {
  const t = useText()
  const { id = '' } = useParams()
  const { data: network, error } = useQuery(networkQuery(id))
  const back = { label: t(common.networks), to: '/networks' }
  if (error) return <Failed error={error} back={back} />
  if (!network) return <Loading />
  return <Shown key={id} network={network} back={back} />
}

function Shown({ network, back }: { network: Network; back: { label: string; to: string } }) {
  const t = useText()
  const navigate = useNavigate()
  const vpcs = useById(vpcsQuery())
  const why = useReasons(network)
  const [open, setOpen] = useState<Open>()
  const vpc = network.vpc_id === null ? undefined : vpcs.get(network.vpc_id)
  const close = () => setOpen(undefined)
  const kind = kindOf(network)
  const act = (id: Open, label: string, reason: string | undefined, isBad = false) => ({
    id,
    label,
    why: reason,
    isBad,
    onAction: () => setOpen(id),
  })
  return (
    <Page
      title={network.name}
      above={back}
      beside={<Badge tone="info">{t(networkKinds[kind])}</Badge>}
      actions={
        <>
          {canJoin(network) && (
            <Button look="primary" why={why.changes} onPress={() => setOpen('join')}>
              {t(networks.join)}
            </Button>
          )}
          <Button why={why.changes} onPress={() => setOpen('edit')}>
            {t(common.edit)}
          </Button>
          <ActMenu
            acts={[
              act('ipv6', t(networks.setIpv6), why.ipv6),
              act('dhcp', t(networks.dhcpSettings), why.dhcp),
              act('join', t(networks.join), why.join),
              act('leave', t(networks.leave), why.leave),
              act('delete', t(common.delete), why.delete, true),
            ]}
          />
        </>
      }
    >
      <NetworkFacts network={network} vpcName={vpc?.name} />
      <NetworkAddresses network={network} />
      <NetworkNics network={network} />
      <Panel title={t(common.history)}>
        <History id={network.id} />
      </Panel>
      {open === 'join' && <JoinDialog network={network} onClose={close} />}
      {open === 'leave' && <LeaveDialog network={network} onClose={close} />}
      {open === 'ipv6' && <Ipv6Dialog network={network} onClose={close} />}
      {open === 'dhcp' && <DhcpDialog network={network} onClose={close} />}
      {open === 'edit' && (
        <EditDialog
          title={t(networks.editThis, { name: network.name })}
          of={network}
          save={(changes, options) => updateNetwork(network.id, changes, options)}
          onClose={close}
        />
      )}
      {open === 'delete' && (
        <DeleteNetworkDialog
          network={network}
          vpc={vpc}
          onClose={close}
          onDone={() => void navigate(back.to, { replace: true })}
        />
      )}
    </Page>
  )
}

/** Why each act on a network cannot be done as things are; `undefined` when it can. */
function useReasons(network: Network) {
  const t = useText()
  const lacks = useLacks()
  const changes = lacks('operator')
  const isRouted = kindOf(network) === 'routed'
  const inVpc = network.vpc_id !== null
  const outsideVpc = inVpc ? undefined : t(isRouted ? networks.inNoVpc : networks.onlyRouted)
  const inUse = useInUse(network)
  return {
    changes,
    ipv6: changes ?? outsideVpc,
    dhcp: changes ?? (network.type === 'unmanaged' ? t(networks.noAddressesUnmanaged) : undefined),
    join: changes ?? (canJoin(network) ? undefined : t(inVpc ? networks.inVpcAlready : networks.onlyRouted)),
    leave: changes ?? outsideVpc ?? inUse,
    delete: changes ?? inUse,
  }
}

/** What keeps a network where it is. */
function useInUse({ id, nic_count }: Network): string | undefined {
  const t = useText()
  const { data: reserved } = useQuery(reservedAddressesQuery({ networkId: id }))
  if (nic_count > 0) return t(networks.hasNics, { count: nic_count })
  const count = reserved?.items.length ?? 0
  return count > 0 ? t(networks.hasReserved, { count }) : undefined
}
