/** A service with an instance in the basic network and elastic IPs, and a client of it with the habits of qingcloud-cli. */
import { aPythonClient, type PythonClient } from './a-python-client.ts'
import { aServiceWithEips } from './a-service-with-eips.ts'
import type { WireAnswer } from './a-wire-client.ts'
import { madeWith } from './made-with.ts'

/** What every describe-* sends. */
export const PAGE = { offset: 0, limit: 20 }

export const fieldOf = (set: WireAnswer[], field: string): string[] => set.map((item) => item[field])

export interface Cli extends PythonClient {
  /** An instance that runs in the basic network; its namespace has its id for a name. */
  readonly instance: string
  aVxnet(name: string): Promise<string>
  aRouter(network: string): Promise<string>
  dispose(): Promise<void>
}

export const aCli = async (): Promise<Cli> =>
  madeWith(await aServiceWithEips(), async (service) => {
    const client = await aPythonClient(service)
    const { instances } = await client.act('RunInstances', {
      image_id: 'centos7x64d',
      instance_type: 'c1m1',
      instance_name: '',
      count: 1,
      login_mode: 'passwd',
      login_passwd: 'Zhu88jie',
      need_newsid: 0,
      need_userdata: 0,
      nic_mqueue: 0,
      vxnets: ['vxnet-0'],
    })
    return {
      ...client,
      instance: instances[0],
      aVxnet: async (name) =>
        (await client.ok('CreateVxnets', { vxnet_name: name, vxnet_type: 1, count: 1, mode: 0 })).vxnets[0],
      aRouter: async (network) => {
        const wanted = { count: 1, router_name: 'edge', router_type: 1, security_group: '', vpc_network: network }
        return (await client.act('CreateRouters', wanted)).routers[0]
      },
      dispose: async () => {
        client.close()
        await service.dispose()
      },
    }
  })
