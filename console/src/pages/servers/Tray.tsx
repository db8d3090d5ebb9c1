import { useVirtualizer } from '@tanstack/react-virtual'
import { GripVertical, Unplug } from 'lucide-react'
import { memo, useMemo, useRef } from 'react'
import { mergeProps } from 'react-aria/mergeProps'
import { useButton } from 'react-aria/useButton'
import { useDrag } from 'react-aria/useDrag'
import { useDrop } from 'react-aria/useDrop'
import type { Network, Nic } from '../../api/client.ts'
import { common } from '../../text/common.ts'
import { useText } from '../../text/language.tsx'
import { servers } from '../../text/servers.ts'
import { LinkButton } from '../../ui/Button.tsx'
import { SearchField } from '../../ui/fields.tsx'
import { nicName } from './nic-name.ts'
import { FREE_NIC, PLUGGED_NIC } from './Port.tsx'
import styles from './tray.module.css'
import { MOST_FREE } from './use-plugging.ts'

interface TrayProps {
  /** `undefined` while they are being read. */
  readonly free: readonly Nic[] | undefined
  readonly networks: ReadonlyMap<string, Network>
  /** Networks that the server is in: their NICs come first. */
  readonly near: ReadonlyMap<string, unknown>
  readonly search: string
  readonly onSearch: (search: string) => void
  /** Why nothing can be plugged in. */
  readonly why: string | undefined
  readonly onLift: (nic: Nic) => void
  readonly onLetGo: () => void
  /** A plugged card is carried somewhere. */
  readonly awaits: boolean
  /** A plugged card is held over it. */
  readonly onEnter: () => void
  readonly onDrop: () => void
}

type Row = { readonly network: string; readonly count: number } | { readonly nic: Nic }
const HEAD_HEIGHT = 32
const CARD_HEIGHT = 46

/** The NICs that are free to be plugged in, by network; a plugged one that is dropped here is taken out. */
export function Tray({
  free,
  networks,
  near,
  search,
  onSearch,
  why,
  onLift,
  onLetGo,
  awaits,
  onEnter,
  onDrop,
}: TrayProps) {
  const t = useText()
  const tray = useRef<HTMLFieldSetElement>(null)
  const scroller = useRef<HTMLDivElement>(null)
  const { dropProps, isDropTarget } = useDrop({
    ref: tray,
    getDropOperation: (types) => (types.has(PLUGGED_NIC) ? 'move' : 'cancel'),
    onDropEnter: onEnter,
    onDrop,
  })
  const rows = useMemo(() => rowsOf(free ?? [], networks, near), [free, networks, near])
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: (index) => ('nic' in (rows[index] ?? {}) ? CARD_HEIGHT : HEAD_HEIGHT),
    overscan: 8,
    getItemKey: (index) => {
      const row = rows[index]
      return row === undefined ? index : 'nic' in row ? row.nic.id : row.network
    },
  })
  return (
    <fieldset
      {...dropProps}
      ref={tray}
      className={styles.tray}
      aria-label={t(servers.freeNics)}
      tabIndex={-1}
      data-awaits={awaits || undefined}
      data-target={isDropTarget || undefined}
    >
      <div className={styles.head}>
        <h2>{t(servers.freeNics)}</h2>
        {free && <span className={styles.count}>{free.length}</span>}
      </div>
      <SearchField label={t(servers.searchFree)} value={search} onChange={onSearch} />
      <div className={styles.scroll} ref={scroller}>
        <div className={styles.rows} style={{ height: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map(({ index, key, start }) => {
            const row = rows[index]
            if (row === undefined) return null
            return (
              <div key={key} className={styles.row} style={{ transform: `translateY(${start}px)` }}>
                {'nic' in row ? (
                  <FreeCard nic={row.nic} why={why} onLift={onLift} onLetGo={onLetGo} />
                ) : (
                  <h3 className={styles.network}>
                    {row.network} <span className={styles.count}>{row.count}</span>
                  </h3>
                )}
              </div>
            )
          })}
        </div>
        {free === undefined && <p className={styles.empty}>{t(common.loading)}</p>}
        {free?.length === 0 && (
          <div className={styles.empty}>
            <p>{t(search === '' ? servers.noFreeNics : common.nothingFound)}</p>
            {search === '' && (
              <LinkButton to="/nics?create=1" isSmall>
                {t(servers.newNics)}
              </LinkButton>
            )}
          </div>
        )}
      </div>
      {free && free.length >= MOST_FREE && <p className={styles.note}>{t(servers.firstOnly, { count: MOST_FREE })}</p>}
      <div className={styles.unplug} aria-hidden>
        <Unplug size={20} />
        {t(isDropTarget ? servers.dropTray : servers.detachHere)}
      </div>
    </fieldset>
  )
}

interface FreeCardProps extends Pick<TrayProps, 'why' | 'onLift' | 'onLetGo'> {
  readonly nic: Nic
}

const FreeCard = memo(function FreeCard({ nic, why, onLift, onLetGo }: FreeCardProps) {
  const t = useText()
  const ref = useRef<HTMLDivElement>(null)
  const { dragProps, dragButtonProps, isDragging } = useDrag({
    hasDragButton: true,
    isDisabled: why !== undefined,
    getItems: () => [{ [FREE_NIC]: nic.id, 'text/plain': nic.id }],
    getAllowedDropOperations: () => ['move'],
    onDragStart: () => onLift(nic),
    onDragEnd: onLetGo,
  })
  const words = [nicName(nic), nic.name ? (nic.address ?? t(servers.noAddress)) : nic.id]
  const { buttonProps } = useButton({ ...dragButtonProps, elementType: 'div' }, ref)
  return (
    <div
      {...mergeProps(dragProps, buttonProps)}
      ref={ref}
      className={styles.card}
      data-dragging={isDragging || undefined}
      data-failed={nic.last_error !== null || undefined}
      aria-disabled={why !== undefined || undefined}
      title={why ?? nic.last_error ?? undefined}
    >
      <GripVertical size={14} aria-hidden />
      <span className={styles.name}>{words[0]}</span> <code className={styles.address}>{words[1]}</code>
    </div>
  )
})

function rowsOf(
  free: readonly Nic[],
  networks: ReadonlyMap<string, Network>,
  near: ReadonlyMap<string, unknown>,
): Row[] {
  const byNetwork = new Map<string, Nic[]>()
  for (const nic of free) {
    const there = byNetwork.get(nic.network_id)
    if (there) there.push(nic)
    else byNetwork.set(nic.network_id, [nic])
  }
  return [...byNetwork]
    .map(([id, nics]) => ({ network: networks.get(id)?.name ?? id, isNear: near.has(id), nics }))
    .sort((a, b) => Number(b.isNear) - Number(a.isNear) || a.network.localeCompare(b.network))
    .flatMap(({ network, nics }): Row[] => [
      { network, count: nics.length },
      ...nics.sort((a, b) => a.port - b.port).map((nic) => ({ nic })),
    ])
}
