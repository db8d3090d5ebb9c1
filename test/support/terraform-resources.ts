/** The resources of the QingCloud provider of Terraform that tests make and take away, beside a service of their own. */
import { expect } from 'vitest'
import { aGoClient, type GoClient, QingCloudError } from './a-go-client.ts'
import type { RunningService } from './a-running-service.ts'
import { aServiceWithEips } from './a-service-with-eips.ts'
import { Terraform } from './a-terraform.ts'
import type { Outside } from './an-outside.ts'
import { madeWith } from './made-with.ts'

export interface Configuration {
  readonly outside: Outside
  readonly service: RunningService
  readonly api: GoClient
  readonly terraform: Terraform
  readonly call: Terraform['call']
  aTag(name: string): Promise<string>
  aGroup(name: string): Promise<string>
  anEip(name: string): Promise<string>
  aVpc(network: string, over?: object): Promise<string>
  /** In a VPC already. */
  aVxnet(name: string, vpc: string, network: string): Promise<string>
  /** In no vxnet yet: the provider joins it later. */
  anInstance(over?: object): Promise<string>
  destroyInstance(id: string): Promise<void>
  destroyVxnet(id: string, vpc: string): Promise<void>
  destroyVpc(id: string): Promise<void>
  destroyEip(id: string): Promise<void>
  dispose(): Promise<void>
}

/** A service with elastic IPs, and the provider configured for it. */
export const aConfiguration = async (): Promise<Configuration> =>
  madeWith(await aServiceWithEips(), async (service) => {
    const api = await aGoClient(service)
    const terraform = new Terraform(api)
    await terraform.configure('local-1')
    const call: Terraform['call'] = (...args) => terraform.call(...args)
    return {
      outside: service.outside,
      service,
      api,
      terraform,
      call,
      aTag: async (name) => (await call('CreateTag', { tag_name: name })).tag_id,
      aGroup: async (name) => (await call('CreateSecurityGroup', { security_group_name: name })).security_group_id,
      anEip: async (name) => {
        const wanted = { eip_name: name, bandwidth: 2, billing_mode: 'bandwidth', need_icp: 0, count: 1 }
        const [id] = (await call('AllocateEips', wanted)).eips
        await terraform.settled('eip', id)
        return id
      },
      aVpc: async (network, over = {}) => {
        const wanted = { router_name: 'vpc', vpc_network: network, router_type: 1, count: 1, ...over }
        const [id] = (await call('CreateRouters', wanted)).routers
        await terraform.settled('router', id)
        return id
      },
      aVxnet: async (name, vpc, network) => {
        const [id] = (await call('CreateVxnets', { vxnet_name: name, vxnet_type: 1, count: 1 })).vxnets
        await terraform.joinVpc(id, vpc, network)
        return id
      },
      anInstance: async (over = {}) => {
        const wanted = { instance_name: 'web', image_id: 'centos7x64d', instance_class: 0, cpu: 1, memory: 1024 }
        const login = { login_mode: 'passwd', login_passwd: 'Zhu88jie' }
        const [id] = (await call('RunInstances', { ...wanted, ...login, ...over })).instances
        await terraform.settled('instance', id)
        return id
      },
      destroyInstance: async (id) => {
        await terraform.settled('instance', id)
        await call('TerminateInstances', { instances: [id] })
        expect(await terraform.poll('instance', id)).toMatchObject({ status: 'terminated', transition_status: '' })
        expect(await terraform.readInstance(id)).toBeUndefined()
      },
      destroyVxnet: async (id, vpc) => {
        await terraform.leaveVpc(id, vpc)
        await call('DeleteVxnets', { vxnets: [id] })
        await terraform.poll('router', vpc)
        expect(await terraform.readVxnet(id)).toBeUndefined()
      },
      destroyVpc: async (id) => {
        await terraform.poll('router', id)
        await call('DeleteRouters', { routers: [id] })
        expect(await terraform.poll('router', id)).toMatchObject({ status: 'deleted', transition_status: '' })
        expect(await terraform.readVpc(id)).toBeUndefined()
      },
      destroyEip: async (id) => {
        expect(await terraform.poll('eip', id)).toMatchObject({ status: 'available' })
        const { job_id } = await call('ReleaseEips', { eips: [id] })
        await api.waitJob(job_id)
      },
      dispose: () => service.dispose(),
    }
  })

/** What a call is refused with. @throws when it is not. */
export const refusalOf = (answer: Promise<unknown>): Promise<QingCloudError> =>
  answer.then(
    () => expect.fail('it was not refused'),
    (error: unknown) => {
      expect(error).toBeInstanceOf(QingCloudError)
      return error as QingCloudError
    },
  )
