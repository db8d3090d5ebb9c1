import { useVirtualizer } from '@tanstack/react-virtual'
import { ArrowDown, ArrowUp, ChevronsUpDown } from 'lucide-react'
import { memo, type ReactNode, useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react'
import { common } from '../text/common.ts'
import { useText, useWords } from '../text/language.tsx'
import { LOCALE } from '../text/text.ts'
import { Checkbox } from './fields.tsx'
import styles from './table.module.css'

export interface Column<T> {
  readonly id: string
  readonly header: string
  readonly cell: (row: T) => ReactNode
  /** Of CSS grid tracks. By default it takes its share of what is left. */
  readonly width?: string
  /** What rows are sorted by here; for tables that the service sorts it only says that one may. */
  readonly sortBy?: (row: T) => string | number
  readonly isEnd?: boolean
}

export interface Sort {
  readonly column: string
  readonly isDescending: boolean
}

export interface DataTableProps<T> {
  /** What a screen reader calls the table. */
  readonly label: string
  readonly columns: readonly Column<T>[]
  /** `undefined` while they are being read. */
  readonly rows: readonly T[] | undefined
  readonly idOf: (row: T) => string
  /** What a row is called, for its checkbox. */
  readonly nameOf: (row: T) => string
  readonly selection?: { readonly ids: ReadonlySet<string>; readonly onChange: (ids: ReadonlySet<string>) => void }
  /** Given when the service sorts. */
  readonly sort?: Sort
  readonly onSort?: (sort: Sort) => void
  readonly firstSort?: Sort
  /** There are more rows than these; called when the reader comes near the end. */
  readonly hasMore?: boolean
  readonly onEnd?: () => void
  /** Instead of rows when there are none. */
  readonly empty?: ReactNode
}

const ROW_HEIGHT = 44
const ROWS_AHEAD = 20

/** A table of any length: only the rows in sight are in the document. */
export function DataTable<T>(props: DataTableProps<T>) {
  const { label, columns, idOf, nameOf, selection, hasMore = false, onEnd, empty } = props
  const t = useText()
  const { rows, sort, setSort } = useSorted(props)
  const scroller = useRef<HTMLDivElement>(null)
  const latest = useRef({ idOf, selection })
  useLayoutEffect(() => {
    latest.current = { idOf, selection }
  })
  const toggle = useCallback((id: string) => {
    const { selection: now } = latest.current
    now?.onChange(toggled(now.ids, id))
  }, [])
  const virtual = useVirtualizer({
    count: rows?.length ?? 0,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 12,
    // The same for the same rows: with another all of them are measured anew, and there may be ten thousand.
    getItemKey: useCallback(
      (index: number) => (rows?.[index] === undefined ? index : latest.current.idOf(rows[index])),
      [rows],
    ),
  })
  const seen = virtual.getVirtualItems()
  const last = seen.at(-1)?.index ?? 0
  useEffect(() => {
    if (hasMore && rows && last >= rows.length - ROWS_AHEAD) onEnd?.()
  }, [hasMore, last, rows, onEnd])

  const tracks = columns.map(({ width }) => width ?? 'minmax(120px, 1fr)').join(' ')
  const grid = { '--columns': selection ? `38px ${tracks}` : tracks } as React.CSSProperties
  const count = rows?.length ?? 0
  return (
    <div className={styles.frame} style={grid}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reachable by keyboard */}
      <section className={styles.scroll} ref={scroller} tabIndex={0} aria-label={label}>
        <table className={styles.table} aria-label={label} aria-rowcount={hasMore ? -1 : count + 1}>
          <thead className={styles.head}>
            <tr className={styles.row} aria-rowindex={1}>
              {selection && (
                <th scope="col" className={`${styles.cell} ${styles.check}`}>
                  <Checkbox
                    label={t(common.selectAll)}
                    isSelected={count > 0 && selection.ids.size >= count}
                    isIndeterminate={selection.ids.size > 0 && selection.ids.size < count}
                    onChange={(isAll) => selection.onChange(new Set(isAll ? rows?.map(idOf) : []))}
                  />
                </th>
              )}
              {columns.map((column) => (
                <HeaderCell key={column.id} column={column} sort={sort} onSort={setSort} />
              ))}
            </tr>
          </thead>
          {/* Rows follow one another below what is out of sight: with a place of its own in its style, each would cost the
              browser five times as much, for it could not be styled as the one before. */}
          <tbody className={styles.body} style={{ height: virtual.getTotalSize(), paddingTop: seen[0]?.start ?? 0 }}>
            {seen.map(({ index, key }) => {
              const row = rows?.[index]
              if (row === undefined) return null
              const id = idOf(row)
              return (
                <BodyRow
                  key={key}
                  row={row}
                  columns={columns as readonly Column<unknown>[]}
                  number={index + 2}
                  id={id}
                  name={selection && nameOf(row)}
                  isSelected={selection?.ids.has(id) ?? false}
                  onToggle={toggle}
                />
              )
            })}
          </tbody>
        </table>
        {rows === undefined && <div className={styles.empty}>{t(common.loading)}</div>}
        {rows?.length === 0 && <div className={styles.empty}>{empty ?? t(common.nothingHere)}</div>}
      </section>
      {count > 0 && (
        <div className={styles.foot}>
          <span>{t(hasMore ? common.shownOfMore : common.shown, { count })}</span>
          {selection && selection.ids.size > 0 && <span>{t(common.selected, { count: selection.ids.size })}</span>}
        </div>
      )}
    </div>
  )
}

