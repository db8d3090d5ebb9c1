import { Link } from 'react-router'
import type { Network } from '../../api/client.ts'
import { common } from '../../text/common.ts'
import { useText } from '../../text/language.tsx'
import { networkKindHints, networks } from '../../text/networks.ts'
import { Columns, Copyable, Facts, Panel, Tags, Time } from '../../ui/page.tsx'
import { AddressUsage } from './AddressUsage.tsx'
import { kindOf } from './network-columns.tsx'

/** What a network is, and where it lies. */
export function NetworkFacts({ network, vpcName }: { network: Network; vpcName: string | undefined }) {
  const t = useText()
  return (
    <Columns>
      <Panel title={t(networks.facts)}>
        <Facts
          facts={[
            [t(common.id), <Copyable key="id" text={network.id} />],
            [t(networks.mode), t(networkKindHints[kindOf(network)])],
            [t(common.vpc), <VpcLink key="vpc" id={network.vpc_id} name={vpcName} />],
            [t(networks.interface), network.interface ? <code key="interface">{network.interface}</code> : undefined],
            [t(networks.vni), network.vni],
            [t(networks.mtu), network.mtu],
            [t(common.description), network.description || undefined],
            [t(common.tags), <Tags key="tags" tags={network.tags} />],
            [t(common.created), <Time key="created" at={network.created_at} />],
          ]}
        />
      </Panel>
      <Addressing network={network} />
    </Columns>
  )
}

function VpcLink({ id, name }: { id: string | null; name: string | undefined }) {
  const t = useText()
  if (id === null) return <span className="soft">{t(networks.notJoined)}</span>
  return <Link to={`/vpcs/${id}`}>{name ?? id}</Link>
}

function Addressing({ network }: { network: Network }) {
  const t = useText()
  const { dhcp, address_range: range, cidr, gateway, ipv6_cidr: ipv6 } = network
  if (network.type === 'unmanaged') return null
  const none = (
    <span key="none" className="soft">
      {t(common.none)}
    </span>
  )
  const ownDns = t(network.vpc_id ? networks.dnsOwn : common.none)
  return (
    <Panel title={t(networks.addressing)}>
      <Facts
        facts={[
          [t(networks.range), cidr ? <Copyable key="cidr" text={cidr} /> : none],
          [t(networks.gateway), gateway ? <code key="gateway">{gateway}</code> : none],
          [t(networks.addressRange), range ? <code key="range">{`${range.first} – ${range.last}`}</code> : undefined],
          [t(networks.free), cidr ? <AddressUsage key="usage" network={network} /> : undefined],
          [t(networks.ipv6Range), ipv6 ? <Copyable key="ipv6" text={ipv6} /> : none],
          [
            t(networks.dns),
            dhcp.dns_servers.length > 0 ? <code key="dns">{dhcp.dns_servers.join(', ')}</code> : ownDns,
          ],
          [t(networks.domain), dhcp.domain ?? none],
          [t(networks.leaseTime), t(networks.leaseOf, { count: dhcp.lease_seconds })],
        ]}
      />
    </Panel>
  )
}
