import { useDeferredValue, useMemo, useRef, useState } from 'react'
import { useDrop } from 'react-aria/useDrop'
import type { Nic, Server } from '../../api/client.ts'
import { networksQuery, useById } from '../../api/queries.ts'
import { useLacks } from '../../api/session.tsx'
import { common } from '../../text/common.ts'
import { useText } from '../../text/language.tsx'
import { problems } from '../../text/problems.ts'
import { servers } from '../../text/servers.ts'
import { nicStates, serverStates } from '../../text/states.ts'
import { Button } from '../../ui/Button.tsx'
import { RefusalView } from '../../ui/Refusal.tsx'
import { CardMenu } from './CardMenu.tsx'
import { JoinNetwork } from './JoinNetwork.tsx'
import { nicName } from './nic-name.ts'
import { PlugDialog } from './PlugDialog.tsx'
import { Face, FREE_NIC, Port, type PortActs } from './Port.tsx'
import styles from './patch-panel.module.css'
import { SlotCard, useShownSlot } from './SlotCard.tsx'
import { cableHue, SLOT_NUMBERS, SLOTS, takesCards } from './slots.ts'
import { Tray } from './Tray.tsx'
import { usePlugging } from './use-plugging.ts'
import { ANYWHERE, type Dragged, type Place, restingWords, TRAY, whatHappens } from './what-happens.ts'

