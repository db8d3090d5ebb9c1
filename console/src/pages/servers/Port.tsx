import { type HTMLAttributes, type KeyboardEvent, memo, type RefObject, useRef } from 'react'
import { mergeProps } from 'react-aria/mergeProps'
import { useDrag } from 'react-aria/useDrag'
import { useDrop } from 'react-aria/useDrop'
import type { Nic } from '../../api/client.ts'
import styles from './patch-panel.module.css'
import { lookOf } from './slots.ts'

/** What is carried, so that a slot takes only free NICs and the tray only plugged ones. */
export const FREE_NIC = 'application/x-patchbay-free-nic'
export const PLUGGED_NIC = 'application/x-patchbay-plugged-nic'

/** What ports tell their panel. It stays the same object, so that a port is drawn anew only when its card changes. */
export interface PortActs {
  readonly open: (slot: number) => void
  readonly lift: (nic: Nic) => void
  readonly letGo: () => void
  /** A card is held over it; `undefined`: no longer. */
  readonly over: (slot: number | undefined) => void
  readonly drop: (slot: number) => void
}

interface PortProps {
  readonly slot: number
  readonly nic: Nic | undefined
  /** What a screen reader says of it. */
  readonly label: string
  /** Of the cable, by network. */
  readonly hue: number | undefined
  readonly takes: boolean
  readonly lets: boolean
  readonly acts: PortActs
}

/**
 * A slot: a button that opens what can be done there, a place where a free NIC is dropped, and, with a card in it, what is
 * dragged off. Enter lifts a card, and so the menu of an occupied slot is opened by Space.
 */
export const Port = memo(function Port(props: PortProps) {
  const { slot, nic, takes, lets, acts } = props
  const ref = useRef<HTMLDivElement>(null)
  const { dropProps, isDropTarget } = useDrop({
    ref,
    // Those that take nothing are registered too: React Aria goes through them in the order they were registered in.
    getDropOperation: (types) => (takes && types.has(FREE_NIC) ? 'move' : 'cancel'),
    onDropEnter: () => acts.over(slot),
    onDrop: () => acts.drop(slot),
  })
  const { dragProps, isDragging } = useDrag({
    isDisabled: !nic || !lets,
    getItems: () => [{ [PLUGGED_NIC]: nic?.id ?? '', 'text/plain': nic?.id ?? '' }],
    getAllowedDropOperations: () => ['move'],
    onDragStart: () => nic && acts.lift(nic),
    onDragEnd: acts.letGo,
  })
  // Enter lifts a card. Its own pointer handlers would do so for the click of a screen reader, which is to open the menu.
  const { onPointerDown: _, onClick: __, ...drag } = dragProps
  return (
    <Face
      {...props}
      ref={ref}
      dragAndDrop={mergeProps(dropProps, drag)}
      isDropTarget={isDropTarget}
      isDragging={isDragging}
    />
  )
})

interface FaceProps extends PortProps {
  readonly ref?: RefObject<HTMLDivElement | null>
  readonly dragAndDrop?: HTMLAttributes<HTMLElement>
  readonly isDropTarget?: boolean
  readonly isDragging?: boolean
}

/** What is seen of a slot. Dragging costs more than all the rest, so that the first sight of a panel is without it. */
export const Face = memo(function Face({ slot, nic, label, hue, takes, acts, ref, ...props }: FaceProps) {
  // By hand, since `useButton` costs more than all the rest of a port, and there are 64 of them.
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== ' ' && event.key !== 'Enter') return
    event.preventDefault()
    acts.open(slot)
  }
  return (
    // biome-ignore lint/a11y/useSemanticElements: not every browser drags what is a button
    <div
      {...mergeProps(props.dragAndDrop ?? {}, { onClick: () => acts.open(slot), onKeyDown })}
      ref={ref}
      role="button"
      tabIndex={0}
      aria-label={label}
      aria-haspopup={nic ? 'menu' : 'dialog'}
      className={styles.port}
      data-slot-number={slot}
      data-look={nic ? lookOf(nic) : 'free'}
      data-primary={slot === 0 || undefined}
      data-takes={takes || undefined}
      data-target={props.isDropTarget || undefined}
      data-dragging={props.isDragging || undefined}
      style={hue === undefined ? undefined : ({ '--hue': hue } as React.CSSProperties)}
      // Before React Aria, which keeps it to itself: the panel tells why a slot takes nothing.
      onDragEnterCapture={() => acts.over(slot)}
    >
      <span className={styles.number}>{slot}</span>
      <span className={styles.jack} />
    </div>
  )
})
