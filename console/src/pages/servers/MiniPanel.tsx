import { memo } from 'react'
import type { Nic } from '../../api/client.ts'
import { useText } from '../../text/language.tsx'
import { servers } from '../../text/servers.ts'
import styles from './mini-panel.module.css'
import { lookOf, SLOT_NUMBERS, SLOTS, type SlotLook } from './slots.ts'

const PORT = 5
const STEP = PORT + 2
const IN_GROUP = 8
const GROUP_GAP = 3
const IN_ROW = SLOTS / 2
const WIDTH = IN_ROW * STEP - (STEP - PORT) + (IN_ROW / IN_GROUP - 1) * GROUP_GAP
const HEIGHT = STEP + PORT

const placeOf = (slot: number) => {
  const column = slot % IN_ROW
  return { x: column * STEP + Math.floor(column / IN_GROUP) * GROUP_GAP, y: slot < IN_ROW ? 0 : STEP }
}

/** All ports of one look as one shape: hundreds of panels are light then. */
const shapeOf = (slots: readonly number[]): string =>
  slots
    .map(placeOf)
    .map(({ x, y }) => `M${x} ${y}h${PORT}v${PORT}h-${PORT}z`)
    .join('')

interface MiniPanelProps {
  readonly nics: readonly Nic[]
  /** The server runs: otherwise its ports have no light. */
  readonly isOn: boolean
}

/** A patch panel to be seen from far: the state of every card of a server at a glance. */
export const MiniPanel = memo(function MiniPanel({ nics, isOn }: MiniPanelProps) {
  const t = useText()
  const looks = new Map(nics.flatMap((nic) => (nic.slot === null ? [] : [[nic.slot, lookOf(nic)] as const])))
  const slotsOf = (look: SlotLook) => SLOT_NUMBERS.filter((slot) => (looks.get(slot) ?? 'free') === look)
  const busy = slotsOf('busy')
  const failed = slotsOf('failed')
  const words = t(servers.miniPanel, { used: looks.size, busy: busy.length, failed: failed.length })
  return (
    <svg
      className={styles.panel}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      role="img"
      aria-label={words}
      data-on={isOn || undefined}
    >
      <path className={styles.free} d={shapeOf(slotsOf('free'))} />
      <path className={styles.in_use} d={shapeOf(slotsOf('in_use'))} />
      {busy.length > 0 && <path className={styles.busy} d={shapeOf(busy)} />}
      {failed.length > 0 && <path className={styles.failed} d={shapeOf(failed)} />}
    </svg>
  )
})
