import { Play, RotateCw, Square } from 'lucide-react'
import { useState } from 'react'
import { type Nic, restartServer, type Server, startServer, stopServer } from '../../api/client.ts'
import { useJob } from '../../app/our-jobs.ts'
import { common } from '../../text/common.ts'
import { useText } from '../../text/language.tsx'
import { servers } from '../../text/servers.ts'
import { Button } from '../../ui/Button.tsx'
import { ConfirmDialog } from '../../ui/Dialog.tsx'
import { ActMenu } from '../../ui/page.tsx'
import { RefusalView } from '../../ui/Refusal.tsx'
import { DeleteServer } from './DeleteServer.tsx'
import { JoinNetwork, LeaveNetwork } from './JoinNetwork.tsx'
import { DhcpOptions, EditServer, ResizeServer } from './ServerForms.tsx'
import { useWhyNot } from './why-not.ts'

type Open = 'edit' | 'resize' | 'join' | 'leave' | 'dhcp' | 'force' | 'delete'

/** What can be done with a server, at the head of its page. */
export function useServerActs(server: Server, nics: readonly Nic[]) {
  const t = useText()
  const whyNot = useWhyNot()
  const [open, setOpen] = useState<Open>()
  const start = useJob<void>((_, options) => startServer(server.id, {}, options))
  const stop = useJob<void>((_, options) => stopServer(server.id, {}, options))
  const cut = useJob<void>((_, options) => stopServer(server.id, { force: true }, options))
  const restart = useJob<void>((_, options) => restartServer(server.id, {}, options))
  const refusal = start.refusal ?? stop.refusal ?? restart.refusal
  const power = (act: () => Promise<unknown>) => () => {
    for (const each of [start, stop, restart]) each.reset()
    void act()
  }
  const close = () => setOpen(undefined)
  const why = (act: Parameters<typeof whyNot>[1]) => whyNot(server, act)
  const opens = (dialog: Open) => () => setOpen(dialog)

  const buttons = (
    <>
      <Button
        icon={<Play size={16} aria-hidden />}
        why={why('start')}
        isPending={start.isRunning}
        onPress={power(() => start.run())}
      >
        {t(servers.start)}
      </Button>
      <Button
        icon={<Square size={16} aria-hidden />}
        why={why('stop')}
        isPending={stop.isRunning}
        onPress={power(() => stop.run())}
      >
        {t(servers.stop)}
      </Button>
      <Button
        icon={<RotateCw size={16} aria-hidden />}
        why={why('restart')}
        isPending={restart.isRunning}
        onPress={power(() => restart.run())}
      >
        {t(servers.restart)}
      </Button>
      <ActMenu
        acts={[
          { id: 'edit', label: t(common.edit), why: why('edit'), onAction: opens('edit') },
          { id: 'resize', label: t(servers.resize), why: why('resize'), onAction: opens('resize') },
          { id: 'join', label: t(servers.join), why: why('change'), onAction: opens('join') },
          {
            id: 'leave',
            label: t(servers.leave),
            why: why('change') ?? (nics.length === 0 ? t(servers.noneJoined) : undefined),
            onAction: opens('leave'),
          },
          { id: 'dhcp', label: t(servers.dhcpOptions), why: why('edit'), onAction: opens('dhcp') },
          {
            id: 'force',
            label: t(servers.forceStop),
            why: why('stop'),
            isBad: true,
            onAction: opens('force'),
          },
          { id: 'delete', label: t(servers.delete), why: why('delete'), isBad: true, onAction: opens('delete') },
        ]}
      />
    </>
  )
  const dialogs = (
    <>
      {refusal && <RefusalView refusal={refusal} />}
      {open === 'edit' && <EditServer server={server} onClose={close} />}
      {open === 'resize' && <ResizeServer server={server} onClose={close} />}
      {open === 'join' && <JoinNetwork server={server} why={why('change')} onClose={close} />}
      {open === 'leave' && <LeaveNetwork server={server} nics={nics} why={why('change')} onClose={close} />}
      {open === 'dhcp' && <DhcpOptions server={server} onClose={close} />}
      {open === 'force' && (
        <ConfirmDialog title={t(servers.forceStop)} confirm={t(servers.forceStop)} act={cut} onClose={close}>
          <p>{t(servers.forceLoses, { name: server.name })}</p>
        </ConfirmDialog>
      )}
      {open === 'delete' && <DeleteServer server={server} nics={nics} onClose={close} />}
    </>
  )
  return { buttons, dialogs }
}
