import { elasticIps as words } from '../../text/elastic-ips.ts'
import { useText } from '../../text/language.tsx'
import { NumberField, type TextFieldProps } from '../../ui/fields.tsx'

const MOST_MBPS = 100_000

/** The limit of an elastic IP, which may have none. */
export function BandwidthField(props: Pick<TextFieldProps, 'value' | 'onChange' | 'autoFocus'>) {
  const t = useText()
  return (
    <NumberField
      {...props}
      label={t(words.bandwidthMbps)}
      name="bandwidth_mbps"
      hint={t(words.bandwidthHint)}
      min={1}
      max={MOST_MBPS}
    />
  )
}
