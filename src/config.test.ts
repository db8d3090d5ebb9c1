import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ConfigError, type Environment, loadSecretKey, parseConfig, readHypervisorToken } from './config.ts'

function faultsOf(run: () => unknown): readonly string[] {
  try {
    run()
  } catch (error) {
    if (error instanceof ConfigError) return error.faults
    throw error
  }
  return []
}

describe('parseConfig', () => {
  test('an empty environment gives the documented defaults', () => {
    expect(parseConfig({})).toEqual({
      port: 8080,
      host: '127.0.0.1',
      dataDir: resolve('var'),
      databaseUrl: undefined,
      redisUrl: undefined,
      netns: 'patchbay',
      interfaces: [],
      interfacesNetns: undefined,
      dnsUpstreams: [],
      keepGuests: false,
      zone: 'local-1',
      guest: 'qemu',
      images: [],
      trustedProxies: [],
      logLevel: 'info',
      apiUrl: undefined,
      hypervisorId: 'hv-local',
      hypervisorToken: undefined,
      hypervisorTokenFile: undefined,
      secretKey: undefined,
    })
  })

  test('the result is frozen', () => {
    expect(Object.isFrozen(parseConfig({}))).toBe(true)
  })

  test('a variable set to nothing counts as not set', () => {
    expect(parseConfig({ PATCHBAY_PORT: '', REDIS_URL: '' })).toMatchObject({ port: 8080, redisUrl: undefined })
  })

  test('all faults come in one message, each with the name of its variable', () => {
    const env = { PATCHBAY_PORT: '80x', PATCHBAY_NETNS: 'Bad_Name', PATCHBAY_PROT: '1', DATABASE_URL: 'mysql://x' }
    const faults = faultsOf(() => parseConfig(env))
    expect(faults).toHaveLength(4)
    expect(() => parseConfig(env)).toThrow(/4 faults/)
    for (const name of Object.keys(env)) expect(faults.join('\n')).toContain(name)
  })

  test.each<[string, Environment]>([
    ['a port above 65535', { PATCHBAY_PORT: '65536' }],
    ['a negative port', { PATCHBAY_PORT: '-1' }],
    ['a proxy that is a name', { PATCHBAY_TRUSTED_PROXIES: '10.0.0.1,proxy' }],
    ['a range of proxies that is too long', { PATCHBAY_TRUSTED_PROXIES: '10.0.0.0/33' }],
    ['a range of proxies without a number', { PATCHBAY_TRUSTED_PROXIES: '10.0.0.0/' }],
    ['all the world for a proxy', { PATCHBAY_TRUSTED_PROXIES: '::/0' }],
    ['a port with a fraction', { PATCHBAY_PORT: '80.5' }],
    ['a host with a space', { PATCHBAY_HOST: 'a b' }],
    ['a namespace of 41 characters', { PATCHBAY_NETNS: 'a'.repeat(41) }],
    ['a namespace that is a path', { PATCHBAY_NETNS: '../x' }],
    ['a namespace that reads as an option', { PATCHBAY_NETNS: '-x' }],
    ['a redis URL of another scheme', { REDIS_URL: 'http://localhost' }],
    ['a database URL that does not parse', { DATABASE_URL: 'localhost:5432' }],
    ['an interface name of 16 characters', { PATCHBAY_INTERFACES: 'eth0,abcdefghijklmnop' }],
    ['an interface name with a slash', { PATCHBAY_INTERFACES: 'eth0,../x' }],
    ['an interface name that reads as an option', { PATCHBAY_INTERFACES: '-x' }],
    ['an interface without a name', { PATCHBAY_INTERFACES: 'eth0,,eth1' }],
    ['a namespace of the interfaces that is a path', { PATCHBAY_INTERFACES_NETNS: '../x' }],
    ['a name server by name', { PATCHBAY_DNS: '9.9.9.9,dns.example.org' }],
    ['a name server of IPv6', { PATCHBAY_DNS: '2620:fe::fe' }],
    ['keep-guests other than 0 and 1', { PATCHBAY_KEEP_GUESTS: 'yes' }],
    ['an unknown log level', { PATCHBAY_LOG_LEVEL: 'loud' }],
    ['a short secret key', { PATCHBAY_SECRET_KEY: 'ab'.repeat(31) }],
    ['a mistyped name', { PATCHBAY_KEEP_GUEST: '1' }],
  ])('%s is one fault', (_, env) => {
    expect(faultsOf(() => parseConfig(env))).toHaveLength(1)
  })

  test('lists are separated by commas, with or without spaces, and name each thing once', () => {
    const env = {
      PATCHBAY_INTERFACES: 'eth1, br0.7,eth1',
      PATCHBAY_INTERFACES_NETNS: 'Provider_1',
      PATCHBAY_DNS: '9.9.9.9,1.1.1.1',
    }
    expect(parseConfig(env)).toMatchObject({
      interfaces: ['eth1', 'br0.7'],
      interfacesNetns: 'Provider_1',
      dnsUpstreams: ['9.9.9.9', '1.1.1.1'],
    })
  })

  test('0 is a port, for the system to choose', () => {
    expect(parseConfig({ PATCHBAY_PORT: '0' }).port).toBe(0)
  })

  test('a socket path as percent-encoded database host is accepted', () => {
    const url = 'postgres://u:p@%2Frun%2Fpg:5432/db'
    expect(parseConfig({ DATABASE_URL: url }).databaseUrl).toBe(url)
  })

  test('the text of a secret never reaches the message', () => {
    const env = { DATABASE_URL: 'mysql://u:hush@h/d', PATCHBAY_SECRET_KEY: 'hush', REDIS_URL: 'hush' }
    expect(faultsOf(() => parseConfig(env)).join('\n')).not.toContain('hush')
  })

  test('switches of the test run are not taken for typos', () => {
    expect(faultsOf(() => parseConfig({ PATCHBAY_TEST_NO_SKIP: '1', PATCHBAY_BENCH_ROWS: '1' }))).toEqual([])
  })

  test('api and init need a database', () => {
    expect(faultsOf(() => parseConfig({}, 'api'))).toEqual(['DATABASE_URL must be set for `patchbay api`'])
    expect(faultsOf(() => parseConfig({}, 'init'))).toHaveLength(1)
  })

  test('a worker needs the API and exactly one token', () => {
    expect(faultsOf(() => parseConfig({}, 'worker'))).toHaveLength(2)
    const api = { PATCHBAY_API_URL: 'http://127.0.0.1:8080/' }
    const both = { ...api, PATCHBAY_HYPERVISOR_TOKEN: 't', PATCHBAY_HYPERVISOR_TOKEN_FILE: 'f' }
    expect(faultsOf(() => parseConfig(both, 'worker'))).toHaveLength(1)
    expect(parseConfig({ ...api, PATCHBAY_HYPERVISOR_TOKEN: 't' }, 'worker').apiUrl).toBe('http://127.0.0.1:8080')
  })
})

