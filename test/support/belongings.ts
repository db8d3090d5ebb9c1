/** One of everything that clients of the wire can have, in one project. */
import { generateKeyPairSync } from 'node:crypto'
import type { Service } from './a-service.ts'
import type { WireClient } from './a-wire-client.ts'
import { finish } from './builders.ts'

/** Ids of the wire, by what they are. */
export type Belongings = Awaited<ReturnType<typeof belongings>>

/** @param service - with a pool of elastic IPs, and `hv-test` with its interface. */
export async function belongings(service: Service, wire: WireClient) {
  const { ok } = wire
  const done = async (answer: { job_id: string }) => {
    await finish(service, answer.job_id)
  }
  const [vxnet, unjoined] = (await ok('CreateVxnets', { vxnet_type: 1, count: 2 })).vxnets
  const [router, second] = (await ok('CreateRouters', { count: 2 })).routers
  await ok('JoinRouter', { router, vxnet, ip_network: '192.168.7.0/24' })
  const run = async (vxnets: string[]): Promise<string> => {
    const { instances, job_id } = await ok('RunInstances', { image_id: 'img-ours', vxnets })
    await finish(service, job_id)
    return instances[0]
  }
  const instance = await run([vxnet])
  const [machine, loner] = [await run([vxnet]), await run([])]
  const [stopped, terminated] = [await run([]), await run([])]
  await done(await ok('StopInstances', { instances: [stopped] }))
  await done(await ok('TerminateInstances', { instances: [terminated] }))
  const [{ nic_id: nic }, { nic_id: attached }] = (await ok('CreateNics', { vxnet, count: 2 })).nics
  const attach = await ok('AttachNics', { nics: [attached], instance: machine })
  await done(attach)
  const [eip, associated] = (await ok('AllocateEips', { bandwidth: 1, count: 2 })).eips
  await done(await ok('AssociateEip', { eip: associated, instance }))
  const { security_group_id: group } = await ok('CreateSecurityGroup', { security_group_name: 'group' })
  const [rule] = (
    await ok('AddSecurityGroupRules', { security_group: group, rules: [{ protocol: 'tcp', priority: 1 }] })
  ).security_group_rules
  const { security_group_snapshot_id: snapshot } = await ok('CreateSecurityGroupSnapshot', { security_group: group })
  const { security_group_ipset_id: ipset } = await ok('CreateSecurityGroupIPSet', { ipset_type: 1, val: '80' })
  const { tag_id: tag } = await ok('CreateTag', { tag_name: 'tag' })
  await ok('AttachTags', { resource_tag_pairs: [{ tag_id: tag, resource_type: 'vxnet', resource_id: vxnet }] })
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const { e = '', n = '' } = publicKey.export({ format: 'jwk' })
  const blob = Buffer.concat(
    [
      Buffer.from('ssh-rsa'),
      Buffer.from(e, 'base64url'),
      Buffer.concat([Buffer.of(0), Buffer.from(n, 'base64url')]),
    ].map((part) => Buffer.concat([Buffer.from(part.length.toString(16).padStart(8, '0'), 'hex'), part])),
  )
  const public_key = `ssh-rsa ${blob.toString('base64')}`
  const { keypair_id: keypair } = await ok('CreateKeyPair', { mode: 'user', public_key })
  await ok('AttachKeyPairs', { keypairs: [keypair], instances: [loner] })
  const [forwarding, vpn, dhcp] = (
    await ok('AddRouterStatics', {
      router,
      statics: [
        { static_type: 1, val1: 80, val2: '192.168.7.9', val3: 80 },
        { static_type: 2, val1: 'openvpn' },
        { static_type: 3, val1: loner, val2: 'domain-name=a' },
      ],
    })
  ).router_statics
  const [entry] = (await ok('AddRouterStaticEntries', { router_static: vpn, entries: [{ val1: 'u', val2: 'p' }] }))
    .router_static_entries
  const { vips } = await ok('AllocateVips', { vxnet_id: vxnet })
  const { attachment_id: attachment } = await ok('UploadUserDataAttachment', { attachment_content: 'text' })
  return {
    vxnet: vxnet as string,
    unjoined: unjoined as string,
    router: router as string,
    second: second as string,
    instance,
    machine,
    loner,
    stopped,
    terminated,
    nic: nic as string,
    attached: attached as string,
    eip: eip as string,
    associated: associated as string,
    group: group as string,
    rule: rule as string,
    snapshot: snapshot as string,
    ipset: ipset as string,
    tag: tag as string,
    keypair: keypair as string,
    forwarding: forwarding as string,
    vpn: vpn as string,
    dhcp: dhcp as string,
    entry: entry as string,
    vip: vips[0] as string,
    attachment: attachment as string,
    job: attach.job_id as string,
    key: wire.key.access_key_id,
  }
}
