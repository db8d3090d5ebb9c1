import { useState } from 'react'
import { ifUnchanged } from '../../api/act.ts'
import { createPortForwarding, type PortForwarding, updatePortForwarding, type Vpc } from '../../api/client.ts'
import { useJob } from '../../app/our-jobs.ts'
import { common } from '../../text/common.ts'
import { portForwardings as words } from '../../text/elastic-ips.ts'
import { useText } from '../../text/language.tsx'
import { FormDialog } from '../../ui/Dialog.tsx'
import { Checkbox, NumberField, Pair, RadioGroup, TextField } from '../../ui/fields.tsx'
import { NameField } from '../../ui/NameFields.tsx'
import { isIpv4, rangeOf } from '../networks/ranges.ts'
import styles from './elastic-ips.module.css'
import { overlaps } from './pools.ts'

type Said = Pick<PortForwarding, 'protocol' | 'port' | 'address' | 'target_port'>
type Protocol = PortForwarding['protocol']

/** A sentence that says what a port forwarding does. @param outside - the VPC's elastic IP, if it has one. */
export function useMeaning(outside: string | undefined): (said: Said) => string {
  const t = useText()
  return ({ protocol, port, address, target_port }) =>
    t(words.meaning, {
      protocol: protocol.toUpperCase(),
      // As text: ports are names, and have no separators.
      port: String(port),
      target: String(target_port),
      address,
      outside: outside ?? t(words.theElasticIp),
    })
}

interface Props {
  readonly vpc: Vpc
  readonly outside: string | undefined
  /** The one to be changed, as it was seen; a new one otherwise. */
  readonly of?: PortForwarding | undefined
  readonly onClose: () => void
}

const LAST_PORT = 65_535

export function PortForwardingDialog({ vpc, outside, of, onClose }: Props) {
  const t = useText()
  const meaningOf = useMeaning(outside)
  const [name, setName] = useState(of?.name ?? '')
  const [protocol, setProtocol] = useState<Protocol>(of?.protocol ?? 'tcp')
  const [port, setPort] = useState(of ? String(of.port) : '')
  const [address, setAddress] = useState(of?.address ?? '')
  const [target, setTarget] = useState(of && of.target_port !== of.port ? String(of.target_port) : '')
  const [isOn, setOn] = useState(of?.enabled ?? true)
  const targetPort = Number(target.trim() || port)
  const act = useJob((body: Parameters<typeof createPortForwarding>[1], options) =>
    of
      ? updatePortForwarding(vpc.id, of.id, body, ifUnchanged(of, options))
      : createPortForwarding(vpc.id, body, options),
  )
  const checkAddress = (typed: string) => {
    if (!isIpv4(typed)) return t(common.mustBeIpv4)
    return rangeOf(vpc.cidr) && !overlaps(`${typed}/32`, vpc.cidr) ? t(words.outside, { cidr: vpc.cidr }) : undefined
  }
  return (
    <FormDialog
      title={t(of ? words.edit : words.add)}
      submit={t(of ? common.save : common.add)}
      act={act}
      values={() => ({
        protocol,
        port: Number(port),
        address: address.trim(),
        target_port: targetPort,
        enabled: isOn,
        ...(name.trim() && { name: name.trim() }),
      })}
      fields={['name', 'protocol', 'port', 'address', 'target_port']}
      onClose={onClose}
    >
      <Pair>
        <RadioGroup
          label={t(words.protocol)}
          name="protocol"
          options={(['tcp', 'udp'] as const).map((id) => ({ id, label: id.toUpperCase() }))}
          value={protocol}
          onChange={(id) => setProtocol(id as Protocol)}
        />
        <NumberField
          label={t(words.port)}
          name="port"
          isRequired
          min={1}
          max={LAST_PORT}
          autoFocus
          value={port}
          onChange={setPort}
        />
        <TextField
          label={t(words.targetAddress)}
          name="address"
          isRequired
          isMono
          value={address}
          onChange={setAddress}
          check={checkAddress}
        />
        <NumberField
          label={t(words.targetPort)}
          name="target_port"
          hint={t(words.targetPortHint)}
          min={1}
          max={LAST_PORT}
          value={target}
          onChange={setTarget}
        />
      </Pair>
      <NameField value={name} onChange={setName} />
      <Checkbox isSelected={isOn} onChange={setOn}>
        {t(words.isOn)}
      </Checkbox>
      {port !== '' && isIpv4(address.trim()) && (
        <p className={styles.size} aria-live="polite">
          {meaningOf({ protocol, port: Number(port), address: address.trim(), target_port: targetPort })}
        </p>
      )}
    </FormDialog>
  )
}
