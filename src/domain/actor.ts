import type { ACCESS_ROLES } from '../db/columns.ts'

export type AccessRole = (typeof ACCESS_ROLES)[number]

/** Who asks: an access key acts inside its own project only, and what lies outside looks as if it were not there. */
export interface Actor {
  readonly keyId: string
  readonly projectId: string
  readonly role: AccessRole
  /** Over the wire: the words of the request, kept with the jobs that it promises. */
  readonly asked?: { readonly action: string; readonly directive: Record<string, unknown> }
  /** While an act on several resources is promised as one job: that job, see `together`. */
  readonly partOf?: string
}

const RANK: Readonly<Record<AccessRole, number>> = { reader: 0, operator: 1, admin: 2 }

/** Whether a role is at least another. */
export const mayAs = (role: AccessRole, needed: AccessRole): boolean => RANK[role] >= RANK[needed]
