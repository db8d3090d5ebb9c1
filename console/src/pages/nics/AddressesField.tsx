import { useQuery } from '@tanstack/react-query'
import type { Network } from '../../api/client.ts'
import { nicsQuery, reservedAddressesQuery } from '../../api/queries.ts'
import { common } from '../../text/common.ts'
import { useText } from '../../text/language.tsx'
import { nics as words } from '../../text/nics.ts'
import { TextField } from '../../ui/fields.tsx'
import { Loading } from '../../ui/page.tsx'
import { addressesIn, isIpv4 } from '../networks/ranges.ts'
import { AddressGrid } from './AddressGrid.tsx'
import { octetOf, prefixOf } from './address-cells.ts'

interface AddressesFieldProps {
  readonly label: string
  readonly name: string
  readonly network: Network
  /** As typed: a list, of which the grid shows and changes the addresses. */
  readonly value: string
  readonly onChange: (value: string) => void
  readonly hint?: string
  readonly isRequired?: boolean
  /** The one chosen last is the only one. */
  readonly isSingle?: boolean
}

/** Addresses of a network, typed or chosen in its grid. */
export function AddressesField({ label, name, network, value, onChange, ...props }: AddressesFieldProps) {
  const { hint, isRequired, isSingle = false } = props
  const t = useText()
  const nics = useQuery(nicsQuery({ networkId: network.id }))
  const reserved = useQuery(reservedAddressesQuery({ networkId: network.id }))
  const chosen = addressesIn(value)
  const check = () => {
    const wrong = chosen.find((one) => !isIpv4(one))
    if (wrong !== undefined) return t(words.notAnAddress, { address: wrong })
    const outside = chosen.find((one) => !isIn(network, one))
    if (outside !== undefined) return t(words.notInNetwork, { address: outside, cidr: network.cidr ?? '' })
    if (isSingle && chosen.length > 1) return t(common.mustBeIpv4)
    return undefined
  }
  return (
    <>
      <TextField
        label={label}
        name={name}
        value={value}
        onChange={onChange}
        check={check}
        isMono
        isRequired={isRequired}
        hint={hint}
      />
      {nics.data && reserved.data ? (
        <AddressGrid
          network={network}
          nics={nics.data.items}
          reserved={reserved.data.items}
          chosen={chosen}
          onChosen={(all) => onChange((isSingle ? all.slice(-1) : all).join(', '))}
        />
      ) : (
        <Loading />
      )}
    </>
  )
}

/** A machine's: not an end of the /24. */
const isIn = ({ cidr }: Network, address: string): boolean =>
  cidr !== null && prefixOf(address) === prefixOf(cidr) && octetOf(address) > 0 && octetOf(address) < 255