describe('files of the data folder', () => {
  let dataDir: string
  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'patchbay-config-'))
  })
  afterEach(() => {
    rmSync(dataDir, { recursive: true })
  })

  test('the secret key is made once, readable by its owner alone', () => {
    const first = loadSecretKey({ dataDir, secretKey: undefined })
    expect(first).toHaveLength(32)
    expect(loadSecretKey({ dataDir, secretKey: undefined })).toEqual(first)
    expect(statSync(join(dataDir, 'secret.key')).mode & 0o777).toBe(0o600)
  })

  test('a configured secret key wins and writes nothing', () => {
    expect(loadSecretKey({ dataDir, secretKey: 'ab'.repeat(32) })).toEqual(Buffer.alloc(32, 0xab))
    expect(() => readFileSync(join(dataDir, 'secret.key'))).toThrow()
  })

  test('a damaged key file is a fault, not a new key', () => {
    writeFileSync(join(dataDir, 'secret.key'), 'short\n')
    expect(() => loadSecretKey({ dataDir, secretKey: undefined })).toThrow(ConfigError)
  })

  test('the token is read from its file without the line end', () => {
    const file = join(dataDir, 'token')
    writeFileSync(file, 'abc\n')
    chmodSync(file, 0o600)
    expect(readHypervisorToken({ hypervisorToken: undefined, hypervisorTokenFile: file })).toBe('abc')
  })

  test('the database password may come from a file, whatever characters it has', () => {
    const file = join(dataDir, 'password')
    writeFileSync(file, 'p@ss/w:rd\n')
    const env = { DATABASE_URL: 'postgres://u@db:5432/x', DATABASE_PASSWORD_FILE: file }
    expect(parseConfig(env).databaseUrl).toBe('postgres://u:p%40ss%2Fw%3Ard@db:5432/x')
  })

  test('a token file that is not there is a fault that names it', () => {
    const file = join(dataDir, 'none')
    expect(() => readHypervisorToken({ hypervisorToken: undefined, hypervisorTokenFile: file })).toThrow(file)
  })
})
