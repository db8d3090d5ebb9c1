import { useQuery } from '@tanstack/react-query'
import { networksQuery, securityGroupsQuery, serversQuery, vpcsQuery } from '../../api/queries.ts'
import { common } from '../../text/common.ts'
import { useText } from '../../text/language.tsx'
import { nics as words } from '../../text/nics.ts'
import { nicStates } from '../../text/states.ts'
import { Filter } from '../../ui/Filter.tsx'
import { SearchField } from '../../ui/fields.tsx'
import { Toolbar } from '../../ui/page.tsx'
import type { useNicList } from './use-nic-list.ts'

const named = ({ id, name }: { readonly id: string; readonly name: string }) => ({ id, label: name || id })

/** What is looked for in the list of NICs. */
export function NicFilters({ list: { search, get, set } }: { readonly list: ReturnType<typeof useNicList> }) {
  const t = useText()
  const networks = useQuery(networksQuery()).data?.items ?? []
  const servers = useQuery(serversQuery()).data?.items ?? []
  const groups = useQuery(securityGroupsQuery()).data?.items ?? []
  const vpcs = useQuery(vpcsQuery()).data?.items ?? []
  const states = Object.entries(nicStates).map(([id, label]) => ({ id, label: t(label) }))
  const filter = (
    name: Parameters<typeof get>[0],
    label: string,
    options: readonly { id: string; label: string }[],
  ) => <Filter label={label} options={options} value={get(name)} onChange={(value) => set(name, value)} />
  return (
    <Toolbar>
      <SearchField label={t(words.search)} value={search.text} onChange={search.setText} />
      {filter('state', t(common.state), states)}
      {filter('network', t(common.network), networks.map(named))}
      {filter('server', t(common.server), servers.map(named))}
      {filter('group', t(common.securityGroup), groups.map(named))}
      {vpcs.length > 1 && filter('vpc', t(common.vpc), vpcs.map(named))}
    </Toolbar>
  )
}
