/** `Prefer: wait=N`: over real sockets too, for only there a client can go away. */
import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { aReplica, type Replica } from '../support/a-replica.ts'
import { type Answer, aService, type Service } from '../support/a-service.ts'
import { aNic, aServer, finish } from '../support/builders.ts'
import { listening, untilNobodyPolls, untilSomebodyPolls } from '../support/listening.ts'
import { until } from '../support/until.ts'

let service: Service
let replica: Replica
let port: number
beforeAll(async () => {
  service = await aService()
  replica = await aReplica(service)
  port = await listening(service)
})
afterAll(async () => {
  await replica.close()
  await service.close()
})

/** Asks for an attach with a wait, and plays the worker once the job is there. */
async function attachWith(prefer: string, play: (jobId: string) => Promise<unknown>): Promise<Answer> {
  const [nic, server] = [await aNic(service), await aServer(service)]
  const answer = service.call('POST', `/v1/nics/${nic.id}/attach`, { server_id: server.id }, { headers: { prefer } })
  await play(await jobOf(nic.id))
  return answer
}
const jobOf = (nicId: string) =>
  until('the job', async () => (await service.call('GET', `/v1/jobs?nic_id=${nicId}`)).body.items[0]?.id as string)
const nothing = async () => undefined

describe('Prefer: wait=N', () => {
  it.each(['successful', 'failed'] as const)(
    'answers 200 with the job that was %s within N seconds',
    async (outcome) => {
      const answer = await attachWith('wait=30', (id) => finish(service, id, { outcome, error: 'why' }))
      expect(answer.status).toBe(200)
      expect(answer.headers['preference-applied']).toBe('wait=30')
      expect(answer.headers.location).toBe(`/v1/jobs/${answer.body.id}`)
      expect(answer.body).toMatchObject({ state: outcome, attempts: 1, error: 'why' })
      expect(answer.body.finished_at).not.toBeNull()
    },
  )

  it('answers 202 with the job as it is when it has not finished by then', async () => {
    const answer = await attachWith('wait=1', (id) => service.asWorker('POST', `/jobs/${id}/claim`, {}))
    expect(answer).toMatchObject({ status: 202, body: { state: 'working', attempts: 1 } })
    expect(answer.headers['preference-applied']).toBe('wait=1')
  })

  it.each(['wait=0', 'respond-async', 'return=minimal', ''])('"%s" answers 202 at once', async (prefer) => {
    const answer = await attachWith(prefer, nothing)
    expect(answer).toMatchObject({ status: 202, body: { state: 'pending' } })
    expect(answer.headers['preference-applied']).toBeUndefined()
  })

  it.each(['respond-async, wait=30', 'WAIT=30', 'wait = 30', 'wait="30"', 'wait=30; foo'])(
    'may be written %s',
    async (prefer) => {
      const answer = await attachWith(prefer, (id) => finish(service, id))
      expect(answer.status).toBe(200)
    },
  )

  it('of an act that is already so answers 200 at once', async () => {
    const first = await attachWith('wait=30', (id) => finish(service, id))
    const [nicId] = first.body.nic_ids
    const again = await service.call(
      'POST',
      `/v1/nics/${nicId}/attach`,
      { server_id: first.body.server_id },
      { headers: { prefer: 'wait=60' } },
    )
    expect(again).toMatchObject({ status: 200, body: { id: first.body.id } })
  })

  it('sees an end that was reported to another replica', async () => {
    const answer = await attachWith('wait=30', async (id) => {
      const asWorker = (path: string, payload: object) =>
        replica.app.inject({
          method: 'POST',
          url: `/v1/hypervisors/hv-test/jobs/${id}/${path}`,
          headers: { authorization: `Bearer ${service.hypervisorToken}` },
          payload,
        })
      await asWorker('claim', {})
      await asWorker('report', { attempt: 1, outcome: 'successful', error: null, steps: [], observed: [] })
    })
    expect(answer).toMatchObject({ status: 200, body: { state: 'successful' } })
  })
})

describe('over a socket', () => {
  async function open(prefer: string) {
    const [nic, server] = [await aNic(service), await aServer(service)]
    const call = request({
      host: '127.0.0.1',
      port,
      method: 'POST',
      path: `/v1/nics/${nic.id}/attach`,
      headers: { authorization: `Bearer ${service.token}`, 'content-type': 'application/json', prefer },
    })
    const status = new Promise<number | undefined>((resolve, reject) => {
      call.once('response', (response) => resolve(response.resume().statusCode)).once('error', reject)
    })
    call.end(JSON.stringify({ server_id: server.id }))
    return { nic, call, status }
  }

  it('the wait lasts until the end of the job', async () => {
    const { nic, status } = await open('wait=30')
    await finish(service, await jobOf(nic.id))
    expect(await status).toBe(200)
  })

  it('a client that goes away ends the waiting, and its job goes on', async () => {
    const { nic, call, status } = await open('wait=60')
    const jobId = await jobOf(nic.id)
    const gone = expect(status).rejects.toThrow()
    await untilSomebodyPolls(service, 'job')
    call.destroy()
    await gone
    await untilNobodyPolls(service, 'job')
    await finish(service, jobId)
    expect((await service.call('GET', `/v1/nics/${nic.id}`)).body.state).toBe('in_use')
  })
})
