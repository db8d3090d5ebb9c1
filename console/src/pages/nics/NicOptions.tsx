import { useText } from '../../text/language.tsx'
import { nics as words } from '../../text/nics.ts'
import { NumberField, Pair } from '../../ui/fields.tsx'
import { DescriptionField } from '../../ui/NameFields.tsx'
import { TagsField, tagsFrom } from '../../ui/TagsField.tsx'
import { GroupsField } from './GroupsField.tsx'

/** What a NIC may be given besides its place, as typed. */
export interface NicOptions {
  readonly groups: readonly string[]
  readonly inMbps: string
  readonly outMbps: string
  readonly description: string
  readonly tags: string
}
export const NO_OPTIONS: NicOptions = { groups: [], inMbps: '', outMbps: '', description: '', tags: '' }
export const OPTION_FIELDS = ['security_group_ids', 'in_mbps', 'out_mbps', 'description', 'tags']

/** Of the body that asks for NICs; what was left empty is left out. */
export const optionsBody = ({ groups, inMbps, outMbps, description, tags }: NicOptions) => ({
  ...(groups.length > 0 && { security_group_ids: [...groups] }),
  ...((inMbps !== '' || outMbps !== '') && { bandwidth: { in_mbps: mbps(inMbps), out_mbps: mbps(outMbps) } }),
  ...(description !== '' && { description }),
  ...(tags.trim() !== '' && { tags: tagsFrom(tags) }),
})

/** @returns `null` for a field that was left empty: not limited. */
export const mbps = (typed: string): number | null => (typed.trim() === '' ? null : Number(typed))

interface NicOptionsFieldsProps {
  readonly value: NicOptions
  readonly onChange: (value: NicOptions) => void
}

export function NicOptionsFields({ value, onChange }: NicOptionsFieldsProps) {
  const set = (change: Partial<NicOptions>) => onChange({ ...value, ...change })
  return (
    <>
      <GroupsField value={value.groups} onChange={(groups) => set({ groups })} />
      <BandwidthFields inMbps={value.inMbps} outMbps={value.outMbps} onChange={set} />
      <DescriptionField value={value.description} onChange={(description) => set({ description })} />
      <TagsField value={value.tags} onChange={(tags) => set({ tags })} />
    </>
  )
}

type Bandwidth = Pick<NicOptions, 'inMbps' | 'outMbps'>
const MOST_MBPS = 100_000

export function BandwidthFields({
  inMbps,
  outMbps,
  onChange,
}: Bandwidth & { readonly onChange: (change: Partial<Bandwidth>) => void }) {
  const t = useText()
  const range = { min: 1, max: MOST_MBPS, hint: t(words.notLimitedHint) }
  return (
    <Pair>
      <NumberField
        {...range}
        label={t(words.bandwidthIn)}
        name="in_mbps"
        value={inMbps}
        onChange={(now) => onChange({ inMbps: now })}
      />
      <NumberField
        {...range}
        label={t(words.bandwidthOut)}
        name="out_mbps"
        value={outMbps}
        onChange={(now) => onChange({ outMbps: now })}
      />
    </Pair>
  )
}
