import type { Server } from '../../api/client.ts'
import { useLacks } from '../../api/session.tsx'
import { useText } from '../../text/language.tsx'
import { problems } from '../../text/problems.ts'
import { servers } from '../../text/servers.ts'
import { serverStates } from '../../text/states.ts'
import { takesCards } from './slots.ts'

export type ServerAct = 'start' | 'stop' | 'restart' | 'resize' | 'change' | 'edit' | 'delete'

/** Why something cannot be done with a server now; `undefined` when it can. `change` is whatever a steady one allows,
 * `edit` what any one does. */
export function useWhyNot(): (server: Server, act: ServerAct) => string | undefined {
  const t = useText()
  const lacks = useLacks()
  return (server, act) => {
    const { state } = server
    if (lacks('operator')) return lacks('operator')
    if (state === 'terminated') return t(problems.server_terminated)
    const isPower = act === 'start' || act === 'stop' || act === 'restart'
    if (isPower && server.qmp_socket !== null) return t(problems.server_adopted)
    if (act !== 'edit' && !takesCards(server)) return t(servers.isNow, { state: t(serverStates[state]) })
    if (act === 'resize' && state !== 'stopped') return t(problems.server_not_stopped)
    if (act === 'start' && state === 'running') return t(servers.isAlready, { state: t(serverStates.running) })
    if (isPower && act !== 'start' && state === 'stopped') return t(problems.server_not_running)
    return undefined
  }
}
