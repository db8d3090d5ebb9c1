/**
 * What the Go client of the QingCloud wire does with a service, from the facts of that client: which parameters it always
 * sends, how it decodes, and how it waits. Its waits ask as it does, only sooner: it leaves 5 to 10 s between two looks.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { RunningService } from './a-running-service.ts'
import {
  adminKeyOf,
  aWireClientAt,
  flatten,
  type WireAnswer,
  type WireKey,
  type WireParameters,
} from './a-wire-client.ts'
import { decoded } from './wire-shapes.ts'

const PAGE = { limit: 20, offset: 0 }
const VERBOSE_PAGE = { ...PAGE, verbose: 0 }
/** Parameters that it sends when the caller has not set them. */
const DEFAULTS: Readonly<Record<string, WireParameters>> = {
  DescribeNics: PAGE,
  DescribeEips: PAGE,
  DescribeSecurityGroupRules: PAGE,
  DescribeVxnets: VERBOSE_PAGE,
  DescribeJobs: VERBOSE_PAGE,
  DescribeAccessKeys: VERBOSE_PAGE,
  DescribeSecurityGroups: VERBOSE_PAGE,
  DescribeKeyPairs: VERBOSE_PAGE,
  DescribeInstances: { ...VERBOSE_PAGE, is_cluster_node: 0 },
  DescribeTags: { limit: 0, offset: 0, verbose: 0 },
  CreateNics: { count: 1 },
  CreateVxnets: { count: 1 },
  AllocateVips: { count: 1 },
  CreateRouters: { count: 1, router_type: 1 },
  JoinRouter: { features: 1 },
  AllocateEips: { billing_mode: 'bandwidth', count: 1, need_icp: 0 },
  StopInstances: { force: 0 },
  CreateKeyPair: { mode: 'system', encrypt_method: 'ssh-rsa' },
  RunInstances: {
    count: 1,
    cpu: 1,
    cpu_model: 'Westmere',
    gpu: 0,
    memory: 1024,
    need_newsid: 0,
    need_userdata: 0,
    userdata_file: '/etc/rc.local',
    userdata_path: '/etc/qingcloud/userdata',
  },
}

/** A refusal, in the words that callers of this client look for codes in. */
export class QingCloudError extends Error {
  readonly retCode: number
  constructor({ ret_code, message }: WireAnswer) {
    super(`QingCloud Error: Code (${ret_code}), Message (${message})`)
    this.retCode = ret_code
  }
}

export interface GoClient {
  readonly key: WireKey
  /** Sends an action. @throws QingCloudError when it is refused; whatever an answer that does not decode gives. */
  ask(action: string, parameters?: WireParameters): Promise<WireAnswer>
  /** @throws when the job failed, cannot be found, or has not ended in time. */
  waitJob(id: string): Promise<void>
  /** Looks until the status is the wanted one and nothing is in transition. */
  waitInstanceStatus(id: string, status: string): Promise<WireAnswer>
  /** Looks until the first vxnet has an address. */
  waitInstanceNetwork(id: string): Promise<void>
  /** An action with a job, waited for. */
  act(action: string, parameters: WireParameters): Promise<WireAnswer>
}

/** All else is a GET. */
const POSTED = new Set(['UploadUserDataAttachment', 'CreateServerCertificate'])

const WAIT_MS = 60_000
const INTERVAL_MS = 100

export async function aGoClient(service: RunningService, zone = 'local-1'): Promise<GoClient> {
  const key = await adminKeyOf(service)
  const wire = aWireClientAt(service.url, key)

  const ask: GoClient['ask'] = async (action, parameters = {}) => {
    const given = flatten({ ...DEFAULTS[action], ...(action === 'DescribeZones' ? {} : { zone }), ...parameters })
    const sent = Object.fromEntries(Object.entries(given).map(([name, value]) => [name, value.trim()]))
    const post = POSTED.has(action) ? { method: 'POST' as const, chunked: true } : {}
    const answer = decoded(action, await wire.send(action, sent, { path: '/iaas', ...post }))
    if (answer.ret_code !== 0) throw new QingCloudError(answer)
    return answer
  }

  const looks = async <T>(what: string, look: () => Promise<T | undefined>): Promise<T> => {
    for (const end = Date.now() + WAIT_MS; Date.now() < end; await sleep(INTERVAL_MS)) {
      const seen = await look()
      if (seen !== undefined) return seen
    }
    throw new Error(`${what}: timed out`)
  }

  const waitJob: GoClient['waitJob'] = async (id) => {
    await looks(`job ${id}`, async () => {
      const answer = await ask('DescribeJobs', { jobs: [id] }).catch((error: unknown) => {
        if (error instanceof QingCloudError) return undefined
        throw error
      })
      if (!answer) return undefined
      const [job] = answer.job_set
      if (!job) throw new Error(`can not find job ${id}`)
      if (job.status === 'failed') throw new Error(`job ${id} failed: ${JSON.stringify(job)}`)
      return job.status === 'successful' ? true : undefined
    })
  }

  const instance = async (id: string) => (await ask('DescribeInstances', { instances: [id] })).instance_set[0]

  return {
    key,
    ask,
    waitJob,
    waitInstanceStatus: (id, status) => {
      let misses = 0
      return looks(`instance ${id} to be ${status}`, async () => {
        const seen = await instance(id)
        if (!seen && ++misses === 4) throw new Error(`instance ${id} is not there`)
        return seen?.status === status && !seen.transition_status ? seen : undefined
      })
    },
    waitInstanceNetwork: async (id) => {
      await looks(
        `instance ${id} to have an address`,
        async () => (await instance(id)).vxnets[0]?.private_ip || undefined,
      )
    },
    act: async (action, parameters) => {
      const answer = await ask(action, parameters)
      await waitJob(answer.job_id)
      return answer
    },
  }
}
