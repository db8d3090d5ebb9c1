import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useAct } from '../../api/act.ts'
import { joinNetwork, type Network, type Vpc } from '../../api/client.ts'
import { networksQuery, vpcsQuery } from '../../api/queries.ts'
import { common } from '../../text/common.ts'
import { useText } from '../../text/language.tsx'
import { networks } from '../../text/networks.ts'
import { FormDialog } from '../../ui/Dialog.tsx'
import { Select, TextField } from '../../ui/fields.tsx'
import { RangeField } from './RangeField.tsx'
import { firstFree, isIpv6Slash64 } from './ranges.ts'

interface Props {
  /** One of the two is known; the other is chosen. */
  readonly network?: Network
  readonly vpc?: Vpc
  readonly onClose: () => void
}

/** Whether a network can be joined to a VPC as it is. */
export const canJoin = ({ type, mode, vpc_id }: Network): boolean =>
  type === 'managed' && mode === 'routed' && vpc_id === null

/** Joins a network to a VPC with a range of it. */
export function JoinDialog({ network, vpc, onClose }: Props) {
  const t = useText()
  const { data: vpcs } = useQuery(vpcsQuery())
  const { data: all } = useQuery(networksQuery())
  const loose = all?.items.filter(canJoin) ?? []
  const [chosenVpc, chooseVpc] = useState<string>()
  const [chosenNetwork, chooseNetwork] = useState<string>()
  const [typed, type] = useState<string>()
  const [ipv6, setIpv6] = useState('')
  const to = vpc ?? vpcs?.items.find(({ id }) => id === chosenVpc) ?? vpcs?.items[0]
  const joins = network ?? loose.find(({ id }) => id === chosenNetwork) ?? loose[0]
  const taken = all?.items.filter(({ vpc_id }) => vpc_id === to?.id).flatMap(({ cidr }) => cidr ?? []) ?? []
  const cidr = typed ?? firstFree(to?.cidr ?? '', taken) ?? ''
  const act = useAct(({ id, ...body }: { id: string } & Parameters<typeof joinNetwork>[1], options) =>
    joinNetwork(id, body, options),
  )
  return (
    <FormDialog
      title={network ? t(networks.joinThis, { name: network.name }) : t(networks.join)}
      submit={t(networks.joinIt)}
      act={act}
      values={() => ({
        id: joins?.id ?? '',
        vpc_id: to?.id ?? '',
        cidr: cidr.trim(),
        ...(ipv6 && { ipv6_cidr: ipv6.trim() }),
      })}
      fields={['vpc_id', 'cidr', 'ipv6_cidr']}
      why={vpcs && !to ? t(networks.noVpcToJoin) : undefined}
      onClose={onClose}
    >
      {!network && (
        <Select
          label={t(common.network)}
          name="network_id"
          options={loose.map(({ id, name }) => ({ id, label: name, hint: id }))}
          value={joins?.id ?? null}
          onChange={chooseNetwork}
          isRequired
        />
      )}
      {!vpc && (
        <Select
          label={t(common.vpc)}
          name="vpc_id"
          options={vpcs?.items.map(({ id, name, cidr: range }) => ({ id, label: name, hint: range })) ?? []}
          value={to?.id ?? null}
          onChange={(id) => {
            type(undefined)
            chooseVpc(id)
          }}
          isRequired
        />
      )}
      <RangeField
        key={to?.id}
        label={t(networks.range)}
        name="cidr"
        prefix={24}
        inside={to?.cidr}
        hint={to && t(networks.rangeHint, { vpc: to.cidr })}
        value={cidr}
        onChange={type}
        isRequired
      />
      <TextField
        label={t(networks.ipv6Range)}
        name="ipv6_cidr"
        value={ipv6}
        onChange={setIpv6}
        check={(value) => (isIpv6Slash64(value) ? undefined : t(networks.mustBeIpv6))}
        hint={t(networks.ipv6Hint)}
        placeholder="fd00:0:0:1::/64"
        isMono
      />
    </FormDialog>
  )
}
