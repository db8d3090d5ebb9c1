import type { Nic } from '../../api/client.ts'

/** What a NIC is called where there is room for one word. */
export const nicName = ({ name, address, id }: Pick<Nic, 'name' | 'address' | 'id'>): string => name || (address ?? id)
