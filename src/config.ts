/**
 * The environment, read once. This is the only file that touches `process.env`: everything else is handed a `Config`.
 *
 * Every variable is a row of `VARIABLES`; a wrong value, a missing one that the command needs, and a `PATCHBAY_*` name
 * that nobody knows (a typo would otherwise silently mean the default) are all faults of one `ConfigError`.
 */
import { randomBytes } from 'node:crypto'
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { isIP, isIPv4 } from 'node:net'
import { join, resolve } from 'node:path'
import { GUEST_KINDS, type GuestKind } from './domain/server/guest-kinds.ts'

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/** The commands that read a configuration; some need variables that others do without. */
export type ConfiguredCommand = 'up' | 'api' | 'worker' | 'init' | 'demo' | 'openapi'

export interface Config {
  /** TCP port of the API, 0-65535; 0 lets the system choose. */
  readonly port: number
  readonly host: string
  /** Absolute path of the folder that holds everything this installation keeps on disk. */
  readonly dataDir: string
  /** PostgreSQL of the operator, with the password of DATABASE_PASSWORD_FILE; without it `up` starts the embedded one. */
  readonly databaseUrl: string | undefined
  /** Redis of the operator; without it the queue lives in PostgreSQL. */
  readonly redisUrl: string | undefined
  /** Network namespace that holds the data plane of the worker. */
  readonly netns: string
  /** Interfaces of the hypervisor that bridged networks and elastic IPs may use. */
  readonly interfaces: readonly string[]
  /** Network namespace that `interfaces` are in; undefined means: the worker's own. */
  readonly interfacesNetns: string | undefined
  /** IPv4 addresses of the name servers that the routers' DNS asks. */
  readonly dnsUpstreams: readonly string[]
  /** Whether the guests go on running when the worker is told to stop. */
  readonly keepGuests: boolean
  /** Zone that this installation is in, as clients of the QingCloud wire name it. */
  readonly zone: string
  /** What kind of machine RunInstances of the QingCloud wire makes. */
  readonly guest: GuestKind
  /** Ids of images that RunInstances knows besides those that are built in; all stand for the one guest image. */
  readonly images: readonly string[]
  /** IP addresses and ranges (CIDR) of reverse proxies whose `X-Forwarded-*` headers are believed. */
  readonly trustedProxies: readonly string[]
  readonly logLevel: LogLevel
  /** Where a worker finds the API, without a trailing slash. */
  readonly apiUrl: string | undefined
  readonly hypervisorId: string
  readonly hypervisorToken: string | undefined
  readonly hypervisorTokenFile: string | undefined
  /** 64 hex digits; undefined means: the one kept in the data folder, see `loadSecretKey`. */
  readonly secretKey: string | undefined
}

/** The environment is unusable. `message` lists every fault, one a line; `faults` is the same as a list. */
export class ConfigError extends Error {
  readonly faults: readonly string[]
  constructor(faults: readonly string[]) {
    super(`configuration: ${faults.length === 1 ? '1 fault' : `${faults.length} faults`}\n  ${faults.join('\n  ')}`)
    this.name = 'ConfigError'
    this.faults = faults
  }
}

export type Environment = Readonly<Record<string, string | undefined>>

interface Variable<T> {
  readonly fallback: T
  /** Returns the value, or `undefined` when the text does not parse. */
  readonly parse: (text: string) => T | undefined
  /** Completes the sentence "must be …". */
  readonly must: string
  /** A secret's text never reaches a message, and thereby a log. */
  readonly secret?: true
}

const variable = <T>(row: Variable<T>): Variable<T> => row
const matching =
  (pattern: RegExp) =>
  (text: string): string | undefined =>
    pattern.test(text) ? text : undefined

/** Parses a URL of one of the given schemes; the text itself is kept, since libraries read it in their own ways. */
const urlOf =
  (...schemes: readonly string[]) =>
  (text: string): string | undefined =>
    URL.canParse(text) && schemes.includes(new URL(text).protocol.slice(0, -1)) ? text : undefined

/** Parses names separated by commas, each once; one that is wrong makes the whole wrong. */
const listOf =
  (isRight: (item: string) => boolean) =>
  (text: string): readonly string[] | undefined => {
    const items = text.split(',').map((item) => item.trim())
    return items.every(isRight) ? [...new Set(items)] : undefined
  }

function isAddressOrRange(text: string): boolean {
  const [address = '', prefix, ...rest] = text.split('/')
  const bits = { 0: 0, 4: 32, 6: 128 }[isIP(address)] ?? 0
  return (
    bits > 0 && rest.length === 0 && (prefix === undefined || (/^[1-9]\d{0,2}$/.test(prefix) && Number(prefix) <= bits))
  )
}

