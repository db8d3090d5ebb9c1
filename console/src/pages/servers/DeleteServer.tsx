import { ifUnchanged } from '../../api/act.ts'
import { deleteServer, type Nic, type Server } from '../../api/client.ts'
import { useJob } from '../../app/our-jobs.ts'
import { useText } from '../../text/language.tsx'
import { servers } from '../../text/servers.ts'
import { ConfirmDialog } from '../../ui/Dialog.tsx'

interface DeleteServerProps {
  /** As the user sees it. */
  readonly server: Server
  /** Its NICs. */
  readonly nics: readonly Nic[]
  readonly onClose: () => void
}

/** Asks before a server goes, and says what goes with it. */
export function DeleteServer({ server, nics, onClose }: DeleteServerProps) {
  const t = useText()
  const act = useJob<void>((_, options) => deleteServer(server.id, {}, {}, ifUnchanged(server, options)))
  return (
    <ConfirmDialog title={t(servers.delete)} confirm={t(servers.delete)} act={act} onClose={onClose}>
      <WhatIsLost server={server} nics={nics} />
    </ConfirmDialog>
  )
}

export function WhatIsLost({ server, nics }: Pick<DeleteServerProps, 'server' | 'nics'>) {
  const t = useText()
  const primary = nics.filter((nic) => nic.primary)
  const others = nics.length - primary.length
  const words = server.qmp_socket === null ? servers.deleteLoses : servers.deleteAdopted
  return (
    <>
      <p>{t(words, { name: server.name })}</p>
      {primary.map((nic) => (
        <p key={nic.id}>
          {t(servers.deletesCards)} <code>{nic.address ?? nic.id}</code>
        </p>
      ))}
      {others > 0 && <p>{t(servers.freesCards, { count: others })}</p>}
    </>
  )
}
