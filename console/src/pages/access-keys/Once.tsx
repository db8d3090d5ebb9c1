import { CircleAlert } from 'lucide-react'
import { useState } from 'react'
import { accessKeys } from '../../text/access-keys.ts'
import { useText } from '../../text/language.tsx'
import { Button } from '../../ui/Button.tsx'
import { Dialog } from '../../ui/Dialog.tsx'
import dialog from '../../ui/dialog.module.css'
import { Copyable } from '../../ui/page.tsx'
import styles from './once.module.css'

export interface OnceItem {
  readonly label: string
  readonly text: string
}

interface OnceProps {
  readonly title: string
  readonly items: readonly OnceItem[]
  readonly onClose: () => void
}

/**
 * What is shown once and never again. It does not go by a click beside it, and neither by Escape or the cross alone: the
 * first of them warns.
 */
export function Once({ title, items, onClose }: OnceProps) {
  const t = useText()
  const [isWarned, setWarned] = useState(false)
  return (
    <Dialog title={title} isAlert isWide onClose={() => (isWarned ? onClose() : setWarned(true))}>
      <div className={dialog.body}>
        <p className={styles.warning} data-bad={isWarned || undefined} role="status">
          <CircleAlert size={18} aria-hidden />
          {t(isWarned ? accessKeys.notKept : accessKeys.onlyOnce)}
        </p>
        <dl className={styles.items}>
          {items.map(({ label, text }) => (
            <div key={label}>
              <dt>{label}</dt>
              <dd>
                <Copyable text={text} label={label}>
                  <code className={styles.text}>{text}</code>
                </Copyable>
              </dd>
            </div>
          ))}
        </dl>
      </div>
      <footer className={dialog.foot}>
        <Button look="primary" onPress={onClose}>
          {t(accessKeys.kept)}
        </Button>
      </footer>
    </Dialog>
  )
}
