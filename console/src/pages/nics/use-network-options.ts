import type { Network } from '../../api/client.ts'
import { common } from '../../text/common.ts'
import { useText } from '../../text/language.tsx'
import { nics as words } from '../../text/nics.ts'
import { problems } from '../../text/problems.ts'
import type { Option } from '../../ui/fields.tsx'

const MOST_NICS = 252

/** The networks that a NIC can be in, with how much room they have, and why not in the others. */
export function useNetworkOptions(networks: readonly Network[]): readonly Option[] {
  const t = useText()
  return networks.map(({ id, name, cidr, type, nic_count, addresses_available }) => ({
    id,
    label: name || `${t(common.unnamed)} ${id}`,
    hint:
      cidr === null ? t(words.noAddressesShort) : `${cidr} · ${t(words.freeAddresses, { count: addresses_available })}`,
    why:
      type === 'managed' && cidr === null
        ? t(problems.network_not_joined)
        : nic_count >= MOST_NICS
          ? t(problems.network_full)
          : undefined,
  }))
}
