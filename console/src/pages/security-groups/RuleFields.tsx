import { useQuery } from '@tanstack/react-query'
import { securityGroupsQuery } from '../../api/queries.ts'
import { useText } from '../../text/language.tsx'
import { securityGroups as words } from '../../text/security-groups.ts'
import { ComboBox, NumberField, Pair, RadioGroup, TextField } from '../../ui/fields.tsx'
import type { Remote, RuleForm } from './rule-form.ts'
import { type Direction, isCidr, type Protocol } from './rules.ts'

interface Props {
  readonly form: RuleForm
  readonly set: (changes: Partial<RuleForm>) => void
}

const LAST_PORT = 65_535
const LAST_ICMP = 255

export function PortFields({ form, set }: Props) {
  const t = useText()
  return (
    <Pair>
      <NumberField
        label={t(words.portFirst)}
        name="port_first"
        hint={t(words.portFirstHint)}
        isRequired={form.port_last !== ''}
        min={1}
        max={LAST_PORT}
        value={form.port_first}
        onChange={(port_first) => set({ port_first })}
      />
      <NumberField
        label={t(words.portLast)}
        name="port_last"
        hint={t(words.portLastHint)}
        min={1}
        max={LAST_PORT}
        check={(last) =>
          Number(last) < Number(form.port_first) ? t(words.portLastTooSmall, { first: form.port_first }) : undefined
        }
        value={form.port_last}
        onChange={(port_last) => set({ port_last })}
      />
    </Pair>
  )
}

export function IcmpFields({ form, set }: Props) {
  const t = useText()
  return (
    <Pair>
      <NumberField
        label={t(words.icmpType)}
        name="icmp_type"
        hint={t(form.protocol === 'icmp' ? words.icmpTypeHint : words.icmpTypeHint6)}
        isRequired={form.icmp_code !== ''}
        min={0}
        max={LAST_ICMP}
        value={form.icmp_type}
        onChange={(icmp_type) => set({ icmp_type })}
      />
      <NumberField
        label={t(words.icmpCode)}
        name="icmp_code"
        hint={t(words.icmpCodeHint)}
        min={0}
        max={LAST_ICMP}
        value={form.icmp_code}
        onChange={(icmp_code) => set({ icmp_code })}
      />
    </Pair>
  )
}

/** Protocols that only one version of IP carries. */
const VERSION: Partial<Record<Protocol, 4 | 6>> = { icmp: 4, ipip: 4, icmpv6: 6 }

/** Who is on the other side. */
export function RemoteFields({ form, set, direction, groupId }: Props & { direction: Direction; groupId: string }) {
  const t = useText()
  const { data } = useQuery(securityGroupsQuery())
  const checkRange = (range: string) => {
    if (!isCidr(range)) return t(words.rangeMustBe)
    const version = VERSION[form.protocol]
    if (version === undefined || version === (range.includes(':') ? 6 : 4)) return undefined
    return t(version === 4 ? words.rangeMustBe4 : words.rangeMustBe6)
  }
  return (
    <>
      <RadioGroup
        label={t(direction === 'in' ? words.source : words.destination)}
        name="remote"
        options={[
          { id: 'anyone', label: t(words.anyone) },
          { id: 'range', label: t(words.aRange) },
          { id: 'group', label: t(words.aGroup) },
        ]}
        value={form.remote}
        onChange={(remote) => set({ remote: remote as Remote })}
      />
      {form.remote === 'range' && (
        <TextField
          label={t(words.range)}
          name="remote_cidr"
          hint={t(words.rangeHint)}
          placeholder="172.16.1.0/24"
          isRequired
          isMono
          value={form.remote_cidr}
          onChange={(remote_cidr) => set({ remote_cidr })}
          check={checkRange}
        />
      )}
      {form.remote === 'group' && (
        <ComboBox
          label={t(words.aGroup)}
          name="remote_group_id"
          isRequired
          options={(data?.items ?? []).map(({ id, name }) => ({
            id,
            label: name,
            hint: id === groupId ? t(words.thisGroup) : id,
          }))}
          value={form.remote_group_id}
          onChange={(remote_group_id) => set({ remote_group_id })}
        />
      )}
    </>
  )
}
