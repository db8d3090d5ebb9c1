import { useQuery } from '@tanstack/react-query'
import { Plus } from 'lucide-react'
import { useMemo, useState } from 'react'
import { useNavigate } from 'react-router'
import type { Network } from '../../api/client.ts'
import { networksQuery, useById, vpcsQuery } from '../../api/queries.ts'
import { refusalOf } from '../../api/refusal.ts'
import { useLacks } from '../../api/session.tsx'
import { useParam } from '../../app/url-params.ts'
import { common } from '../../text/common.ts'
import { useText } from '../../text/language.tsx'
import { networkKinds, networks } from '../../text/networks.ts'
import { Button } from '../../ui/Button.tsx'
import { DataTable } from '../../ui/DataTable.tsx'
import { Filter } from '../../ui/Filter.tsx'
import { SearchField } from '../../ui/fields.tsx'
import { Empty, Page, Toolbar } from '../../ui/page.tsx'
import { RefusalView } from '../../ui/Refusal.tsx'
import { CreateNetworkDialog } from './CreateNetworkDialog.tsx'
import { kindOf, useNetworkColumns } from './network-columns.tsx'

export default function NetworksPage() {
  const t = useText()
  const lacks = useLacks()
  const navigate = useNavigate()
  const { data, error } = useQuery(networksQuery())
  const vpcs = useById(vpcsQuery())
  const [search, setSearch] = useParam('search')
  const [kind, setKind] = useParam('mode')
  const [vpc, setVpc] = useParam('vpc')
  const [isCreating, setCreating] = useState(false)
  const columns = useNetworkColumns(vpcs)

  const rows = useMemo(
    () =>
      data?.items.filter(
        (network) =>
          matches(network, search) &&
          (kind === '' || kindOf(network) === kind) &&
          (vpc === '' || network.vpc_id === (vpc === 'none' ? null : vpc)),
      ),
    [data, search, kind, vpc],
  )
  const create = (
    <Button
      look="primary"
      icon={<Plus size={16} aria-hidden />}
      why={lacks('operator')}
      onPress={() => setCreating(true)}
    >
      {t(networks.create)}
    </Button>
  )
  const isNarrowed = search !== '' || kind !== '' || vpc !== ''
  const clear = () => navigate('/networks', { replace: true })
  return (
    <Page title={t(common.networks)} actions={create}>
      <Toolbar>
        <SearchField label={t(networks.searchFor)} value={search} onChange={setSearch} />
        <Filter
          label={t(networks.mode)}
          options={Object.entries(networkKinds).map(([id, text]) => ({ id, label: t(text) }))}
          value={kind}
          onChange={setKind}
        />
        <Filter
          label={t(common.vpc)}
          options={[
            ...[...vpcs.values()].map(({ id, name }) => ({ id, label: name })),
            { id: 'none', label: t(common.none) },
          ]}
          value={vpc}
          onChange={setVpc}
        />
      </Toolbar>
      {error && <RefusalView refusal={refusalOf(error)} />}
      <DataTable
        label={t(common.networks)}
        columns={columns}
        rows={rows}
        idOf={({ id }) => id}
        nameOf={({ name }) => name}
        empty={
          isNarrowed ? (
            <Empty>
              <p>{t(networks.noneFound)}</p>
              <Button onPress={() => void clear()}>{t(networks.clearFilters)}</Button>
            </Empty>
          ) : (
            <Empty>
              <p>{t(networks.none)}</p>
              {create}
            </Empty>
          )
        }
      />
      {isCreating && (
        <CreateNetworkDialog
          vpcId={vpcs.has(vpc) ? vpc : undefined}
          onClose={() => setCreating(false)}
          onMade={({ id }) => void navigate(`/networks/${id}`)}
        />
      )}
    </Page>
  )
}

const matches = ({ id, name, cidr, ipv6_cidr }: Network, search: string): boolean => {
  const wanted = search.trim().toLowerCase()
  return [id, name.toLowerCase(), cidr, ipv6_cidr].some((text) => text?.includes(wanted))
}
