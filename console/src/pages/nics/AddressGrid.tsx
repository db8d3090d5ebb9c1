import { type KeyboardEvent, type MouseEvent, memo, useLayoutEffect, useMemo, useRef, useState } from 'react'
import type { Network, Nic, ReservedAddress } from '../../api/client.ts'
import { serversQuery, useById } from '../../api/queries.ts'
import { common } from '../../text/common.ts'
import { useText } from '../../text/language.tsx'
import { nics as words } from '../../text/nics.ts'
import type { Text } from '../../text/text.ts'
import { Empty } from '../../ui/page.tsx'
import { type AddressCell, addressCells, type CellKind, toggled, withBetween } from './address-cells.ts'
import styles from './address-grid.module.css'

export interface AddressGridProps {
  readonly network: Pick<Network, 'name' | 'id' | 'cidr' | 'gateway' | 'address_range'>
  /** Of the network, as far as they have addresses. */
  readonly nics: readonly Nic[]
  readonly reserved: readonly ReservedAddress[]
  readonly chosen?: readonly string[]
  /** Given when free addresses can be chosen: with all that are chosen then. */
  readonly onChosen?: (addresses: readonly string[]) => void
  /** What Enter or a click on a cell does that is not chosen by it. */
  readonly onOpen?: (cell: AddressCell) => void
}

const NOTHING: readonly string[] = []
const KINDS: Readonly<Record<CellKind, Text>> = {
  free: words.free,
  used: words.used,
  reserved: words.reserved,
  gateway: words.gateway,
  dhcp: words.dhcp,
  outside: words.notGivenOut,
}

/** Every address of a network and who has it, in rows of as many as there is room for. One tab stop; arrow keys move in it. */
export function AddressGrid({ network, nics, reserved, chosen = NOTHING, onChosen, onOpen }: AddressGridProps) {
  const t = useText()
  const cells = useMemo(() => addressCells(network, nics, reserved), [network, nics, reserved])
  const describe = useDescription()
  const frame = useRef<HTMLDivElement>(null)
  const columns = useColumns(frame)
  const [focused, setFocused] = useState<number>()
  const [pointed, setPointed] = useState<number>()
  const lastToggled = useRef<number>(undefined)
  const isChosen = useMemo(() => new Set(chosen), [chosen])
  const tabStop =
    focused ??
    Math.max(
      0,
      cells.findIndex(({ kind }) => kind === 'free'),
    )

  const press = (index: number, isRange: boolean) => {
    const cell = cells[index]
    if (!cell) return
    if (onChosen && (cell.kind === 'free' || isChosen.has(cell.address))) {
      const from = lastToggled.current
      onChosen(isRange && from !== undefined ? withBetween(cells, chosen, from, index) : toggled(chosen, cell.address))
      lastToggled.current = index
    } else onOpen?.(cell)
  }
  const onKeyDown = (event: KeyboardEvent) => {
    const at = indexOf(event)
    if (at === undefined) return
    if (event.key === 'Enter' || event.key === ' ') press(at, event.shiftKey)
    else {
      const to = target(event, at, columns, cells.length)
      if (to === undefined) return
      setFocused(to)
      frame.current?.querySelector<HTMLElement>(`[data-index="${to}"]`)?.focus()
    }
    event.preventDefault()
  }
  if (cells.length === 0) return <Empty>{t(words.noAddresses)}</Empty>

  const shown = cells[pointed ?? focused ?? -1]
  const rows =
    columns === 0
      ? []
      : Array.from({ length: cells.length / columns }, (_, row) => cells.slice(row * columns, (row + 1) * columns))
  return (
    <div
      className={styles.frame}
      data-dense={columns === 32 || undefined}
      ref={frame}
      style={{ '--columns': columns } as React.CSSProperties}
    >
      {/* biome-ignore lint/a11y/useSemanticElements: no table; the cells are a grid to move in */}
      <div
        role="grid"
        className={styles.grid}
        aria-label={t(words.addressGrid, { network: network.name || network.id })}
        aria-multiselectable={onChosen ? true : undefined}
        onKeyDown={onKeyDown}
        onClick={(event) => {
          const index = indexOf(event)
          if (index !== undefined) press(index, event.shiftKey)
        }}
        onFocus={(event) => setFocused(indexOf(event))}
        onPointerOver={(event) => setPointed(indexOf(event))}
        onPointerLeave={() => setPointed(undefined)}
      >
        {rows.map((row, number) => (
          // biome-ignore lint/a11y/useSemanticElements: as the grid
          // biome-ignore lint/a11y/useFocusableInteractive: its cells have the focus
          <div role="row" className={styles.row} key={row[0]?.address ?? number}>
            {row.map((cell) => (
              <Cell
                key={cell.octet}
                index={cell.octet}
                kind={cell.kind}
                label={t(words.cellIs, { address: cell.address, words: describe(cell) })}
                isChosen={isChosen.has(cell.address)}
                canChoose={onChosen !== undefined && cell.kind === 'free'}
                isTabStop={cell.octet === tabStop}
              />
            ))}
          </div>
        ))}
      </div>
      <p className={styles.status}>
        {shown ? (
          <>
            <code>{shown.address}</code> {describe(shown)}
          </>
        ) : (
          onChosen && t(words.gridHint)
        )}
      </p>
      <Legend cells={cells} chosen={onChosen ? chosen.length : undefined} />
    </div>
  )
}

