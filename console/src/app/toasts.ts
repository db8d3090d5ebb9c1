import { UNSTABLE_ToastQueue as ToastQueue } from 'react-aria-components'
import type { Words } from '../text/language.tsx'

export interface Toast {
  readonly tone: 'good' | 'bad' | 'info'
  /** Asked again when the language changes. */
  readonly words: (t: Words['t']) => string
  readonly detail?: string
  /** A page that shows more, by its path. */
  readonly to?: string
}

export const toasts = new ToastQueue<Toast>({ maxVisibleToasts: 4 })

const SHOWN_MS = 6_000

/** Says in passing what has happened. What went wrong stays until it is closed. */
export const tell = (toast: Toast): string => toasts.add(toast, toast.tone === 'bad' ? {} : { timeout: SHOWN_MS })