function parsePort(text: string): number | undefined {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN
  return port <= 65_535 ? port : undefined
}

const HOST_NAME = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/i
const NETNS = /^[a-z0-9][a-z0-9-]{0,39}$/
/** A namespace of the operator's making; its name is a file name. */
const THEIR_NETNS = /^[a-z0-9_][a-z0-9_.-]{0,99}$/i
/** The kernel allows nearly anything in 15 bytes (IFNAMSIZ); a name that begins with - would read as an option. */
const INTERFACE = /^[a-z0-9_][a-z0-9_.-]{0,14}$/i

const VARIABLES = {
  PATCHBAY_PORT: variable<number>({ fallback: 8080, parse: parsePort, must: 'a whole number from 0 to 65535' }),
  PATCHBAY_HOST: variable<string>({
    fallback: '127.0.0.1',
    parse: (text) => (isIP(text) !== 0 || HOST_NAME.test(text) ? text : undefined),
    must: 'an IP address or a host name',
  }),
  PATCHBAY_DATA: variable<string>({
    fallback: resolve('var'),
    parse: (text) => (text.includes('\0') ? undefined : resolve(text)),
    must: 'a path',
  }),
  DATABASE_URL: variable<string | undefined>({
    fallback: undefined,
    parse: urlOf('postgres', 'postgresql'),
    must: 'a postgres:// URL',
    secret: true,
  }),
  DATABASE_PASSWORD_FILE: variable<string | undefined>({
    fallback: undefined,
    parse: (text) => resolve(text),
    must: 'a path',
  }),
  REDIS_URL: variable<string | undefined>({
    fallback: undefined,
    parse: urlOf('redis', 'rediss'),
    must: 'a redis:// or rediss:// URL',
    secret: true,
  }),
  PATCHBAY_NETNS: variable<string>({
    fallback: 'patchbay',
    parse: matching(NETNS),
    must: 'a network namespace name: 1-40 characters of a-z, 0-9 and -, not starting with -',
  }),
  PATCHBAY_INTERFACES: variable<readonly string[]>({
    fallback: [],
    parse: listOf((name) => INTERFACE.test(name)),
    must: 'interface names separated by commas: 1-15 characters of A-Z, a-z, 0-9, _, . and - each',
  }),
  PATCHBAY_INTERFACES_NETNS: variable<string | undefined>({
    fallback: undefined,
    parse: matching(THEIR_NETNS),
    must: 'a network namespace name: 1-100 characters of A-Z, a-z, 0-9, _, . and -',
  }),
  PATCHBAY_DNS: variable<readonly string[]>({
    fallback: [],
    parse: listOf(isIPv4),
    must: 'IPv4 addresses separated by commas',
  }),
  PATCHBAY_KEEP_GUESTS: variable<boolean>({
    fallback: false,
    parse: (text) => ({ '0': false, '1': true })[text],
    must: '0 or 1',
  }),
  PATCHBAY_ZONE: variable<string>({
    fallback: 'local-1',
    parse: matching(/^[a-z][a-z0-9-]{0,39}$/),
    must: '1-40 characters of a-z, 0-9 and -, starting with a letter',
  }),
  PATCHBAY_GUEST: variable<GuestKind>({
    fallback: 'qemu',
    parse: (text) => GUEST_KINDS.find((kind) => kind === text),
    must: `one of ${GUEST_KINDS.join(', ')}`,
  }),
  PATCHBAY_IMAGES: variable<readonly string[]>({
    fallback: [],
    parse: listOf((id) => /^[a-z0-9][a-z0-9._-]{0,63}$/i.test(id)),
    must: 'ids of images separated by commas: 1-64 characters of A-Z, a-z, 0-9, _, . and - each',
  }),
  PATCHBAY_TRUSTED_PROXIES: variable<readonly string[]>({
    fallback: [],
    parse: listOf(isAddressOrRange),
    must: 'IP addresses and ranges (192.0.2.0/24) separated by commas',
  }),
  PATCHBAY_LOG_LEVEL: variable<LogLevel>({
    fallback: 'info',
    parse: (text) => LOG_LEVELS.find((level) => level === text),
    must: `one of ${LOG_LEVELS.join(', ')}`,
  }),
  PATCHBAY_API_URL: variable<string | undefined>({
    fallback: undefined,
    parse: (text) => urlOf('http', 'https')(text)?.replace(/\/+$/, ''),
    must: 'an http:// or https:// URL',
  }),
  PATCHBAY_HYPERVISOR_ID: variable<string>({
    fallback: 'hv-local',
    parse: matching(/^[a-z0-9][a-z0-9-]{0,39}$/),
    must: '1-40 characters of a-z, 0-9 and -, not starting with -',
  }),
  PATCHBAY_HYPERVISOR_TOKEN: variable<string | undefined>({
    fallback: undefined,
    parse: matching(/^\S+$/),
    must: 'a token without spaces',
    secret: true,
  }),
  PATCHBAY_HYPERVISOR_TOKEN_FILE: variable<string | undefined>({
    fallback: undefined,
    parse: (text) => resolve(text),
    must: 'a path',
  }),
  PATCHBAY_SECRET_KEY: variable<string | undefined>({
    fallback: undefined,
    parse: matching(/^[0-9a-f]{64}$/i),
    must: '64 hexadecimal digits (32 random bytes)',
    secret: true,
  }),
} as const