interface CellProps {
  readonly index: number
  readonly kind: CellKind
  readonly label: string
  readonly isChosen: boolean
  readonly canChoose: boolean
  readonly isTabStop: boolean
}
/** Of plain values, so that moving through the grid draws two cells and not all. */
const Cell = memo(({ index, kind, label, isChosen, canChoose, isTabStop }: CellProps) => (
  // biome-ignore lint/a11y/useSemanticElements: as the grid
  <div
    role="gridcell"
    className={styles.cell}
    data-index={index}
    data-kind={kind}
    data-chosen={isChosen || undefined}
    aria-label={label}
    aria-selected={canChoose || isChosen ? isChosen : undefined}
    tabIndex={isTabStop ? 0 : -1}
  >
    {index}
  </div>
))

function Legend({ cells, chosen }: { cells: readonly AddressCell[]; chosen: number | undefined }) {
  const t = useText()
  const count = (kind: CellKind) => cells.filter((cell) => cell.kind === kind).length
  return (
    <ul className={styles.legend}>
      {(['free', 'used', 'reserved', 'outside'] as const).map((kind) => (
        <li key={kind}>
          <span className={styles.sample} data-kind={kind} aria-hidden />
          {t(KINDS[kind])} {kind !== 'outside' && <b>{count(kind)}</b>}
        </li>
      ))}
      {chosen !== undefined && (
        <li>
          <span className={styles.sample} data-kind="free" data-chosen aria-hidden />
          {t(words.chosen)} <b>{chosen}</b>
        </li>
      )}
    </ul>
  )
}

/** Who has an address, in words. */
function useDescription(): (cell: AddressCell) => string {
  const t = useText()
  const servers = useById(serversQuery())
  return (cell) => {
    if (cell.kind === 'used') {
      const nic = cell.nic.name || cell.nic.id
      const server = servers.get(cell.nic.server_id ?? '')
      return server ? t(words.usedByOn, { nic, server: server.name || server.id }) : t(words.usedBy, { nic })
    }
    if (cell.kind === 'reserved') return t(words.reservedAs, { name: cell.reserved.name || t(common.unnamed) })
    return t(KINDS[cell.kind])
  }
}

const indexOf = ({ target: element }: { target: EventTarget } | MouseEvent): number | undefined => {
  const index = (element as HTMLElement).dataset.index
  return index === undefined ? undefined : Number(index)
}

/** Where a key leads in the grid; `undefined` when it is none of its keys. */
function target({ key, ctrlKey, metaKey }: KeyboardEvent, at: number, columns: number, count: number) {
  const isFar = ctrlKey || metaKey
  const row = at - (at % columns)
  const to = {
    ArrowRight: at + 1,
    ArrowLeft: at - 1,
    ArrowDown: at + columns,
    ArrowUp: at - columns,
    Home: isFar ? 0 : row,
    End: isFar ? count - 1 : row + columns - 1,
  }[key]
  return to === undefined ? undefined : to < 0 || to >= count ? at : to
}

/** As many in a row as there is room for, as powers of two; 0 until that is known, so that the cells are made once. */
function useColumns(frame: React.RefObject<HTMLDivElement | null>): number {
  const [columns, setColumns] = useState(0)
  useLayoutEffect(() => {
    const element = frame.current
    if (!element) return
    const measure = () => setColumns(element.clientWidth >= 760 ? 32 : element.clientWidth >= 440 ? 16 : 8)
    measure()
    const observer = new ResizeObserver(measure)
    observer.observe(element)
    return () => observer.disconnect()
  }, [frame])
  return columns
}
