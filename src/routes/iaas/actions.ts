/** Every action of the wire, by name. */
import { ABSENT } from './absent.ts'
import { ACCOUNT } from './account.ts'
import type { Action, Actions } from './call.ts'
import { CATALOGUE } from './catalogue.ts'
import { EIP } from './eip.ts'
import { INSTANCE } from './instance.ts'
import { INSTANCE_DESCRIBE } from './instance-describe.ts'
import { INSTANCE_VXNET } from './instance-vxnet.ts'
import { IP_SET } from './ip-set.ts'
import { JOB } from './job.ts'
import { KEY_PAIR } from './key-pair.ts'
import { MONITOR } from './monitor.ts'
import { NIC } from './nic.ts'
import { ROUTER } from './router.ts'
import { ROUTER_DESCRIBE } from './router-describe.ts'
import { ROUTER_STATIC } from './router-static.ts'
import { ROUTER_STATIC_ENTRY } from './router-static-entry.ts'
import { ROUTER_VXNET } from './router-vxnet.ts'
import { RUN_INSTANCES } from './run-instances.ts'
import { SECURITY_GROUP } from './security-group.ts'
import { SECURITY_GROUP_RULE } from './security-group-rule.ts'
import { SNAPSHOT } from './snapshot.ts'
import { TAG } from './tag.ts'
import { USER_DATA } from './user-data.ts'
import { VIP } from './vip.ts'
import { VXNET } from './vxnet.ts'

const GROUPS: readonly Actions[] = [
  ABSENT,
  ACCOUNT,
  MONITOR,
  EIP,
  IP_SET,
  JOB,
  SECURITY_GROUP,
  SECURITY_GROUP_RULE,
  SNAPSHOT,
  TAG,
  NIC,
  VIP,
  CATALOGUE,
  INSTANCE,
  INSTANCE_DESCRIBE,
  INSTANCE_VXNET,
  KEY_PAIR,
  RUN_INSTANCES,
  USER_DATA,
  ROUTER,
  ROUTER_DESCRIBE,
  ROUTER_STATIC,
  ROUTER_STATIC_ENTRY,
  ROUTER_VXNET,
  VXNET,
]

export const ACTIONS: ReadonlyMap<string, Action> = new Map(GROUPS.flatMap((group) => Object.entries(group)))
