import { useQuery } from '@tanstack/react-query'
import { Plus } from 'lucide-react'
import { useMemo, useState } from 'react'
import { useNavigate } from 'react-router'
import type { ReservedAddress } from '../../api/client.ts'
import { networksQuery, reservedAddressesQuery, useById } from '../../api/queries.ts'
import { refusalOf } from '../../api/refusal.ts'
import { useLacks } from '../../api/session.tsx'
import { useParam } from '../../app/url-params.ts'
import { common } from '../../text/common.ts'
import { useText } from '../../text/language.tsx'
import { networks as networkWords } from '../../text/networks.ts'
import { reservedAddresses as words } from '../../text/reserved-addresses.ts'
import { Button } from '../../ui/Button.tsx'
import { DataTable } from '../../ui/DataTable.tsx'
import { Filter } from '../../ui/Filter.tsx'
import { SearchField } from '../../ui/fields.tsx'
import { Empty, Page, Toolbar } from '../../ui/page.tsx'
import { RefusalView } from '../../ui/Refusal.tsx'
import { EditReservedDialog } from './EditReservedDialog.tsx'
import { ReleaseDialog } from './ReleaseDialog.tsx'
import { ReserveDialog } from './ReserveDialog.tsx'
import { useReservedColumns } from './reserved-columns.tsx'

export default function ReservedAddressesPage() {
  const t = useText()
  const why = useLacks()('operator')
  const navigate = useNavigate()
  const { data, error } = useQuery(reservedAddressesQuery())
  const networks = useById(networksQuery())
  const [search, setSearch] = useParam('search')
  const [network, setNetwork] = useParam('network')
  const [selected, select] = useState<ReadonlySet<string>>(new Set())
  const [isReserving, setReserving] = useState(false)
  const [editing, edit] = useState<ReservedAddress>()
  const [releasing, release] = useState<readonly ReservedAddress[]>()
  const columns = useReservedColumns({ networks, onEdit: edit, onRelease: release })
  const rows = useMemo(
    () => data?.items.filter((row) => matches(row, search) && (network === '' || row.network_id === network)),
    [data, search, network],
  )
  const chosen = rows?.filter(({ id }) => selected.has(id)) ?? []
  const reserve = (
    <Button look="primary" icon={<Plus size={16} aria-hidden />} why={why} onPress={() => setReserving(true)}>
      {t(words.reserve)}
    </Button>
  )
  const isNarrowed = search !== '' || network !== ''
  return (
    <Page title={t(common.reservedAddresses)} actions={reserve}>
      <Toolbar>
        <SearchField label={t(words.searchFor)} value={search} onChange={setSearch} />
        <Filter
          label={t(common.network)}
          options={[...networks.values()].filter(({ cidr }) => cidr).map(({ id, name }) => ({ id, label: name }))}
          value={network}
          onChange={setNetwork}
        />
        {chosen.length > 0 && (
          <Button why={why} onPress={() => release(chosen)}>
            {t(words.release)}
          </Button>
        )}
      </Toolbar>
      {error && <RefusalView refusal={refusalOf(error)} />}
      <DataTable
        label={t(common.reservedAddresses)}
        columns={columns}
        rows={rows}
        idOf={({ id }) => id}
        nameOf={({ address }) => address}
        selection={{ ids: new Set(chosen.map(({ id }) => id)), onChange: select }}
        empty={
          isNarrowed ? (
            <Empty>
              <p>{t(words.noneFound)}</p>
              <Button onPress={() => void navigate('/reserved-addresses', { replace: true })}>
                {t(networkWords.clearFilters)}
              </Button>
            </Empty>
          ) : (
            <Empty>
              <p>{t(words.none)}</p>
              {reserve}
            </Empty>
          )
        }
      />
      {isReserving && <ReserveDialog onClose={() => setReserving(false)} />}
      {editing && <EditReservedDialog of={editing} onClose={() => edit(undefined)} />}
      {releasing && <ReleaseDialog addresses={releasing} onClose={() => release(undefined)} />}
    </Page>
  )
}

const matches = ({ id, name, address, description }: ReservedAddress, search: string): boolean => {
  const wanted = search.trim().toLowerCase()
  return [id, name.toLowerCase(), description.toLowerCase(), address].some((text) => text.includes(wanted))
}