type Values = { [Name in keyof typeof VARIABLES]: (typeof VARIABLES)[Name] extends Variable<infer T> ? T : never }

/** Switches of the test and bench runs live beside the configuration and are none of it. */
const NOT_OURS = /^PATCHBAY_(TEST|BENCH)_/

/**
 * Checks an environment and turns it into a configuration.
 * @param env - variables by name; an empty one counts as not set, since compose files pass those.
 * @param command - the command about to run, which decides what is required.
 * @returns a frozen object.
 * @throws {ConfigError} naming every fault at once.
 */
export function parseConfig(env: Environment, command: ConfiguredCommand = 'up'): Config {
  const faults: string[] = []
  const read = (name: keyof Values): unknown => {
    const row: Variable<unknown> = VARIABLES[name]
    const text = env[name]
    if (text === undefined || text === '') return row.fallback
    const value = row.parse(text)
    if (value === undefined)
      faults.push(`${name}${row.secret ? '' : ` is ${JSON.stringify(text)}, it`} must be ${row.must}`)
    return value
  }
  const names = Object.keys(VARIABLES) as (keyof Values)[]
  // Sound: `read` returns what the row of that very name parsed; a fault throws below before the value is used.
  const value = Object.fromEntries(names.map((name) => [name, read(name)])) as Values
  faults.push(...unknownNames(env), ...missing(env, command))
  if (faults.length > 0) throw new ConfigError(faults)
  return Object.freeze({
    port: value.PATCHBAY_PORT,
    host: value.PATCHBAY_HOST,
    dataDir: value.PATCHBAY_DATA,
    databaseUrl: withPassword(value.DATABASE_URL, value.DATABASE_PASSWORD_FILE),
    redisUrl: value.REDIS_URL,
    netns: value.PATCHBAY_NETNS,
    interfaces: value.PATCHBAY_INTERFACES,
    interfacesNetns: value.PATCHBAY_INTERFACES_NETNS,
    dnsUpstreams: value.PATCHBAY_DNS,
    keepGuests: value.PATCHBAY_KEEP_GUESTS,
    zone: value.PATCHBAY_ZONE,
    guest: value.PATCHBAY_GUEST,
    images: value.PATCHBAY_IMAGES,
    trustedProxies: value.PATCHBAY_TRUSTED_PROXIES,
    logLevel: value.PATCHBAY_LOG_LEVEL,
    apiUrl: value.PATCHBAY_API_URL,
    hypervisorId: value.PATCHBAY_HYPERVISOR_ID,
    hypervisorToken: value.PATCHBAY_HYPERVISOR_TOKEN,
    hypervisorTokenFile: value.PATCHBAY_HYPERVISOR_TOKEN_FILE,
    secretKey: value.PATCHBAY_SECRET_KEY,
  })
}

/** Containers get passwords as files; the rest of the program knows one URL. */
function withPassword(databaseUrl: string | undefined, file: string | undefined): string | undefined {
  if (databaseUrl === undefined || file === undefined) return databaseUrl
  const password = readText(file)?.trim()
  if (!password) throw new ConfigError([`DATABASE_PASSWORD_FILE: ${file} cannot be read, or is empty`])
  const url = new URL(databaseUrl)
  url.password = password
  return url.href
}

function unknownNames(env: Environment): string[] {
  const strange = Object.keys(env).filter(
    (name) => name.startsWith('PATCHBAY_') && !(name in VARIABLES) && !NOT_OURS.test(name),
  )
  const known = Object.keys(VARIABLES).filter((name) => name.startsWith('PATCHBAY_'))
  return strange.map((name) => `${name} is not a variable of Patchbay; there are ${known.join(', ')}`)
}

