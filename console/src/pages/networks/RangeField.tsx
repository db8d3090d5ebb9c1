import { useText } from '../../text/language.tsx'
import { networks } from '../../text/networks.ts'
import { TextField, type TextFieldProps } from '../../ui/fields.tsx'
import { faultOf } from './ranges.ts'

interface RangeFieldProps extends Omit<TextFieldProps, 'check' | 'isMono'> {
  readonly prefix: 16 | 24
  /** The range that it must lie in. */
  readonly inside?: string
  readonly isPrivate?: boolean
}

/** An IPv4 range; what the service would refuse in any case is told while it is filled in. */
export function RangeField({ prefix, inside, isPrivate, ...field }: RangeFieldProps) {
  const t = useText()
  const example = inside ? inside.replace(/\.0\/16$/, '.0/24').replace('.0.0/24', '.1.0/24') : '172.16.1.0/24'
  const check = (value: string) => {
    const fault = faultOf(value, { prefix, inside, isPrivate })
    switch (fault?.what) {
      case undefined:
        return undefined
      case 'form':
      case 'length':
        return prefix === 16 ? t(networks.mustBeSlash16) : t(networks.mustBeSlash24, { example })
      case 'start':
        return t(networks.startsAt, { start: fault.start })
      case 'outside':
        return t(networks.outsideVpc, { vpc: inside ?? '' })
      case 'not_private':
        return t(networks.notPrivate)
    }
  }
  return <TextField {...field} check={check} isMono maxLength={18} />
}
