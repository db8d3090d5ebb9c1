/** What becomes of a request whose transaction PostgreSQL rolls back for the sake of another. */
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { aService, expectProblem, type Service } from '../support/a-service.ts'
import { aVpc } from '../support/builders.ts'

let service: Service
beforeAll(async () => {
  service = await aService()
})
afterAll(() => service.close())
beforeEach(() => service.db.$client.query('DROP SEQUENCE IF EXISTS tries; CREATE SEQUENCE tries'))

/** From now on changing a VPC fails so many times, as the victim of a deadlock or of a serialisable transaction does. */
const failsAtFirst = (times: number, code: string) =>
  service.db.$client.query(`
    CREATE OR REPLACE FUNCTION give_way() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF nextval('tries') <= ${times} THEN RAISE EXCEPTION 'after you' USING ERRCODE = '${code}'; END IF;
      RETURN NEW;
    END $$;
    CREATE OR REPLACE TRIGGER give_way BEFORE UPDATE ON vpc FOR EACH ROW EXECUTE FUNCTION give_way()`)

it.each(['40P01', '40001'])('it is tried again, and the caller does not notice (%s)', async (code) => {
  const vpc = await aVpc(service)
  await failsAtFirst(3, code)
  const answer = await service.call('PATCH', `/v1/vpcs/${vpc.id}`, { name: 'new' })
  expect(answer).toMatchObject({ status: 200, body: { name: 'new', generation: vpc.generation + 1 } })
})

it.each(['40P01', '40001'])('it is given up after a while, and the caller is told to come again (%s)', async (code) => {
  const vpc = await aVpc(service)
  await failsAtFirst(1_000, code)
  const answer = await service.call('PATCH', `/v1/vpcs/${vpc.id}`, { name: 'new' })
  expectProblem(answer, 503, 'unavailable')
  expect(answer.headers['retry-after']).toBe('1')
  expect((await service.call('GET', `/v1/vpcs/${vpc.id}`)).body).toEqual(vpc)
})

it('one that waited too long for others is not tried again, and the caller is told to come later', async () => {
  const vpc = await aVpc(service)
  await failsAtFirst(1, '57014') // as a statement does that runs into statement_timeout
  expectProblem(await service.call('PATCH', `/v1/vpcs/${vpc.id}`, { name: 'new' }), 503, 'unavailable')
  expect((await service.call('PATCH', `/v1/vpcs/${vpc.id}`, { name: 'new' })).status).toBe(200)
})
