import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useNavigate } from 'react-router'
import { createServer, type Hypervisor, type Server } from '../../api/client.ts'
import { hypervisorsQuery } from '../../api/queries.ts'
import { useLacks } from '../../api/session.tsx'
import { useJob } from '../../app/our-jobs.ts'
import { common } from '../../text/common.ts'
import { useText } from '../../text/language.tsx'
import { servers } from '../../text/servers.ts'
import { FormDialog } from '../../ui/Dialog.tsx'
import { type Option, RadioGroup, Select, TextField } from '../../ui/fields.tsx'
import { More } from '../../ui/More.tsx'
import { DescriptionField, NameField } from '../../ui/NameFields.tsx'
import { TagsField, tagsFrom } from '../../ui/TagsField.tsx'
import { GroupsField } from '../nics/GroupsField.tsx'
import { AddressField } from './AddressField.tsx'
import { NetworkField, useOnlyNetwork } from './NetworkField.tsx'
import { SizeFields } from './SizeFields.tsx'

type Guest = Server['guest']
/** In this order one is proposed: a namespace runs wherever there is a worker. */
const GUESTS: readonly Guest[] = ['namespace', 'qemu']
const FIELDS = [
  ...['name', 'guest', 'network_id', 'address', 'security_group_ids', 'vcpus', 'memory_mb', 'hypervisor_id'],
  ...['description', 'tags', 'qmp_socket', 'qga_socket'],
]
const AUTOMATIC = 'automatic'
const NO_NETWORK = 'none'

/** The kinds of guests that a hypervisor says it runs; one that does not say may run any. */
const runs = ({ facts }: Hypervisor, guest: Guest): boolean =>
  !Array.isArray(facts.guests) || facts.guests.includes(guest)

/** What is sent of a field that may stay empty. */
const given = <K extends string>(name: K, value: string): { [P in K]?: string } =>
  value.trim() === '' ? {} : ({ [name]: value.trim() } as { [P in K]?: string })

export function CreateServer({ onClose }: { onClose: () => void }) {
  const t = useText()
  const lacks = useLacks()
  const navigate = useNavigate()
  const { data } = useQuery(hypervisorsQuery())
  const hypervisors = data?.items ?? []
  const isThere = (kind: Guest) => hypervisors.some((one) => one.state === 'up' && runs(one, kind))

  const [name, setName] = useState('')
  const [chosenGuest, setGuest] = useState<Guest>()
  const guest = chosenGuest ?? GUESTS.find(isThere) ?? 'namespace'
  const [onlyNetwork, setNetwork] = useOnlyNetwork()
  const networkId = onlyNetwork === NO_NETWORK ? null : onlyNetwork
  const [address, setAddress] = useState('')
  const [vcpus, setVcpus] = useState('1')
  const [memory, setMemory] = useState('256')
  const [hypervisorId, setHypervisor] = useState(AUTOMATIC)
  const [groups, setGroups] = useState<readonly string[]>([])
  const [description, setDescription] = useState('')
  const [tags, setTags] = useState('')
  const [qmp, setQmp] = useState('')
  const [qga, setQga] = useState('')
  const isAdopted = guest === 'qemu' && qmp.trim() !== ''
  // A socket is on one hypervisor, which the service does not guess; where there is one only, nobody has to say it.
  const [first, ...others] = hypervisors
  const onlyOne = isAdopted && first && others.length === 0 ? { hypervisor_id: first.id } : {}

  const act = useJob((wanted: Parameters<typeof createServer>[0], options) => createServer(wanted, options))
  const values = (): Parameters<typeof createServer>[0] => ({
    name: name.trim(),
    guest,
    vcpus: Number(vcpus),
    memory_mb: Number(memory),
    ...(networkId === null || isAdopted
      ? {}
      : {
          network_id: networkId,
          ...given('address', address),
          ...(groups.length > 0 ? { security_group_ids: [...groups] } : {}),
        }),
    ...(hypervisorId === AUTOMATIC ? onlyOne : { hypervisor_id: hypervisorId }),
    ...given('description', description),
    ...(tags.trim() === '' ? {} : { tags: tagsFrom(tags) }),
    ...(isAdopted ? { ...given('qmp_socket', qmp), ...given('qga_socket', qga) } : {}),
  })
  return (
    <FormDialog
      title={t(servers.create)}
      submit={t(servers.create)}
      act={act}
      values={values}
      fields={FIELDS}
      why={lacks('operator')}
      onClose={onClose}
      onDone={({ server_id: id }) => void navigate(id === null ? '/servers' : `/servers/${id}`)}
    >
      <NameField value={name} onChange={setName} isRequired autoFocus />
      <RadioGroup
        label={t(servers.guest)}
        name="guest"
        value={guest}
        onChange={(kind) => setGuest(GUESTS.find((one) => one === kind))}
        options={GUESTS.map((kind) => ({
          id: kind,
          label: t(servers[kind]),
          why: data && !isThere(kind) ? t(servers.hypervisorCannot) : undefined,
        }))}
        hint={t(guest === 'qemu' ? servers.qemuHint : servers.namespaceHint)}
      />
      {!isAdopted && (
        <NetworkField
          value={onlyNetwork}
          onChange={setNetwork}
          none={{ id: NO_NETWORK, label: t(servers.noNetwork) }}
          hint={networkId === null ? undefined : t(servers.createdWith)}
        />
      )}
      {networkId !== null && !isAdopted && <AddressField value={address} onChange={setAddress} />}
      <More>
        <SizeFields vcpus={vcpus} setVcpus={setVcpus} memory={memory} setMemory={setMemory} />
        <Select
          label={t(common.hypervisor)}
          name="hypervisor_id"
          value={hypervisorId}
          onChange={setHypervisor}
          options={[
            { id: AUTOMATIC, label: t(common.automatic), hint: t(servers.hypervisorHint) },
            ...hypervisors.map((one): Option => ({ id: one.id, label: one.id, why: whyNotOn(one) })),
          ]}
        />
        {networkId !== null && !isAdopted && <GroupsField value={groups} onChange={setGroups} />}
        <DescriptionField value={description} onChange={setDescription} isLong />
        <TagsField value={tags} onChange={setTags} />
        {guest === 'qemu' && (
          <>
            <h3>{t(servers.adopt)}</h3>
            <p className="soft">{lacks('admin') ?? t(servers.adoptHint)}</p>
            <TextField
              label={t(servers.qmpSocket)}
              name="qmp_socket"
              value={qmp}
              onChange={setQmp}
              isDisabled={lacks('admin') !== undefined}
              isMono
            />
            <TextField
              label={t(servers.qgaSocket)}
              name="qga_socket"
              value={qga}
              onChange={setQga}
              isDisabled={!isAdopted}
              isMono
            />
          </>
        )}
      </More>
    </FormDialog>
  )

  function whyNotOn(one: Hypervisor): string | undefined {
    if (one.state !== 'up') return t(servers.hypervisorDown)
    return runs(one, guest) ? undefined : t(servers.hypervisorCannot)
  }
}