/** The slots of a server as the ports of a patch panel, beside the NICs that are free to be plugged in. */
export function PatchPanel({ server, nics }: { server: Server; nics: readonly Nic[] }) {
  const t = useText()
  const lacks = useLacks()
  const networks = useById(networksQuery())
  const [search, setSearch] = useState('')
  const { slots, free, refused, forgive, plug, unplug } = usePlugging(server, nics, useDeferredValue(search.trim()))
  const [opened, setOpened] = useState<number>()
  const [dragged, setDragged] = useState<Dragged>()
  const [place, setPlace] = useState<Place>()
  const shown = useShownSlot(dragged !== undefined || opened !== undefined)
  const why =
    lacks('operator') ?? (takesCards(server) ? undefined : t(servers.isNow, { state: t(serverStates[server.state]) }))

  const hues = useMemo(
    () => new Map([...new Set(nics.map((nic) => nic.network_id))].sort().map((id, i) => [id, cableHue(i)])),
    [nics],
  )
  const dropOn = (where: number | undefined) => {
    if (dragged && !dragged.isPlugged) plug(dragged.nic, where)
  }
  const acts: PortActs = {
    open: (slot) => setOpened(slot),
    lift: (nic) => setDragged({ nic, isPlugged: true }),
    letGo: () => {
      setDragged(undefined)
      setPlace(undefined)
    },
    over: (slot) => setPlace(slot),
    drop: dropOn,
  }
  const latest = useRef(acts)
  latest.current = acts
  const steady = useMemo<PortActs>(
    () => ({
      open: (slot) => latest.current.open(slot),
      lift: (nic) => latest.current.lift(nic),
      letGo: () => latest.current.letGo(),
      over: (slot) => latest.current.over(slot),
      drop: (slot) => latest.current.drop(slot),
    }),
    [],
  )
  const Slot = useDeferredValue(Port, Face)
  const chassis = useRef<HTMLFieldSetElement>(null)
  const { dropProps, isDropTarget } = useDrop({
    ref: chassis,
    getDropOperation: (types) => (why === undefined && types.has(FREE_NIC) ? 'move' : 'cancel'),
    onDropEnter: () => setPlace(ANYWHERE),
    onDrop: () => dropOn(undefined),
  })

  /** Why a plugged card is not taken out. */
  const whyStays = (nic: Nic): string | undefined =>
    why ?? (nic.primary ? t(problems.nic_primary) : nic.state === 'in_use' ? undefined : t(problems.nic_busy))
  const labelOf = (slot: number, nic: Nic | undefined): string =>
    nic
      ? t(servers.slotUsed, {
          slot: String(slot),
          nic: nicName(nic),
          address: nic.address ?? t(servers.noAddress),
          network: networks.get(nic.network_id)?.name ?? nic.network_id,
          state: t(nicStates[nic.state]),
        })
      : t(slot === 0 ? servers.slotPrimary : servers.slotFree, { slot: String(slot) })
  const inOpened = opened === undefined ? undefined : slots.get(opened)
  const portOf = (slot: number): HTMLElement | null =>
    chassis.current?.querySelector<HTMLElement>(`[data-slot-number="${slot}"]`) ?? null

  return (
    <section className={styles.bay} aria-label={t(servers.patchPanel)}>
      <div className={styles.main}>
        <fieldset
          {...dropProps}
          ref={chassis}
          className={styles.chassis}
          aria-label={t(servers.anySlot)}
          tabIndex={-1}
          data-power={server.state === 'running' || undefined}
          data-target={isDropTarget || undefined}
          data-carries={dragged && (dragged.isPlugged ? 'plugged' : 'free')}
          {...shown.handlers}
        >
          <div className={styles.plate}>
            <span className={styles.led} data-on={server.state === 'running' || undefined} />
            <span className={styles.plateName}>{server.name}</span>
            <span className={styles.count}>{t(servers.panelUsed, { count: slots.size, total: SLOTS })}</span>
          </div>
          <div className={styles.groups}>
            {GROUPS.map((group) => (
              <div key={group[0]} className={styles.group}>
                {group.map((slot) => {
                  const nic = slots.get(slot)
                  return (
                    <Slot
                      key={slot}
                      slot={slot}
                      nic={nic}
                      label={labelOf(slot, nic)}
                      hue={nic && hues.get(nic.network_id)}
                      takes={why === undefined && !nic && slot > 0}
                      lets={nic !== undefined && whyStays(nic) === undefined}
                      acts={steady}
                    />
                  )
                })}
              </div>
            ))}
          </div>
          <SlotCard
            shown={shown.slot}
            portOf={portOf}
            nic={shown.slot === undefined ? undefined : slots.get(shown.slot)}
            network={networks.get(slots.get(shown.slot ?? -1)?.network_id ?? '')}
            lets={(nic) => whyStays(nic) === undefined}
          />
        </fieldset>
        <p className={styles.status} role="status">
          {dragged ? whatHappens(t, { dragged, place, slots }) : (why ?? t(restingWords(server)))}
        </p>
        {refused && (
          <div className={styles.refused}>
            <p>{t(servers.isRefused, { nic: nicName(refused.nic) })}</p>
            <RefusalView refusal={refused.refusal} />
            <Button isSmall onPress={forgive}>
              {t(common.close)}
            </Button>
          </div>
        )}
        <Legend networks={[...hues].map(([id, hue]) => [networks.get(id)?.name ?? id, hue] as const)} />
      </div>
      <Tray
        free={free}
        networks={networks}
        near={hues}
        search={search}
        onSearch={setSearch}
        why={why}
        onLift={(nic) => setDragged({ nic, isPlugged: false })}
        onLetGo={acts.letGo}
        awaits={dragged?.isPlugged === true}
        onEnter={() => setPlace(TRAY)}
        onDrop={() => {
          if (dragged?.isPlugged) unplug(dragged.nic)
          // The port of a card that leaves drags nothing, and may not hear any more that the drag is over.
          acts.letGo()
        }}
      />
      {opened !== undefined && inOpened && (
        <CardMenu
          nic={inOpened}
          port={portOf(opened)}
          why={whyStays(inOpened)}
          onDetach={(force) => unplug(inOpened, force)}
          onClose={() => setOpened(undefined)}
        />
      )}
      {opened !== undefined && !inOpened && opened > 0 && (
        <PlugDialog server={server} slot={opened} why={why} onClose={() => setOpened(undefined)} />
      )}
      {opened === 0 && !inOpened && <JoinNetwork server={server} why={why} onClose={() => setOpened(undefined)} />}
    </section>
  )
}

const IN_GROUP = 8
const GROUPS = Array.from({ length: SLOTS / IN_GROUP }, (_, group) =>
  SLOT_NUMBERS.slice(group * IN_GROUP, (group + 1) * IN_GROUP),
)
const MOST_NETWORKS = 6

/** What the lights mean, and whose cable has which colour. */
function Legend({ networks }: { networks: readonly (readonly [name: string, hue: number])[] }) {
  const t = useText()
  const lights = [
    ['free', servers.free],
    ['in_use', nicStates.in_use],
    ['busy', servers.changing],
    ['failed', servers.failed],
  ] as const
  return (
    <ul className={styles.legend}>
      {lights.map(([look, words]) => (
        <li key={look}>
          <span className={styles.lamp} data-look={look} />
          {t(words)}
        </li>
      ))}
      {networks.slice(0, MOST_NETWORKS).map(([name, hue]) => (
        <li key={name}>
          <span className={styles.cable} style={{ '--hue': hue } as React.CSSProperties} />
          {name}
        </li>
      ))}
    </ul>
  )
}
