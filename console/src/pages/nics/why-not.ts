import type { Nic } from '../../api/client.ts'
import { common } from '../../text/common.ts'
import { useText } from '../../text/language.tsx'
import { nics as words } from '../../text/nics.ts'
import { problems } from '../../text/problems.ts'

/** Of one server in one request: the slots besides the primary NIC's. */
const MOST = 63

/** Why something cannot be done with NICs as they are; `undefined`: it can. */
export function useWhyNot() {
  const t = useText()
  const isBusy = ({ state }: Nic) => state === 'attaching' || state === 'detaching'
  const needsAvailable = (nics: readonly Nic[]) => {
    if (nics.some(isBusy)) return t(problems.nic_busy)
    return nics.some(({ state }) => state !== 'available') ? t(words.mustBeAvailable) : undefined
  }
  return {
    assign: (nics: readonly Nic[]) =>
      needsAvailable(nics) ?? (nics.length > MOST ? t(words.tooMany, { count: MOST }) : undefined),
    detach: (nics: readonly Nic[]) => {
      if (nics.some(({ primary }) => primary)) return t(problems.nic_primary)
      if (nics.some(isBusy)) return t(problems.nic_busy)
      return nics.some(({ state }) => state !== 'in_use') ? t(words.notOnServer) : undefined
    },
    delete: needsAvailable,
    /** Another place: an address, a network. */
    move: needsAvailable,
  }
}

/** What a NIC is called in a sentence. */
export function useNicName(): (nic: Pick<Nic, 'id' | 'name' | 'address'>) => string {
  const t = useText()
  return ({ id, name, address }) => `${name || t(common.unnamed)} (${address ?? id})`
}
