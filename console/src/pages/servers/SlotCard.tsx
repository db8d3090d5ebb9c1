import { type FocusEvent, type KeyboardEvent, type PointerEvent, useRef, useState } from 'react'
import type { Network, Nic } from '../../api/client.ts'
import { common } from '../../text/common.ts'
import { useText } from '../../text/language.tsx'
import { servers } from '../../text/servers.ts'
import { NicState } from '../../ui/Badge.tsx'
import { Facts } from '../../ui/page.tsx'
import styles from './patch-panel.module.css'

const WAIT_MS = 200

/** The card is a part of what is looked at. */
const isCard = (target: EventTarget): boolean => target instanceof Element && target.closest('[role=tooltip]') !== null

const slotAt = (target: EventTarget): number | undefined => {
  const port = target instanceof Element ? target.closest('[data-slot-number]') : null
  return port ? Number(port.getAttribute('data-slot-number')) : undefined
}

/** Which slot the pointer or the keyboard is at. One listener for the whole panel. */
export function useShownSlot(isQuiet: boolean) {
  const [slot, setSlot] = useState<number>()
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  const show = (next: number | undefined, waitMs: number) => {
    clearTimeout(timer.current)
    timer.current = setTimeout(() => setSlot(next), waitMs)
  }
  const handlers = {
    onPointerOver: (event: PointerEvent) => {
      if (isCard(event.target)) clearTimeout(timer.current)
      else if (event.pointerType === 'mouse') show(slotAt(event.target), slot === undefined ? WAIT_MS : 0)
    },
    onPointerLeave: () => show(undefined, WAIT_MS),
    onFocus: (event: FocusEvent) => {
      if (event.target.matches(':focus-visible')) show(slotAt(event.target), 0)
    },
    onBlur: () => show(undefined, 0),
    onKeyDownCapture: (event: KeyboardEvent) => {
      if (event.key === 'Escape') show(undefined, 0)
    },
  }
  return { slot: isQuiet ? undefined : slot, handlers }
}

interface SlotCardProps {
  readonly shown: number | undefined
  /** In a panel that is positioned, and that the card is in too. */
  readonly portOf: (slot: number) => HTMLElement | null
  readonly nic: Nic | undefined
  readonly network: Network | undefined
  readonly lets: (nic: Nic) => boolean
}

/** Who is in the slot one looks at. Screen readers hear the same as the port's label. */
export function SlotCard({ shown, portOf, nic, network, lets }: SlotCardProps) {
  const t = useText()
  const port = shown === undefined ? null : portOf(shown)
  if (!port || !nic) return null
  return (
    <div role="tooltip" className={styles.card} style={placeBeside(port)}>
      <div className={styles.cardHead}>
        <strong>{nic.name || t(common.unnamed)}</strong>
        <NicState nic={nic} />
      </div>
      <Facts
        facts={[
          [t(common.slot), nic.primary ? `${nic.slot} · ${t(servers.primary)}` : String(nic.slot)],
          [t(common.address), <code key="address">{nic.address ?? t(servers.noAddress)}</code>],
          [t(common.mac), <code key="mac">{nic.id}</code>],
          [t(common.network), network?.name ?? nic.network_id],
        ]}
      />
      {nic.last_error !== null && <p className={styles.wrong}>{nic.last_error}</p>}
      {lets(nic) && <p className="soft">{t(servers.keyHint)}</p>}
    </div>
  )
}

const WIDTH = 288
/** It has room above a port that is so far below the edge of the window. */
const MOST_HEIGHT = 230
const DISTANCE = 6

/** Above the upper ports and below the lower ones, so that it is in nobody’s way, and within the panel. */
function placeBeside(port: HTMLElement): React.CSSProperties {
  const panel = port.offsetParent
  const { clientWidth = 0, clientHeight = 0 } = panel ?? {}
  const middle = port.offsetLeft + port.offsetWidth / 2
  const left = Math.max(0, Math.min(middle - WIDTH / 2, clientWidth - WIDTH))
  const isUpper =
    port.offsetTop + port.offsetHeight / 2 < clientHeight / 2 && port.getBoundingClientRect().top > MOST_HEIGHT
  return {
    width: WIDTH,
    left,
    ...(isUpper
      ? { bottom: clientHeight - port.offsetTop + DISTANCE }
      : { top: port.offsetTop + port.offsetHeight + DISTANCE }),
  }
}
