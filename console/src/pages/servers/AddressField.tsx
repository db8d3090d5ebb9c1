import { common } from '../../text/common.ts'
import { useText } from '../../text/language.tsx'
import { TextField } from '../../ui/fields.tsx'
import { isIpv4 } from '../networks/ranges.ts'

/** The address that a server's new NIC gets; left empty, the service chooses one. */
export function AddressField({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const t = useText()
  return (
    <TextField
      label={t(common.address)}
      name="address"
      value={value}
      onChange={onChange}
      placeholder={t(common.automatic)}
      check={(typed) => (isIpv4(typed) ? undefined : t(common.mustBeIpv4))}
      isMono
    />
  )
}
