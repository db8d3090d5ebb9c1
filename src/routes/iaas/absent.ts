/** What clients ask for and this service has none of: clusters and volumes. */
import { type Actions, type Call, reads, writes } from './call.ts'
import { missing } from './refusals.ts'

const none = (set: string) =>
  reads(async ({ params }) => {
    params.slice()
    return { [set]: [], total_count: 0 }
  })

/** There is no volume to attach or detach. */
const ofNoVolume = async ({ params }: Call): Promise<never> => {
  const [first = ''] = params.requiredList('volumes')
  params.required('instance')
  throw missing('volume', first)
}

export const ABSENT: Actions = {
  DescribeClusters: none('cluster_set'),
  DescribeClusterNodes: none('node_set'),
  DescribeVolumes: none('volume_set'),
  AttachVolumes: writes(ofNoVolume),
  DetachVolumes: writes(ofNoVolume),
}
