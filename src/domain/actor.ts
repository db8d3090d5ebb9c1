import type { ACCESS_ROLES } from '../db/schema.ts'

export type AccessRole = (typeof ACCESS_ROLES)[number]

/** Who asks: an access key acts inside its own project only, and what lies outside looks as if it were not there. */
export interface Actor {
  readonly keyId: string
  readonly projectId: string
  readonly role: AccessRole
}
