/** DHCP options of one server's NICs beside ours, or instead of them. */
import { isIPv4 } from 'node:net'
import { eq } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import { server } from '../../db/schema.ts'
import type { Actor } from '../actor.ts'
import { changeSet } from '../changes.ts'
import { bodyError, DomainError, type FieldError } from '../errors.ts'
import { recordEvents } from '../event/events.ts'
import { type JobView, promiseApply } from '../job/jobs.ts'
import { lockServer } from './lock-server.ts'
import type { ServerRow } from './servers.ts'

/** Options that are the protocol's own or decided elsewhere, and why (numbers: RFC 2132, 3046, 4702). */
const NOT_CHOSEN: Readonly<Record<string, string>> = {
  1: 'the netmask is the network’s',
  50: 'the requested address is the client’s',
  51: 'the lease time is the network’s',
  52: 'option overload is the protocol’s',
  53: 'the message type is the protocol’s',
  54: 'the server identifier is the protocol’s',
  55: 'the parameter request list is the client’s',
  57: 'the maximum message size is the client’s',
  58: 'the renewal time follows from the lease time',
  59: 'the rebinding time follows from the lease time',
  61: 'the client identifier is the client’s',
  82: 'relay agent information is a relay’s',
}

/** Options that hold addresses: anything else dnsmasq leaves out, with a line in its log that nobody reads. */
const ADDRESSES: ReadonlySet<string> = new Set(
  '3 6 7 9 16 21 28 32 33 41 42 44 45 48 49 65 68 69 70 71 74 150'.split(' '), // see `dnsmasq --help dhcp`
)

/** Printable ASCII without quotes, escapes and comments: dnsmasq would take these out. */
const PLAIN = /^(?!.* #)[ !#-[\]-~]{1,255}$/

/** How many options a server may have. */
const MOST = 20

/** What is wrong with an option, if anything. */
function faultOf(number: string, value: string): string | undefined {
  if (!(Number(number) >= 1 && Number(number) <= 254)) return 'is no DHCP option'
  if (!PLAIN.test(value)) return 'must be 1 to 255 characters of ASCII, without quotes, backslashes and comments'
  if (NOT_CHOSEN[number] !== undefined) return `cannot be set: ${NOT_CHOSEN[number]}`
  const isWrong = ADDRESSES.has(number) && !value.split(',').every(isIPv4)
  return isWrong ? 'must be IPv4 addresses separated by commas' : undefined
}

/**
 * Replaces the DHCP options of a server; guests learn of them when they renew their lease.
 * @param options - option number (1..254) → value as dnsmasq takes it, lists separated by commas.
 * @throws DomainError `invalid_request`, blaming each option that cannot be set; `server_terminated`.
 */
export async function setDhcpOptions(
  tx: Db,
  actor: Actor,
  id: string,
  options: Readonly<Record<string, string>>,
  ifMatch?: number,
): Promise<JobView> {
  assertOptions(options)
  const now = await lockServer(tx, actor, id)
  if (ifMatch !== undefined && now.generation !== ifMatch) {
    throw new DomainError('precondition_failed', `server ${id} is at generation ${now.generation}, not ${ifMatch}`)
  }
  return settle(tx, actor, now, options)
}

/**
 * Replaces some of a server's DHCP options.
 * @param locked - the server.
 * @param gone - numbers of the options that go, unless `set` has them.
 * @throws DomainError as `setDhcpOptions`.
 */
export function changeDhcpOptions(
  tx: Db,
  actor: Actor,
  locked: ServerRow,
  gone: readonly string[],
  set: Readonly<Record<string, string>>,
): Promise<JobView> {
  assertOptions(set)
  const kept = Object.entries(locked.dhcpOptions).filter(([number]) => !gone.includes(number))
  return settle(tx, actor, locked, { ...Object.fromEntries(kept), ...set })
}

function assertOptions(options: Readonly<Record<string, string>>): void {
  const errors = Object.entries(options).flatMap(([number, value]): FieldError[] => {
    const detail = faultOf(number, value)
    return detail === undefined ? [] : [{ in: 'body', pointer: `/options/${number}`, detail }]
  })
  if (errors.length === 0) return
  const message = errors.map(({ pointer, detail }) => `${pointer} ${detail}`).join('; ')
  throw new DomainError('invalid_request', message, { errors })
}

async function settle(
  tx: Db,
  actor: Actor,
  { id, projectId, hypervisorId, state }: ServerRow,
  options: Readonly<Record<string, string>>,
): Promise<JobView> {
  if (state === 'terminated') throw new DomainError('server_terminated', `server ${id} is terminated`)
  if (Object.keys(options).length > MOST) {
    throw bodyError('invalid_request', '/options', `a server has at most ${MOST} DHCP options`)
  }
  await tx
    .update(server)
    .set({ dhcpOptions: options, ...changeSet(server.generation, {}) })
    .where(eq(server.id, id))
  const job = await promiseApply(tx, actor, [{ type: 'server', id }], [hypervisorId])
  await recordEvents(tx, [
    { projectId, type: 'server.updated', id, actor: actor.keyId, jobId: job.id, data: { dhcp_options: options } },
  ])
  return job
}
