/** A running service whose guests are namespaces, with a pool of elastic IPs on a segment outside. */
import { aRunningService, type RunningService } from './a-running-service.ts'
import { anOutside, type Outside, SEGMENT } from './an-outside.ts'
import { madeWith } from './made-with.ts'

export interface ServiceWithEips extends RunningService {
  readonly outside: Outside
}

/** With the addresses 203.0.113.10 to .20 to give out. */
export const aServiceWithEips = async (): Promise<ServiceWithEips> =>
  madeWith(await anOutside(), async (outside) =>
    madeWith(await aRunningService({ ...outside.environment, PATCHBAY_GUEST: 'namespace' }), async (service) => {
      await service.post('/v1/elastic-ip-pools', {
        name: 'public',
        cidr: SEGMENT.cidr,
        gateway: SEGMENT.gateway,
        first: '203.0.113.10',
        last: '203.0.113.20',
        interface: 'eth1',
      })
      const dispose = async () => {
        await service.dispose()
        await outside.dispose()
      }
      return { ...service, outside, dispose }
    }),
  )
