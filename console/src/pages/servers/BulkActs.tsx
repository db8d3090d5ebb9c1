import { type ReactNode, useState } from 'react'
import { type ActOptions, ifUnchanged } from '../../api/act.ts'
import { deleteServer, type Job, type Server, startServer, stopServer } from '../../api/client.ts'
import { useJobs } from '../../app/our-jobs.ts'
import { common } from '../../text/common.ts'
import { useText } from '../../text/language.tsx'
import { servers as words } from '../../text/servers.ts'
import { Button } from '../../ui/Button.tsx'
import { ConfirmDialog } from '../../ui/Dialog.tsx'
import { each } from '../nics/each.ts'
import { WhatIsLost } from './DeleteServer.tsx'
import styles from './servers.module.css'
import { useCardsOf } from './use-cards.ts'
import { type ServerAct, useWhyNot } from './why-not.ts'

interface BulkActsProps {
  readonly selected: readonly Server[]
  /** Something was done with all of them. */
  readonly onDone: () => void
}

type Doing = { readonly act: 'start' | 'stop' | 'delete'; readonly servers: readonly Server[] }

const ACTS: Readonly<Record<Doing['act'], (server: Server, options: ActOptions) => Promise<Job>>> = {
  start: ({ id }, options) => startServer(id, {}, options),
  stop: ({ id }, options) => stopServer(id, {}, options),
  delete: (server, options) => deleteServer(server.id, {}, {}, ifUnchanged(server, options)),
}

/** What is done with the selected servers: with those of them that it can be done with. */
export function BulkActs({ selected, onDone }: BulkActsProps) {
  const t = useText()
  const whyNot = useWhyNot()
  const [doing, begin] = useState<Doing>()
  const able = (act: ServerAct) => selected.filter((server) => whyNot(server, act) === undefined)
  const why = (act: ServerAct) =>
    selected.length === 0
      ? t(words.selectFirst)
      : able(act).length > 0
        ? undefined
        : selected.length === 1 && selected[0]
          ? whyNot(selected[0], act)
          : t(words.noneFits)
  const button = (act: Doing['act'], label: string): ReactNode => (
    <Button isSmall why={why(act)} onPress={() => begin({ act, servers: able(act) })}>
      {label}
    </Button>
  )
  return (
    <div className={styles.acts}>
      {button('start', t(words.start))}
      {button('stop', t(words.stop))}
      {button('delete', t(common.delete))}
      {doing && <Confirm {...doing} onClose={() => begin(undefined)} onDone={onDone} />}
    </div>
  )
}

interface ConfirmProps extends Doing {
  readonly onClose: () => void
  readonly onDone: () => void
}

function Confirm({ act: what, servers, onClose, onDone }: ConfirmProps) {
  const t = useText()
  const count = servers.length
  const act = useJobs<void>((_, options) => each(servers, ACTS[what], options))
  const title = t({ start: words.startMany, stop: words.stopMany, delete: words.deleteMany }[what], { count })
  return (
    <ConfirmDialog
      title={title}
      confirm={title}
      act={act}
      onClose={onClose}
      onDone={() => {
        onDone()
        onClose()
      }}
    >
      {what === 'delete' ? (
        <ul className={styles.losses}>
          {servers.map((server) => (
            <Loss key={server.id} server={server} />
          ))}
        </ul>
      ) : (
        <p>{servers.map(({ name }) => name).join(', ')}</p>
      )}
    </ConfirmDialog>
  )
}

function Loss({ server }: { server: Server }) {
  const nics = useCardsOf(server.id)
  return (
    <li>
      <WhatIsLost server={server} nics={nics ?? []} />
    </li>
  )
}
