import { ChevronRight } from 'lucide-react'
import { type ReactNode, useContext, useEffect, useRef } from 'react'
import { FormValidationContext } from 'react-aria-components'
import { common } from '../text/common.ts'
import { useText } from '../text/language.tsx'
import styles from './more.module.css'

/**
 * What most leave as it is of a form: closed at first. Its fields are there all the same, with their values, and it opens
 * when one of them is not as it should be, whether the form says so before it is sent or the service after.
 */
export function More({ children }: { readonly children: ReactNode }) {
  const t = useText()
  const part = useRef<HTMLDetailsElement>(null)
  const refused = useContext(FormValidationContext)
  useEffect(() => {
    const fields = [...(part.current?.querySelectorAll('[name]') ?? [])]
    const blamed = fields.find((field) => Object.hasOwn(refused, field.getAttribute('name') ?? ''))
    if (!part.current || part.current.open || !blamed) return
    part.current.open = true
    blamed.scrollIntoView({ block: 'center' })
  }, [refused])
  return (
    <details
      ref={part}
      // At once, and not when React next renders: the field is about to get the focus, which it cannot have while it is hidden.
      onInvalidCapture={({ currentTarget }) => {
        currentTarget.open = true
      }}
    >
      <summary className={styles.title}>
        <ChevronRight size={14} aria-hidden />
        {t(common.moreOptions)}
      </summary>
      <div className={styles.fields}>{children}</div>
    </details>
  )
}
