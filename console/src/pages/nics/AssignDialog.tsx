import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { attachNic, attachNics, type Job, type Server } from '../../api/client.ts'
import { serversQuery } from '../../api/queries.ts'
import { useJob } from '../../app/our-jobs.ts'
import { common } from '../../text/common.ts'
import { useText } from '../../text/language.tsx'
import { nics as words } from '../../text/nics.ts'
import { problems } from '../../text/problems.ts'
import { serverStates } from '../../text/states.ts'
import { LinkButton } from '../../ui/Button.tsx'
import { FormDialog } from '../../ui/Dialog.tsx'
import { ComboBox, NumberField, type Option } from '../../ui/fields.tsx'
import { Empty } from '../../ui/page.tsx'
import { blaming } from './blaming.ts'

/** Of a server, the primary NIC's among them. */
const SLOTS = 64

interface AssignDialogProps {
  /** Of available NICs, up to 63. */
  readonly nicIds: readonly string[]
  /** Chosen before, and not to be chosen any more. */
  readonly serverId?: string
  /** Proposed, 1..63. */
  readonly slot?: number
  readonly onClose: () => void
  readonly onDone?: (job: Job) => void
}

/** Assigns NICs to a server, all or none. */
export function AssignDialog({ nicIds, serverId, slot: proposed, onClose, onDone }: AssignDialogProps) {
  const t = useText()
  const { data } = useQuery(serversQuery())
  const options = useServerOptions(data?.items ?? [], nicIds.length)
  const [picked, pick] = useState(serverId ?? null)
  const [slot, setSlot] = useState(proposed === undefined ? '' : String(proposed))
  const usable = options.filter(({ why }) => why === undefined)
  const server = picked ?? (usable.length === 1 ? (usable[0]?.id ?? null) : null)
  const [one = '', ...others] = nicIds

  const act = useJob((body: { server_id: string; slot?: number }, request) =>
    others.length === 0 ? attachNic(one, body, request) : attachNics(body.server_id, { nic_ids: [...nicIds] }, request),
  )
  return (
    <FormDialog
      title={t(words.assignTitle, { count: nicIds.length })}
      submit={t(words.assign)}
      act={blaming(act, { server_full: 'server_id', server_busy: 'server_id', server_terminated: 'server_id' })}
      values={() => ({ server_id: server ?? '', ...(slot.trim() !== '' && { slot: Number(slot) }) })}
      fields={['server_id', 'slot']}
      onClose={onClose}
      onDone={(job) => {
        onDone?.(job)
        onClose()
      }}
    >
      {data && options.length === 0 ? (
        <Empty>
          <p>{t(words.noServers)}</p>
          <LinkButton look="primary" to="/servers?create=1">
            {t(words.createServer)}
          </LinkButton>
        </Empty>
      ) : (
        <ComboBox
          label={t(common.server)}
          name="server_id"
          isRequired
          isDisabled={serverId !== undefined}
          options={options}
          value={server}
          onChange={pick}
        />
      )}
      {others.length === 0 && (
        <NumberField
          label={t(common.slot)}
          name="slot"
          hint={t(words.slotHint)}
          min={1}
          max={SLOTS - 1}
          value={slot}
          onChange={setSlot}
        />
      )}
    </FormDialog>
  )
}

/** The servers that NICs can be assigned to, and why not to the others. */
function useServerOptions(servers: readonly Server[], count: number): readonly Option[] {
  const t = useText()
  return servers
    .filter(({ state }) => state !== 'terminated')
    .map(({ id, name, state, nic_count }) => {
      const free = SLOTS - nic_count
      const isSteady = state === 'running' || state === 'stopped'
      return {
        id,
        label: name || id,
        hint: `${t(serverStates[state])} · ${t(words.freeSlots, { count: free })}`,
        why: !isSteady
          ? t(serverStates[state])
          : free === 0
            ? t(problems.server_full)
            : free < count
              ? t(words.freeSlots, { count: free })
              : undefined,
      }
    })
}
