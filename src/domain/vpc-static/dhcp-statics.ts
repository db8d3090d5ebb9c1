/** Statics of type 3: DHCP options of a server, which are written through to it. */
import { and, eq, ne, sql } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import { nic, server } from '../../db/schema.ts'
import { vpcStatic } from '../../db/schema-wire.ts'
import type { Actor } from '../actor.ts'
import { bodyError, DomainError } from '../errors.ts'
import type { JobView } from '../job/jobs.ts'
import { DHCP_OPTION_NUMBERS } from '../server/dhcp-option-names.ts'
import { changeDhcpOptions } from '../server/dhcp-options.ts'
import { lockServer } from '../server/lock-server.ts'
import type { ServerRow } from '../server/servers.ts'
import { type StaticValues, wrong } from './static-values.ts'

/** The type of statics that hold DHCP options. */
export const DHCP_TYPE = 3

interface Wanted {
  /** Number → value. */
  readonly options: Readonly<Record<string, string>>
  /** What NICs of the server should have for an address. */
  readonly addresses: readonly string[]
}

/**
 * Reads `name=value;name=value`; a name may be the number of an option.
 * @throws DomainError `vpc_static_invalid`.
 */
export function parseOptions(text: string): Wanted {
  const options: Record<string, string> = {}
  const addresses: string[] = []
  for (const pair of text.split(';').map((part) => part.trim())) {
    if (pair === '') continue
    const at = pair.indexOf('=')
    const name = (at < 0 ? pair : pair.slice(0, at)).trim()
    const value = at < 0 ? '' : pair.slice(at + 1).trim()
    if (name === 'fixed-address') {
      addresses.push(value)
      continue
    }
    const option = DHCP_OPTION_NUMBERS.get(name.toLowerCase()) ?? (/^[1-9]\d{0,2}$/.test(name) ? name : undefined)
    if (option === undefined) throw wrong(DHCP_TYPE, 'val2', `names ${JSON.stringify(name)}, which is no DHCP option`)
    if (options[option] !== undefined) throw wrong(DHCP_TYPE, 'val2', `names DHCP option ${option} twice`)
    options[option] = value
  }
  return { options, addresses }
}

/** A static as far as its options matter. */
export interface OptionsOf {
  readonly id: string
  readonly values: StaticValues
  readonly enabled: boolean
}

/**
 * Has servers follow a static that is made (`after`), changed (both) or deleted (`before`).
 * @returns jobs, one for each server.
 * @throws DomainError `not_found` (server), `vpc_static_exists`, `vpc_static_invalid`, `address_not_of_server`, and as
 *   `setDhcpOptions`.
 */
export async function followOptions(
  tx: Db,
  actor: Actor,
  before: OptionsOf | undefined,
  after: OptionsOf | undefined,
): Promise<JobView[]> {
  const jobs: JobView[] = []
  const ids = [before, after].flatMap((one) => one?.values.val1 ?? [])
  for (const id of [...new Set(ids)].sort()) {
    const [was, is] = [before, after].map((one) => (one?.values.val1 === id ? one : undefined))
    const server = await lockUnlessGone(tx, actor, id, is !== undefined)
    if (server === undefined) continue
    const wanted = parseOptions(is?.values.val2 ?? '')
    if (is) await assertAlone(tx, actor, is)
    await assertAddresses(tx, server, wanted.addresses)
    const gone = Object.keys(parseOptions(was?.values.val2 ?? '').options)
    jobs.push(await changeDhcpOptions(tx, actor, server, gone, is?.enabled ? wanted.options : {}))
  }
  return jobs
}

/** @param isNeeded - otherwise one that is terminated, or gone, needs not follow. */
async function lockUnlessGone(tx: Db, actor: Actor, id: string, isNeeded: boolean): Promise<ServerRow | undefined> {
  if (isNeeded) return lockServer(tx, actor, id)
  const [row] = await tx
    .select()
    .from(server)
    .where(and(eq(server.id, id), eq(server.projectId, actor.projectId), ne(server.state, 'terminated')))
    .for('update')
  return row
}

/** The server is locked: of two statics at once, one waits until it sees the other. */
async function assertAlone(tx: Db, { projectId }: Actor, { id, values }: OptionsOf): Promise<void> {
  const ofServer = sql`${vpcStatic.vals}->>'val1' = ${values.val1}`
  const [other] = await tx
    .select({ id: vpcStatic.id })
    .from(vpcStatic)
    .where(and(eq(vpcStatic.projectId, projectId), eq(vpcStatic.type, DHCP_TYPE), ne(vpcStatic.id, id), ofServer))
    .limit(1)
  if (!other) return
  throw bodyError('vpc_static_exists', '/val1', `static ${other.id} has the DHCP options of server ${values.val1}`)
}

async function assertAddresses(tx: Db, { id }: ServerRow, addresses: readonly string[]): Promise<void> {
  if (addresses.length === 0) return
  const rows = await tx.select({ address: nic.address }).from(nic).where(eq(nic.serverId, id))
  const other = addresses.find((address) => !rows.some((row) => row.address === address))
  if (other === undefined) return
  throw new DomainError(
    'address_not_of_server',
    `server ${id} has no NIC with address ${other}: an address is chosen when its NIC is made`,
  )
}
