import type { ElasticIp } from '../../api/client.ts'
import { elasticIpStates } from '../../text/elastic-ips.ts'
import { useText } from '../../text/language.tsx'
import { Badge } from '../../ui/Badge.tsx'

export function ElasticIpState({ state }: Pick<ElasticIp, 'state'>) {
  const t = useText()
  return <Badge tone={state === 'associated' ? 'good' : 'idle'}>{t(elasticIpStates[state])}</Badge>
}