function missing(env: Environment, command: ConfiguredCommand): string[] {
  const faults: string[] = []
  const need = (name: string) => {
    if (!env[name]) faults.push(`${name} must be set for \`patchbay ${command}\``)
  }
  if (command === 'api' || command === 'init') need('DATABASE_URL')
  if (command === 'worker') {
    need('PATCHBAY_API_URL')
    const sources = ['PATCHBAY_HYPERVISOR_TOKEN', 'PATCHBAY_HYPERVISOR_TOKEN_FILE'].filter((name) => env[name])
    if (sources.length !== 1)
      faults.push(
        `exactly one of PATCHBAY_HYPERVISOR_TOKEN and PATCHBAY_HYPERVISOR_TOKEN_FILE must be set for \`patchbay worker\`, not ${sources.length}`,
      )
  }
  return faults
}

/**
 * The configuration of this process.
 * @param variables - come before those of the environment: what a supervisor learns only after it has started us.
 * @throws {ConfigError} naming every fault at once.
 */
export const loadConfig = (command: ConfiguredCommand, variables: Environment = {}): Config =>
  parseConfig({ ...process.env, ...variables }, command)

/** What a program needs of the environment to run at all, as opposed to what configures Patchbay. */
const SYSTEM_VARIABLES =
  /^(PATH|HOME|USER|LOGNAME|SHELL|TERM|TZ|TMPDIR|LANG|LANGUAGE|LC_.*|NODE_.*|NO_COLOR|FORCE_COLOR)$/

/**
 * The environment for a child process: system variables and those given. Nothing else is inherited, so a secret meant
 * for one child cannot reach another by being forgotten.
 */
export function childEnvironment(variables: Environment): Record<string, string> {
  const system = Object.entries(process.env).filter(([name]) => SYSTEM_VARIABLES.test(name))
  const all = [...system, ...Object.entries(variables)]
  return Object.fromEntries(all.filter((entry): entry is [string, string] => entry[1] !== undefined))
}

/** File that holds the first administrator's key, mode 0600: `access_key_id`, `secret_access_key`, `token`. */
export const adminKeyFile = (dataDir: string): string => join(dataDir, 'admin-key.json')

/** File that holds the token of a hypervisor, mode 0600. A folder of its own: a container's worker mounts it alone. */
export const hypervisorTokenFileOf = (dataDir: string, hypervisorId: string): string =>
  join(dataDir, 'hypervisors', `${hypervisorId}.token`)

/**
 * The token a worker shows to the API.
 * @throws {ConfigError} when there is none, or its file cannot be read.
 */
export function readHypervisorToken(config: Pick<Config, 'hypervisorToken' | 'hypervisorTokenFile'>): string {
  if (config.hypervisorToken) return config.hypervisorToken
  const file = config.hypervisorTokenFile
  if (!file) throw new ConfigError(['PATCHBAY_HYPERVISOR_TOKEN or PATCHBAY_HYPERVISOR_TOKEN_FILE must be set'])
  const token = readText(file)?.trim()
  if (!token) throw new ConfigError([`PATCHBAY_HYPERVISOR_TOKEN_FILE: ${file} cannot be read, or is empty`])
  return token
}

/**
 * The key that encrypts stored secrets: the configured one, else the one kept in `secret.key` of the data folder, which
 * the first caller makes.
 * @returns 32 bytes, the same for every process on this data folder.
 * @throws {ConfigError} when the file holds something else, rather than making the stored secrets unreadable.
 */
export function loadSecretKey(config: Pick<Config, 'secretKey' | 'dataDir'>): Buffer {
  if (config.secretKey) return Buffer.from(config.secretKey, 'hex')
  const file = join(config.dataDir, 'secret.key')
  const text = readText(file) ?? makeSecretKey(config.dataDir, file)
  if (!/^[0-9a-f]{64}\s*$/i.test(text)) throw new ConfigError([`${file} does not hold 64 hexadecimal digits`])
  return Buffer.from(text.trim(), 'hex')
}

function makeSecretKey(dataDir: string, file: string): string {
  mkdirSync(dataDir, { recursive: true })
  const draft = `${file}.${randomBytes(6).toString('hex')}`
  writeFileSync(draft, `${randomBytes(32).toString('hex')}\n`, { mode: 0o600 })
  try {
    // link() refuses an existing name, so of two replicas starting at once both end up with the key of the first.
    linkSync(draft, file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    rmSync(draft, { force: true })
  }
  return readFileSync(file, 'utf8')
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new ConfigError([`${file} cannot be read: ${(error as NodeJS.ErrnoException).code}`])
  }
}
