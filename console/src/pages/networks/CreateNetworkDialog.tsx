import { useQuery } from '@tanstack/react-query'
import type { Network } from '../../api/client.ts'
import { hypervisorsQuery } from '../../api/queries.ts'
import { common } from '../../text/common.ts'
import { useText } from '../../text/language.tsx'
import { type NetworkKind, networkKindHints, networkKinds, networks } from '../../text/networks.ts'
import { FormDialog } from '../../ui/Dialog.tsx'
import { NumberField, Pair, RadioGroup, Select, TextField } from '../../ui/fields.tsx'
import { More } from '../../ui/More.tsx'
import { DescriptionField, NameField } from '../../ui/NameFields.tsx'
import { DhcpFields } from './DhcpFields.tsx'
import { RangeField } from './RangeField.tsx'
import { isIpv4, isIpv6Slash64 } from './ranges.ts'
import { NEW_VPC, NO_VPC, useCreateNetwork } from './use-create-network.ts'

const KINDS: readonly NetworkKind[] = ['routed', 'isolated', 'bridged', 'unmanaged']
const FIELDS = [
  ...['name', 'description', 'mode', 'vpc_id', 'vpc_name', 'vpc_cidr', 'cidr', 'ipv6_cidr'],
  ...['interface', 'gateway', 'address_range', 'mtu'],
]

interface Props {
  /** The VPC that is chosen at first. */
  readonly vpcId?: string | undefined
  readonly onClose: () => void
  readonly onMade: (network: Network) => void
}

export function CreateNetworkDialog({ vpcId, onClose, onMade }: Props) {
  const t = useText()
  const create = useCreateNetwork(vpcId)
  const { form, set } = create
  const kindOptions = KINDS.map((id) => ({ id, label: t(networkKinds[id]), hint: t(networkKindHints[id]) }))
  return (
    <FormDialog
      title={t(networks.create)}
      submit={t(common.create)}
      act={create.act}
      values={create.values}
      fields={FIELDS}
      onClose={onClose}
      onDone={onMade}
    >
      <NameField value={form.name} onChange={(name) => set({ name })} isRequired autoFocus />
      <RadioGroup
        label={t(networks.mode)}
        name="mode"
        options={kindOptions}
        value={form.kind}
        onChange={(kind) => set({ kind: kind as NetworkKind })}
        inColumns
      />
      {form.kind === 'routed' && <VpcFields create={create} />}
      {(form.kind === 'bridged' || form.kind === 'unmanaged') && <InterfaceField create={create} />}
      <RangeFields create={create} />
      {form.kind === 'bridged' && <SegmentFields create={create} />}
      <More>
        <MoreFields create={create} />
      </More>
    </FormDialog>
  )
}

type Part = { readonly create: ReturnType<typeof useCreateNetwork> }

function VpcFields({ create: { vpcs, vpc, chooseVpc, form, set } }: Part) {
  const t = useText()
  const options = [
    ...vpcs.map(({ id, name, cidr }) => ({ id, label: name, hint: cidr })),
    { id: NEW_VPC, label: t(networks.newVpc), hint: t(networks.newVpcHint) },
    { id: NO_VPC, label: t(networks.noVpc), hint: t(networks.noVpcHint) },
  ]
  return (
    <>
      <Select label={t(common.vpc)} name="vpc_id" options={options} value={vpc} onChange={chooseVpc} isRequired />
      {vpc === NEW_VPC && (
        <Pair>
          <TextField
            label={t(networks.vpcName)}
            name="vpc_name"
            value={form.vpcName}
            onChange={(vpcName) => set({ vpcName })}
            placeholder={form.name}
            maxLength={128}
          />
          <RangeField
            label={t(networks.vpcRange)}
            name="vpc_cidr"
            prefix={16}
            isPrivate
            value={form.vpcRange}
            onChange={(vpcRange) => set({ vpcRange })}
            isRequired
          />
        </Pair>
      )}
    </>
  )
}

function RangeFields({ create: { form, vpc, vpcRange, range, typeRange } }: Part) {
  const t = useText()
  const field = { label: t(networks.range), name: 'cidr', value: range, onChange: typeRange, isRequired: true }
  switch (form.kind) {
    case 'routed':
      if (vpc === NO_VPC) return null
      return (
        <RangeField
          {...field}
          key={vpcRange}
          prefix={24}
          inside={vpcRange}
          hint={vpcRange && t(networks.rangeHint, { vpc: vpcRange })}
        />
      )
    case 'isolated':
      return <RangeField {...field} prefix={24} isPrivate hint={t(networks.rangeOwnHint)} />
    case 'bridged':
      return <RangeField {...field} prefix={24} hint={t(networks.rangeBridgedHint)} placeholder="203.0.113.0/24" />
    case 'unmanaged':
      return null
  }
}

function InterfaceField({ create: { form, set } }: Part) {
  const t = useText()
  const { data } = useQuery(hypervisorsQuery())
  const names = [...new Set(data?.items.flatMap(({ facts }) => namesIn(facts.interfaces)))].sort()
  const isBridged = form.kind === 'bridged'
  const hint = t(isBridged ? networks.interfaceHint : networks.interfaceUnmanagedHint)
  return (
    <Select
      label={t(networks.interface)}
      name="interface"
      options={names.map((name) => ({ id: name, label: name }))}
      value={form.interface || null}
      onChange={(name) => set({ interface: name })}
      isRequired={isBridged}
      hint={names.length > 0 ? hint : t(networks.noInterfaces)}
    />
  )
}

/** What a hypervisor says of itself has no schema. */
const namesIn = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((each): each is string => typeof each === 'string') : []

function SegmentFields({ create: { form, set } }: Part) {
  const t = useText()
  const check = (value: string) => (isIpv4(value) ? undefined : t(common.mustBeIpv4))
  const hasRange = form.first !== '' || form.last !== ''
  return (
    <>
      <TextField
        label={t(networks.gateway)}
        name="gateway"
        value={form.gateway}
        onChange={(gateway) => set({ gateway })}
        check={check}
        hint={t(networks.gatewayHint)}
        isMono
      />
      <Pair>
        <TextField
          label={t(networks.rangeFirst)}
          name="address_range"
          value={form.first}
          onChange={(first) => set({ first })}
          check={check}
          isRequired={hasRange}
          isMono
        />
        <TextField
          label={t(networks.rangeLast)}
          name="address_range_last"
          value={form.last}
          onChange={(last) => set({ last })}
          check={check}
          isRequired={hasRange}
          isMono
        />
      </Pair>
    </>
  )
}

function MoreFields({ create: { form, set, vpc } }: Part) {
  const t = useText()
  return (
    <>
      {form.kind === 'routed' && vpc !== NO_VPC && (
        <TextField
          label={t(networks.ipv6Range)}
          name="ipv6_cidr"
          value={form.ipv6}
          onChange={(ipv6) => set({ ipv6 })}
          check={(value) => (isIpv6Slash64(value) ? undefined : t(networks.mustBeIpv6))}
          hint={t(networks.ipv6Hint)}
          placeholder="fd00:0:0:1::/64"
          isMono
        />
      )}
      {form.kind !== 'unmanaged' && <DhcpFields form={form} set={set} />}
      <NumberField
        label={`${t(networks.mtu)} (${t(networks.bytes)})`}
        name="mtu"
        value={form.mtu}
        onChange={(mtu) => set({ mtu })}
        min={1280}
        max={9000}
        placeholder="1500"
      />
      <DescriptionField value={form.description} onChange={(description) => set({ description })} />
    </>
  )
}
