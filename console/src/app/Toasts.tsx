import { X } from 'lucide-react'
import {
  UNSTABLE_Toast as AriaToast,
  UNSTABLE_ToastRegion as AriaToastRegion,
  UNSTABLE_ToastContent as ToastContent,
} from 'react-aria-components'
import { Link } from 'react-router'
import { common } from '../text/common.ts'
import { useText } from '../text/language.tsx'
import { shell } from '../text/shell.ts'
import { Button } from '../ui/Button.tsx'
import styles from './frame.module.css'
import { toasts } from './toasts.ts'

export function ToastRegion() {
  const t = useText()
  return (
    <AriaToastRegion queue={toasts} className={styles.toasts} aria-label={t(shell.notifications)}>
      {({ toast }) => (
        <AriaToast toast={toast} className={styles.toast} data-tone={toast.content.tone}>
          <ToastContent className={styles.toastBody}>
            <strong>{toast.content.words(t)}</strong>
            {toast.content.detail && <p>{toast.content.detail}</p>}
            {toast.content.to && (
              <p>
                <Link to={toast.content.to}>{t(common.details)}</Link>
              </p>
            )}
          </ToastContent>
          <Button
            look="quiet"
            isSmall
            icon={<X size={14} aria-hidden />}
            label={t(common.close)}
            onPress={() => toasts.close(toast.key)}
          />
        </AriaToast>
      )}
    </AriaToastRegion>
  )
}
