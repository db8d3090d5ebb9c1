import { useState } from 'react'
import type { Nic } from '../../api/client.ts'
import { useLacks } from '../../api/session.tsx'
import { common } from '../../text/common.ts'
import { useText } from '../../text/language.tsx'
import { nics as words } from '../../text/nics.ts'
import { Button } from '../../ui/Button.tsx'
import { AssignDialog } from './AssignDialog.tsx'
import { DeleteNicsDialog } from './DeleteNicsDialog.tsx'
import { DetachDialog } from './DetachDialog.tsx'
import styles from './nics.module.css'
import { TagNicsDialog } from './TagNicsDialog.tsx'
import { useWhyNot } from './why-not.ts'

type What = 'assign' | 'detach' | 'tag' | 'delete'

interface BulkActsProps {
  readonly selected: readonly Nic[]
  /** Something was done with all of them. */
  readonly onDone: () => void
}

/** What is done with the selected NICs. */
export function BulkActs({ selected, onDone }: BulkActsProps) {
  const t = useText()
  const lacks = useLacks()
  const whyNot = useWhyNot()
  const [doing, begin] = useState<{ what: What; nics: readonly Nic[] }>()
  const why = lacks('operator') ?? (selected.length === 0 ? t(words.selectFirst) : undefined)
  const start = (what: What) => begin({ what, nics: selected })
  const dialog = { nics: doing?.nics ?? [], onClose: () => begin(undefined), onDone }
  return (
    <div className={styles.acts}>
      <Button isSmall why={why ?? whyNot.assign(selected)} onPress={() => start('assign')}>
        {t(common.attach)}
      </Button>
      <Button isSmall why={why ?? whyNot.detach(selected)} onPress={() => start('detach')}>
        {t(common.detach)}
      </Button>
      <Button isSmall why={why} onPress={() => start('tag')}>
        {t(common.tags)}
      </Button>
      <Button isSmall why={why ?? whyNot.delete(selected)} onPress={() => start('delete')}>
        {t(common.delete)}
      </Button>
      {doing?.what === 'assign' && (
        <AssignDialog nicIds={dialog.nics.map(({ id }) => id)} onClose={dialog.onClose} onDone={onDone} />
      )}
      {doing?.what === 'detach' && <DetachDialog {...dialog} />}
      {doing?.what === 'tag' && <TagNicsDialog {...dialog} />}
      {doing?.what === 'delete' && <DeleteNicsDialog {...dialog} />}
    </div>
  )
}