interface BodyRowProps {
  readonly row: unknown
  readonly columns: readonly Column<unknown>[]
  /** Of the table's, with its header. */
  readonly number: number
  readonly id: string
  /** For its checkbox; without one it has none. */
  readonly name: string | undefined
  readonly isSelected: boolean
  readonly onToggle: (id: string) => void
}

/** Is drawn again only when something of it has changed, and not when others come into sight. */
const BodyRow = memo(({ row, columns, number, id, name, isSelected, onToggle }: BodyRowProps) => {
  const t = useText()
  return (
    <tr className={styles.row} aria-rowindex={number} data-selected={isSelected || undefined}>
      {name !== undefined && (
        <td className={`${styles.cell} ${styles.check}`}>
          {/* Not our `Checkbox`, which costs as much as all the rest of a row. */}
          <input
            type="checkbox"
            className={styles.box}
            aria-label={t(common.selectRow, { name })}
            checked={isSelected}
            onChange={() => onToggle(id)}
          />
        </td>
      )}
      {columns.map((column) => (
        <td key={column.id} className={cellClass(column)}>
          {column.cell(row)}
        </td>
      ))}
    </tr>
  )
})

const cellClass = (column: { readonly isEnd?: boolean }) =>
  column.isEnd ? `${styles.cell} ${styles.end}` : styles.cell

function toggled(ids: ReadonlySet<string>, id: string): ReadonlySet<string> {
  const next = new Set(ids)
  if (!next.delete(id)) next.add(id)
  return next
}

interface HeaderCellProps<T> {
  readonly column: Column<T>
  readonly sort: Sort | undefined
  readonly onSort: (sort: Sort) => void
}

function HeaderCell<T>({ column, sort, onSort }: HeaderCellProps<T>) {
  const t = useText()
  const isSorted = sort?.column === column.id
  if (!column.sortBy) {
    return (
      <th scope="col" className={cellClass(column)}>
        {column.header}
      </th>
    )
  }
  const Arrow = isSorted ? (sort.isDescending ? ArrowDown : ArrowUp) : ChevronsUpDown
  return (
    <th
      scope="col"
      className={cellClass(column)}
      aria-sort={isSorted ? (sort.isDescending ? 'descending' : 'ascending') : 'none'}
    >
      <button
        type="button"
        className={styles.sort}
        title={t(common.sortBy, { name: column.header })}
        onClick={() => onSort({ column: column.id, isDescending: isSorted && !sort.isDescending })}
      >
        {column.header}
        <Arrow size={13} aria-hidden />
      </button>
    </th>
  )
}

/** Sorts here what the service does not sort. */
function useSorted<T>({ columns, rows, sort: given, onSort, firstSort }: DataTableProps<T>) {
  const { language } = useWords()
  const [own, setOwn] = useState(firstSort)
  const sort = onSort ? given : own
  const sorted = useMemo(() => {
    const sortBy = columns.find(({ id }) => id === sort?.column)?.sortBy
    if (!rows || onSort || !sort || !sortBy) return rows
    const { compare } = new Intl.Collator(LOCALE[language], { numeric: true })
    const sign = sort.isDescending ? -1 : 1
    return rows
      .map((row) => ({ row, value: sortBy(row) }))
      .sort((a, b) =>
        typeof a.value === 'number' && typeof b.value === 'number'
          ? sign * (a.value - b.value)
          : sign * compare(String(a.value), String(b.value)),
      )
      .map(({ row }) => row)
  }, [columns, rows, onSort, sort, language])
  return { rows: sorted, sort, setSort: onSort ?? setOwn }
}
