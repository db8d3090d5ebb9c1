/**
 * The walk-through of QingCloud's NIC guide, against a running service on this machine: a server with one card gets a
 * second one while it runs, and what its own system shows is printed before and after.
 */
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { adminKeyFile, type Config } from './config.ts'
import { OperatorError } from './operator-error.ts'
import { type GuestShell, shellOf } from './workers/guest-shell.ts'

const TAGS = { demo: 'walk-through' }
const WAIT_S = 60
/** A guest under software emulation takes some seconds to boot, and its DHCP client a moment more. */
const BOOT_TIMEOUT_MS = 60_000

type Json = Record<string, unknown> & { id: string }
interface JobAnswer {
  id: string
  state: string
  error: string | null
  server_id: string
  steps: { name: string; started_at: string; ended_at: string | null }[]
}

const say = (line = ''): void => console.log(line)

export async function runDemo(config: Config, options: { clean: boolean; guest: 'qemu' | 'namespace' }): Promise<void> {
  const api = await Api.open(config)
  await cleanUp(api)
  if (options.clean) return say('What earlier walk-throughs had made is gone.')

  say('1. A server, hosta, with one card in a service network.')
  const service = await network(api, 'service', '10.120.0.0/16', '10.120.7.0/24')
  const made = await api.act('POST', '/servers', {
    name: 'hosta',
    guest: options.guest,
    network_id: service.id,
    address: '10.120.7.40',
    tags: TAGS,
  })
  const hosta = shellOf(config.netns, made.server_id, options.guest)
  await until(`hosta to have 10.120.7.40 on its first card`, async () => (await show(hosta)).includes('10.120.7.40'))
  say(`   server ${made.server_id}; inside it:\n`)
  say(indent(await show(hosta)))

  say('2. A private network 172.16.1.0/24 in a VPC, and a NIC with the address 172.16.1.100 in it.')
  const home = await network(api, 'private', '172.16.0.0/16', '172.16.1.0/24')
  const nic = await api.call('POST', '/nics', {
    network_id: home.id,
    address: '172.16.1.100',
    name: 'walk-through',
    tags: TAGS,
  })
  say(`   VPC ${home.vpc_id}, network ${home.id} with gateway ${home.gateway}, NIC ${nic.id}\n`)

  say('3. The NIC is assigned to hosta, which goes on running.')
  const attached = await api.act('POST', `/nics/${nic.id}/attach`, { server_id: made.server_id })
  say(`   job ${attached.id} ${attached.state}: ${attached.steps.map(stepTime).join(', ')}`)
  await until('the new card to have its address', async () => (await show(hosta)).includes('172.16.1.100/24'))
  say('   inside hosta now:\n')
  const after = await show(hosta)
  say(indent(after))
  if (!after.includes(nic.id)) throw new Error(`hosta does not show the MAC ${nic.id}`)

  say('4. The gateway of the private network, pinged from inside hosta.\n')
  say(indent(await hosta.run('busybox', ['ping', '-c', '3', '172.16.1.1'])))
  const { state, guest } = await until('the report from the guest', async () => {
    const now = await api.call('GET', `/nics/${nic.id}`)
    return now.guest ? now : undefined
  })
  say(`   The service says: NIC ${nic.id} is ${String(state)}; the guest reports ${JSON.stringify(guest)}`)
  say('\nEverything is left standing. "npm run demo -- --clean" takes it away.')
}

const stepTime = ({ name, started_at, ended_at }: JobAnswer['steps'][number]): string =>
  `${name} ${ended_at === null ? 'broken off' : `${Date.parse(ended_at) - Date.parse(started_at)} ms`}`

const indent = (text: string): string => text.replaceAll(/^(?=.)/gm, '      ')

async function network(api: Api, name: string, vpcCidr: string, cidr: string): Promise<Json> {
  const vpc = await api.call('POST', '/vpcs', { name, cidr: vpcCidr, tags: TAGS })
  return api.call('POST', '/networks', { name, vpc_id: vpc.id, cidr, tags: TAGS })
}

/** Cards and routes as the guest's own `ip` prints them. */
async function show(shell: GuestShell): Promise<string> {
  const shown: string[] = []
  for (const args of [
    ['addr', 'show'],
    ['route', 'show'],
  ]) {
    const text = await shell.run('ip', args).catch(() => '') // the guest may still be booting: the caller asks again
    shown.push(`# ip ${args.join(' ')}\n${text}`)
  }
  return shown.join('\n')
}

async function until<T>(what: string, ask: () => Promise<T>): Promise<NonNullable<T>> {
  for (const end = Date.now() + BOOT_TIMEOUT_MS; Date.now() < end; await sleep(200)) {
    const answer = await ask()
    if (answer) return answer
  }
  throw new Error(`waited ${BOOT_TIMEOUT_MS / 1000} s for ${what}`)
}

/** Takes away what an earlier walk-through made, by its tag. */
async function cleanUp(api: Api): Promise<void> {
  const ours = async (kind: string) =>
    (await api.call('GET', `/${kind}?limit=1000`)).items as (Json & { tags: { demo?: string } })[]
  const made = async (kind: string) => (await ours(kind)).filter(({ tags }) => tags.demo === TAGS.demo)
  for (const { id } of await made('servers')) await api.act('DELETE', `/servers/${id}?force=true`)
  for (const kind of ['nics', 'networks', 'vpcs']) {
    for (const { id } of await made(kind)) await api.call('DELETE', `/${kind}/${id}`)
  }
}

class Api {
  readonly #base: string
  readonly #token: string

  private constructor(base: string, token: string) {
    this.#base = base
    this.#token = token
  }

  static async open(config: Config): Promise<Api> {
    const file = adminKeyFile(config.dataDir)
    const text = await readFile(file, 'utf8').catch(() => {
      throw new OperatorError(`${file} cannot be read: run "npm start" first, and this with the same PATCHBAY_DATA`)
    })
    const base = config.apiUrl ?? `http://${config.host}:${config.port}`
    const api = new Api(base, (JSON.parse(text) as { token: string }).token)
    await fetch(`${base}/healthz`).catch(() => {
      throw new OperatorError(`no service answers at ${base}: start it with "npm start" in another terminal`)
    })
    return api
  }

  async call(method: string, path: string, body?: object): Promise<Json> {
    const response = await fetch(`${this.#base}/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.#token}`,
        prefer: `wait=${WAIT_S}`,
        ...(body ? { 'content-type': 'application/json' } : {}),
      },
      body: body ? JSON.stringify(body) : null,
    })
    const text = await response.text()
    const answer = (text === '' ? {} : JSON.parse(text)) as Json
    if (!response.ok) throw new OperatorError(`${method} ${path}: ${response.status} ${String(answer.detail)}`)
    return answer
  }

  /** An act, waited for. */
  async act(method: string, path: string, body?: object): Promise<JobAnswer> {
    const job = (await this.call(method, path, body)) as unknown as JobAnswer
    if (job.state !== 'successful')
      throw new OperatorError(`job ${job.id} is ${job.state}: ${job.error ?? 'it takes long'}`)
    return job
  }
}
