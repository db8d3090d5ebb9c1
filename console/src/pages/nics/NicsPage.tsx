import { Plus } from 'lucide-react'
import { useMemo, useState } from 'react'
import { useSearchParams } from 'react-router'
import { refusalOf } from '../../api/refusal.ts'
import { useLacks } from '../../api/session.tsx'
import { common } from '../../text/common.ts'
import { useText } from '../../text/language.tsx'
import { nics as words } from '../../text/nics.ts'
import { Button } from '../../ui/Button.tsx'
import { DataTable } from '../../ui/DataTable.tsx'
import { Empty, Page } from '../../ui/page.tsx'
import { RefusalView } from '../../ui/Refusal.tsx'
import { BulkActs } from './BulkActs.tsx'
import { CreateNicsDialog } from './CreateNicsDialog.tsx'
import { NicFilters } from './NicFilters.tsx'
import { useNicColumns } from './nic-columns.tsx'
import { useNicList } from './use-nic-list.ts'

const NONE: ReadonlySet<string> = new Set()

export default function NicsPage() {
  const t = useText()
  const lacks = useLacks()
  const list = useNicList()
  const columns = useNicColumns()
  const [params, setParams] = useSearchParams()
  const [wanted, select] = useState(NONE)
  const { rows } = list
  // Of what was selected, those that are in the list: others are deleted, or filtered out, or not read yet.
  const selected = useMemo(
    () => (wanted.size === 0 ? [] : (rows ?? []).filter(({ id }) => wanted.has(id))),
    [rows, wanted],
  )
  const ids = useMemo(() => new Set(selected.map(({ id }) => id)), [selected])

  const isCreating = params.get('create') !== null && lacks('operator') === undefined
  const create = (is: boolean) =>
    setParams(
      (now) => {
        const next = new URLSearchParams(now)
        is ? next.set('create', '1') : next.delete('create')
        return next
      },
      { replace: true },
    )
  const createButton = (
    <Button look="primary" icon={<Plus size={16} aria-hidden />} why={lacks('operator')} onPress={() => create(true)}>
      {t(words.create)}
    </Button>
  )
  return (
    <Page title={t(common.nics)} actions={createButton}>
      <NicFilters list={list} />
      <BulkActs selected={selected} onDone={() => select(NONE)} />
      {list.error && <RefusalView refusal={refusalOf(list.error)} />}
      <DataTable
        label={t(common.nics)}
        columns={columns}
        rows={rows}
        idOf={({ id }) => id}
        nameOf={({ id, name }) => name || id}
        selection={{ ids, onChange: select }}
        sort={list.sort}
        onSort={list.onSort}
        hasMore={list.hasMore}
        onEnd={list.readOn}
        empty={
          <Empty>
            {list.isFiltered ? (
              <>
                <p>{t(common.nothingFound)}</p>
                <Button onPress={list.showAll}>{t(words.showAll)}</Button>
              </>
            ) : (
              <>
                <p>{t(words.noNics)}</p>
                {createButton}
              </>
            )}
          </Empty>
        }
      />
      {isCreating && (
        <CreateNicsDialog
          networkId={params.get('network') ?? undefined}
          onClose={() => create(false)}
          onDone={(made) => {
            // The whole list, newest first: they are on top of it, and what is done with them is one click away.
            list.showAll()
            select(new Set(made.map(({ id }) => id)))
          }}
        />
      )}
    </Page>
  )
}
