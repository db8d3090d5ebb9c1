import { useQuery } from '@tanstack/react-query'
import { Plus } from 'lucide-react'
import { useSearchParams } from 'react-router'
import { elasticIpsQuery } from '../../api/queries.ts'
import { useLacks } from '../../api/session.tsx'
import { common } from '../../text/common.ts'
import { elasticIps as words } from '../../text/elastic-ips.ts'
import { useText } from '../../text/language.tsx'
import { Button } from '../../ui/Button.tsx'
import { Failed, Page, Tabs } from '../../ui/page.tsx'
import { AllocateDialog } from './AllocateDialog.tsx'
import { ElasticIpsTab } from './ElasticIpsTab.tsx'
import { CreatePoolDialog } from './PoolDialogs.tsx'
import { PoolsTab } from './PoolsTab.tsx'
import { poolsQuery } from './pools.ts'

const POOLS = 'pools'

export default function ElasticIpsPage() {
  const t = useText()
  const lacks = useLacks()
  const [params, setParams] = useSearchParams()
  const { data: pools } = useQuery(poolsQuery())
  const { data: all, error } = useQuery(elasticIpsQuery())
  const isPools = params.get('tab') === POOLS
  const isCreating = params.has('create')
  const go = (next: { tab: boolean; create: boolean }) =>
    setParams({ ...(next.tab && { tab: POOLS }), ...(next.create && { create: '1' }) }, { replace: true })
  const setCreating = (create: boolean) => go({ tab: isPools, create })
  if (error && !all) return <Failed error={error} back={{ label: t(common.overview), to: '/' }} />

  const hasPools = pools === undefined || pools.items.length > 0
  const whyNot = isPools
    ? lacks('admin')
    : (lacks('operator') ?? (hasPools ? undefined : t(lacks('admin') ? words.poolNeedsAdmin : words.poolFirst)))
  const create = (
    <Button look="primary" icon={<Plus size={16} aria-hidden />} why={whyNot} onPress={() => setCreating(true)}>
      {t(isPools ? words.createPool : words.allocate)}
    </Button>
  )
  return (
    <Page title={t(common.elasticIps)} actions={create}>
      <Tabs
        label={t(common.elasticIps)}
        selected={isPools ? POOLS : 'addresses'}
        onSelect={(tab) => go({ tab: tab === POOLS, create: false })}
        tabs={[
          {
            id: 'addresses',
            label: t(common.elasticIps),
            content: (
              <ElasticIpsTab
                rows={all?.items}
                pools={pools?.items}
                onMakePool={() => go({ tab: true, create: true })}
              />
            ),
          },
          { id: POOLS, label: t(words.pools), content: <PoolsTab pools={pools?.items} /> },
        ]}
      />
      {isCreating && whyNot === undefined && !isPools && <AllocateDialog onClose={() => setCreating(false)} />}
      {isCreating && whyNot === undefined && isPools && <CreatePoolDialog onClose={() => setCreating(false)} />}
    </Page>
  )
}
