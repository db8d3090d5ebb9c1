// A consumer of the built program that takes a job, tells its parent, and never ends it: for being killed.
import { openConsumer } from '../../dist/src/jobs/engines.js'

const [access, hypervisorId] = process.argv.slice(2)
const consumer = await openConsumer(JSON.parse(access), hypervisorId, 1, async ({ jobId }) => {
  process.send({ jobId })
  await new Promise(() => undefined)
})
await consumer.ready()
