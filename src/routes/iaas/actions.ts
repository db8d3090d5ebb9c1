/** Every action of the wire, by name. */
import { ACCOUNT } from './account.ts'
import type { Action, Actions } from './call.ts'

const GROUPS: readonly Actions[] = [ACCOUNT]

export const ACTIONS: ReadonlyMap<string, Action> = new Map(GROUPS.flatMap((group) => Object.entries(group)))
