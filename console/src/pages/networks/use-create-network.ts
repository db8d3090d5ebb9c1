import { HttpError } from '@oazapfts/runtime'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { type ActOptions, useAct } from '../../api/act.ts'
import { createNetwork, createVpc, type Network, type Problem, setNetworkDhcp, type Vpc } from '../../api/client.ts'
import { networksQuery, vpcsQuery } from '../../api/queries.ts'
import { refusalOf } from '../../api/refusal.ts'
import { tell } from '../../app/toasts.ts'
import { type NetworkKind, networks } from '../../text/networks.ts'
import { addressesIn, firstFree } from './ranges.ts'

/** Instead of the id of a VPC. */
export const NEW_VPC = 'new'
export const NO_VPC = 'none'

const EMPTY = {
  kind: 'routed' as NetworkKind,
  name: '',
  description: '',
  vpcName: '',
  vpcRange: '172.16.0.0/16',
  ipv6: '',
  interface: '',
  gateway: '',
  first: '',
  last: '',
  mtu: '',
  lease: '',
  dns: '',
  domain: '',
}
export type NetworkForm = typeof EMPTY

/** What is filled in to make a network, and the one or two or three requests that make it. */
export function useCreateNetwork(firstVpc: string | undefined) {
  const { data: vpcList } = useQuery(vpcsQuery())
  const { data: networkList } = useQuery(networksQuery())
  const [form, setForm] = useState(EMPTY)
  const [chosenVpc, chooseVpc] = useState(firstVpc)
  const [typedRange, typeRange] = useState<string>()
  /** Made here with a network that was then refused: the list may not have it yet. */
  const [madeVpc, setMadeVpc] = useState<Vpc>()

  const vpcs = [...(vpcList?.items ?? [])]
  if (madeVpc && !vpcs.some(({ id }) => id === madeVpc.id)) vpcs.unshift(madeVpc)
  const vpc = form.kind === 'routed' ? (chosenVpc ?? vpcs[0]?.id ?? NEW_VPC) : NO_VPC
  const vpcRange = vpc === NEW_VPC ? form.vpcRange : vpcs.find(({ id }) => id === vpc)?.cidr
  const taken = (networkList?.items ?? []).filter(({ vpc_id }) => vpc_id === vpc).flatMap(({ cidr }) => cidr ?? [])
  const ownRange = form.kind === 'isolated' ? '192.168.0.0/24' : ''
  const range = typedRange ?? (form.kind === 'routed' ? firstFree(vpcRange ?? '', taken) : ownRange) ?? ''

  const values = { ...form, vpc, range }
  const act = useAct(async (asked: typeof values, options: ActOptions): Promise<Network> => {
    let vpcId = asked.vpc
    if (vpcId === NEW_VPC) {
      const made = await makeVpc(asked, options)
      setMadeVpc(made)
      chooseVpc(made.id)
      typeRange(asked.range)
      vpcId = made.id
    }
    const made = await createNetwork(bodyOf(asked, vpcId), options)
    await settleDhcp(made, asked)
    return made
  })
  return {
    act,
    form,
    set: (changes: Partial<NetworkForm>) => {
      // The range of one kind of network is of no use to another.
      if (changes.kind !== undefined) typeRange(undefined)
      setForm((now) => ({ ...now, ...changes }))
    },
    vpcs,
    vpc,
    vpcRange,
    range,
    typeRange,
    chooseVpc: (id: string) => {
      typeRange(undefined)
      chooseVpc(id)
    },
    values: () => values,
  }
}

type Asked = NetworkForm & { readonly vpc: string; readonly range: string }

/** Its request has a key of its own, for the other is the network's; its refusals stand at its own fields. */
async function makeVpc({ name, vpcName, vpcRange }: Asked, options: ActOptions): Promise<Vpc> {
  const headers = { ...options.headers, 'Idempotency-Key': `${options.headers['Idempotency-Key']}-vpc` }
  try {
    return await createVpc({ name: vpcName.trim() || name.trim(), cidr: vpcRange.trim() }, { headers })
  } catch (error) {
    if (!(error instanceof HttpError)) throw error
    const problem = error.data as Problem
    const errors = problem.errors?.map((each) => ({ ...each, pointer: each.pointer.replace('/', '/vpc_') }))
    throw new HttpError(error.status, { ...problem, errors }, error.headers)
  }
}

function bodyOf(asked: Asked, vpcId: string): Parameters<typeof createNetwork>[0] {
  const { kind, range, ipv6, gateway, first, last, mtu, description } = asked
  const body = { name: asked.name.trim(), description: description.trim(), ...(mtu && { mtu: Number(mtu) }) }
  const bridge = asked.interface && { interface: asked.interface }
  switch (kind) {
    case 'routed':
      if (vpcId === NO_VPC) return body
      return { ...body, vpc_id: vpcId, cidr: range.trim(), ...(ipv6 && { ipv6_cidr: ipv6.trim() }) }
    case 'isolated':
      return { ...body, mode: 'isolated', cidr: range.trim() }
    case 'bridged':
      return {
        ...body,
        mode: 'bridged',
        cidr: range.trim(),
        ...bridge,
        ...(gateway && { gateway: gateway.trim() }),
        ...((first || last) && { address_range: { first: first.trim(), last: last.trim() } }),
      }
    case 'unmanaged':
      return { ...body, type: 'unmanaged', mode: bridge ? 'bridged' : 'isolated', ...bridge }
  }
}

/** The network is there by now: a refusal is told, and does not keep the form open. */
async function settleDhcp({ id }: Network, { lease, dns, domain, kind }: Asked): Promise<void> {
  if (kind === 'unmanaged' || !(lease || dns || domain)) return
  await setNetworkDhcp(id, dhcpOf({ lease, dns, domain })).catch((error: unknown) => {
    const refusal = refusalOf(error)
    tell({
      tone: 'bad',
      words: (t) => t(networks.madeNotDhcp),
      ...(refusal.kind === 'problem' && { detail: refusal.problem.detail }),
      to: `/networks/${id}`,
    })
  })
}

/** What a form says of DHCP; what is left empty is as it is by default. */
export const dhcpOf = ({ lease, dns, domain }: Pick<NetworkForm, 'lease' | 'dns' | 'domain'>) => ({
  ...(lease && { lease_seconds: Number(lease) }),
  dns_servers: addressesIn(dns),
  domain: domain.trim() || null,
})
