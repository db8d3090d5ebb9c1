/** Calls of the service over one connection, with the admin's key. */
import type { JobView } from '../../src/domain/job/jobs.ts'
import type { NicView } from '../../src/domain/nic/nics.ts'
import { Connection, requestText } from './http.ts'

export class Api {
  readonly #port: number
  readonly #token: string
  #connection: Connection

  private constructor(port: number, token: string, connection: Connection) {
    this.#port = port
    this.#token = token
    this.#connection = connection
  }

  static async open({ port, token }: { readonly port: number; readonly token: string }): Promise<Api> {
    return new Api(port, token, await Connection.open(port))
  }

  /** @throws {Error} on any answer but 2xx. */
  async call<T>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<T> {
    const request = requestText(method, path, { authorization: `Bearer ${this.#token}`, ...headers }, body)
    if (!this.#connection.isOpen) this.#connection = await Connection.open(this.#port)
    const answer = await this.#connection.send(request)
    const text = answer.body.toString('utf8')
    if (answer.status >= 300) throw new Error(`${method} ${path} answered ${answer.status}: ${text}`)
    return (text === '' ? undefined : JSON.parse(text)) as T
  }

  /** Asks for a job and waits for its end. @throws {Error} unless it was successful. */
  async act(method: string, path: string, body: unknown = {}): Promise<JobView> {
    const job = await this.call<JobView>(method, path, body, { prefer: 'wait=60' })
    if (job.state !== 'successful') throw new Error(`${path}: job ${job.id} is ${job.state}: ${job.error}`)
    return job
  }

  /** A VPC 10.<number>.0.0/16; `number` 1..254. @returns its id. */
  async makeVpc(number: number): Promise<string> {
    return (await this.call<{ id: string }>('POST', '/v1/vpcs', { name: 'bench', cidr: `10.${number}.0.0/16` })).id
  }

  /** A routed network. @returns its id. */
  async makeNetworkIn(vpcId: string, cidr: string): Promise<string> {
    return (await this.call<{ id: string }>('POST', '/v1/networks', { name: 'bench', vpc_id: vpcId, cidr })).id
  }

  /** A routed network in a VPC of its own. `number` 1..254 keeps them apart. */
  async makeNetwork(number: number): Promise<string> {
    return this.makeNetworkIn(await this.makeVpc(number), `10.${number}.1.0/24`)
  }

  /**
   * Makes NICs in one call.
   * @param groupIds - their security groups; the default one when absent.
   * @returns their ids.
   */
  async makeNics(networkId: string, count: number, groupIds?: readonly string[]): Promise<string[]> {
    const body = { network_id: networkId, count, ...(groupIds && { security_group_ids: groupIds }) }
    const { items } = await this.call<{ items: NicView[] }>('POST', '/v1/nics/batch', body)
    return items.map(({ id }) => id)
  }

  /** Makes and starts a server. @returns its id. */
  async makeServer(options: {
    guest: 'namespace' | 'qemu'
    network_id?: string
    security_group_ids?: readonly string[]
    vcpus?: number
    memory_mb?: number
  }): Promise<string> {
    const job = await this.act('POST', '/v1/servers', { name: 'bench', ...options })
    if (job.server_id === null) throw new Error(`job ${job.id} made no server`)
    return job.server_id
  }

  async nicsOf(serverId: string): Promise<NicView[]> {
    return (await this.call<{ items: NicView[] }>('GET', `/v1/nics?server_id=${serverId}`)).items
  }

  close(): void {
    this.#connection.close()
  }
}
