import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { ifUnchanged, useAct } from '../../api/act.ts'
import { createElasticIpPool, deleteElasticIpPool, type ElasticIpPool, updateElasticIpPool } from '../../api/client.ts'
import { hypervisorsQuery } from '../../api/queries.ts'
import { common } from '../../text/common.ts'
import { elasticIps as words } from '../../text/elastic-ips.ts'
import { useText } from '../../text/language.tsx'
import { ConfirmDialog, FormDialog } from '../../ui/Dialog.tsx'
import { Pair, Select, TextField } from '../../ui/fields.tsx'
import { NameField } from '../../ui/NameFields.tsx'
import { Facts } from '../../ui/page.tsx'
import { isIpv4 } from '../networks/ranges.ts'
import styles from './elastic-ips.module.css'
import { interfacesOf, isHostOf, lies, segmentOf, sizeOf, usualOf } from './pools.ts'

type Body = Parameters<typeof createElasticIpPool>[0]

export function CreatePoolDialog({ onClose }: { onClose: () => void }) {
  const t = useText()
  const { data } = useQuery(hypervisorsQuery())
  const interfaces = data && interfacesOf(data.items)
  const [name, setName] = useState('')
  const [cidr, setCidr] = useState('')
  const [picked, pick] = useState<string>()
  // What was typed; until then what most segments have.
  const [typed, setTyped] = useState<Partial<Pick<Body, 'gateway' | 'first' | 'last'>>>({})
  const segment = segmentOf(cidr)
  const range = { gateway: '', first: '', last: '', ...(segment && usualOf(segment)), ...typed }
  const through = picked ?? (interfaces?.size === 1 ? [...interfaces.keys()][0] : undefined)
  const act = useAct(createElasticIpPool)
  return (
    <FormDialog
      title={t(words.createPool)}
      submit={t(common.create)}
      act={act}
      values={() => ({
        name: name.trim(),
        cidr: cidr.trim(),
        gateway: range.gateway.trim(),
        first: range.first.trim(),
        last: range.last.trim(),
        interface: through ?? '',
      })}
      fields={['name', 'cidr', 'gateway', 'first', 'last', 'interface']}
      onClose={onClose}
    >
      <p className="soft">{t(words.whatAPoolIs)}</p>
      <NameField isRequired autoFocus value={name} onChange={setName} />
      <Pair>
        <Select
          label={t(words.interface)}
          name="interface"
          hint={t(interfaces?.size === 0 ? words.noInterfaces : words.interfaceHint)}
          isRequired
          options={[...(interfaces ?? [])].map(([id, count]) => ({
            id,
            label: id,
            hint: t(words.interfaceOf, { count }),
          }))}
          value={through ?? null}
          onChange={pick}
        />
        <TextField
          label={t(words.cidr)}
          name="cidr"
          hint={t(words.cidrHint)}
          placeholder="203.0.113.0/24"
          isRequired
          isMono
          value={cidr}
          onChange={setCidr}
          check={(text) => (segmentOf(text) ? undefined : t(words.cidrMustBe))}
        />
      </Pair>
      <TextField
        label={t(words.gateway)}
        name="gateway"
        hint={t(words.gatewayHint)}
        isRequired
        isMono
        value={range.gateway}
        onChange={(gateway) => setTyped({ ...typed, gateway })}
        check={(address) => {
          if (!isIpv4(address)) return t(common.mustBeIpv4)
          if (segment && !isHostOf(segment, address)) return t(words.outsideSegment, { cidr })
          return lies(address, range.first, range.last) ? t(words.holdsGateway) : undefined
        }}
      />
      <EndFields
        first={range.first}
        last={range.last}
        cidr={cidr}
        onChange={(ends) => setTyped({ ...typed, ...ends })}
      />
    </FormDialog>
  )
}

interface EndsProps {
  readonly first: string
  readonly last: string
  readonly cidr: string
  readonly onChange: (ends: { first?: string; last?: string }) => void
}

/** The ends of the range that is given out. */
function EndFields({ first, last, cidr, onChange }: EndsProps) {
  const t = useText()
  const segment = segmentOf(cidr)
  const check = (address: string) => {
    if (!isIpv4(address)) return t(common.mustBeIpv4)
    return segment && !isHostOf(segment, address) ? t(words.outsideSegment, { cidr }) : undefined
  }
  const count = sizeOf(first.trim(), last.trim())
  return (
    <>
      <Pair>
        <TextField
          label={t(words.first)}
          name="first"
          isRequired
          isMono
          value={first}
          onChange={(typed) => onChange({ first: typed })}
          check={check}
        />
        <TextField
          label={t(words.last)}
          name="last"
          isRequired
          isMono
          value={last}
          onChange={(typed) => onChange({ last: typed })}
          check={(address) =>
            check(address) ??
            (isIpv4(first.trim()) && sizeOf(first.trim(), address) === undefined ? t(words.lastBeforeFirst) : undefined)
          }
        />
      </Pair>
      {count !== undefined && (
        <p className={styles.size} aria-live="polite">
          {t(words.poolSize, { count })}
        </p>
      )}
    </>
  )
}

interface Props {
  /** As it was seen when the dialog was opened. */
  readonly pool: ElasticIpPool
  readonly onClose: () => void
}

export function EditPoolDialog({ pool, onClose }: Props) {
  const t = useText()
  const [name, setName] = useState(pool.name)
  const [ends, setEnds] = useState({ first: pool.first, last: pool.last })
  const act = useAct((body: { name: string; first: string; last: string }, options) =>
    updateElasticIpPool(pool.id, body, ifUnchanged(pool, options)),
  )
  return (
    <FormDialog
      title={t(words.editPool)}
      submit={t(common.save)}
      act={act}
      values={() => ({ name: name.trim(), first: ends.first.trim(), last: ends.last.trim() })}
      fields={['name', 'first', 'last']}
      onClose={onClose}
    >
      <NameField isRequired autoFocus value={name} onChange={setName} />
      <Facts
        facts={[
          [t(words.segment), <code key="cidr">{pool.cidr}</code>],
          [t(words.gateway), <code key="gateway">{pool.gateway}</code>],
          [t(words.interface), <code key="interface">{pool.interface}</code>],
        ]}
      />
      <EndFields {...ends} cidr={pool.cidr} onChange={(changed) => setEnds({ ...ends, ...changed })} />
    </FormDialog>
  )
}

export function DeletePoolDialog({ pool, onClose }: Props) {
  const t = useText()
  const act = useAct<void, unknown>((_, options) => deleteElasticIpPool(pool.id, ifUnchanged(pool, options)))
  return (
    <ConfirmDialog
      title={t(words.deletePool, { name: pool.name })}
      confirm={t(common.delete)}
      act={act}
      onClose={onClose}
    >
      <p>{t(words.deletePoolLoses, { first: pool.first, last: pool.last })}</p>
    </ConfirmDialog>
  )
}
