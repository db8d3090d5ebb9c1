import { X } from 'lucide-react'
import { type FormEvent, type ReactNode, useState } from 'react'
import { Dialog as AriaDialog, Form, Heading, Modal, ModalOverlay } from 'react-aria-components'
import type { Act } from '../api/act.ts'
import { blamedBy, fieldErrors, type Refusal } from '../api/refusal.ts'
import { common } from '../text/common.ts'
import { useText, useWords, type Words } from '../text/language.tsx'
import { problems } from '../text/problems.ts'
import { shell } from '../text/shell.ts'
import { Button } from './Button.tsx'
import styles from './dialog.module.css'
import { RefusalView } from './Refusal.tsx'

interface DialogProps {
  readonly title: string
  readonly children: ReactNode
  readonly onClose: () => void
  readonly isWide?: boolean
  /** A question that must be answered: a click beside it does not close it. */
  readonly isAlert?: boolean
}

/** Is shown while it is rendered: `{isOpen && <Dialog onClose={…}>}`. */
export function Dialog({ title, children, onClose, isWide, isAlert }: DialogProps) {
  const t = useText()
  return (
    <ModalOverlay
      className={styles.overlay}
      isOpen
      isDismissable={!isAlert}
      onOpenChange={(isOpen) => {
        if (!isOpen) onClose()
      }}
    >
      <Modal className={isWide ? `${styles.modal} ${styles.wide}` : styles.modal}>
        <AriaDialog className={styles.dialog} role={isAlert ? 'alertdialog' : 'dialog'}>
          <header className={styles.head}>
            <Heading slot="title" level={2}>
              {title}
            </Heading>
            <Button look="quiet" isSmall icon={<X size={16} aria-hidden />} label={t(common.close)} onPress={onClose} />
          </header>
          {children}
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  )
}

interface FormDialogProps<V, R> extends Omit<DialogProps, 'isAlert'> {
  readonly submit: string
  readonly look?: 'primary' | 'danger'
  readonly act: Act<V, R>
  /** What is asked for, read when the form is sent. */
  readonly values: () => V
  /** Names of the fields that the service's words are shown at; what blames another stands above them. */
  readonly fields: readonly string[]
  /** Why it cannot be sent as it is. */
  readonly why?: string | undefined
  /** Done: by default it closes. */
  readonly onDone?: (result: R) => void
}

/** A form that stays as it was filled in until the service has said yes. */
export function FormDialog<V, R>(props: FormDialogProps<V, R>) {
  const { submit, look = 'primary', act, values, fields, why, children, onDone, ...dialog } = props
  const { t, language } = useWords()
  const [sent, setSent] = useState<V>()
  const told = language === 'en' ? act.refusal : inWords(act.refusal, sent, new Set(fields), t)
  const { byField, others } = fieldErrors(told, new Set(fields))
  const [edited, setEdited] = useState<ReadonlySet<string>>(NONE)
  const errors = useSame(Object.fromEntries(Object.entries(byField).filter(([field]) => !edited.has(field))))
  /** What the service said of a field is not true of what is typed now; else the browser would not let it be sent. */
  const edit = ({ target }: FormEvent) => {
    if (target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement) {
      const { name } = target
      if (name in byField) setEdited((now) => new Set(now).add(name))
    }
  }
  const send = async (event: FormEvent) => {
    event.preventDefault()
    setEdited(NONE)
    // Before it is sent again: a field whose value is kept is not blamed for the last answer.
    act.reset()
    const asked = values()
    setSent(asked)
    const done = await act.run(asked)
    if (!done) return
    if (onDone) onDone(done.result)
    else props.onClose()
  }
  return (
    <Dialog {...dialog}>
      <Form className={styles.form} onSubmit={send} validationErrors={errors}>
        <div className={styles.body} onInput={edit}>
          {act.refusal && (
            <RefusalView refusal={act.refusal} others={others} isAtField={Object.keys(byField).length > 0} />
          )}
          {children}
        </div>
        <footer className={styles.foot}>
          <Button onPress={props.onClose}>{t(common.cancel)}</Button>
          <Button type="submit" look={look} isPending={act.isRunning} why={why}>
            {submit}
          </Button>
        </footer>
      </Form>
    </Dialog>
  )
}

/**
 * The service blames fields in English. A refusal that has words of its own is told with those, and with the value that it
 * blames where a field holds several; for any other the service is quoted.
 */
function inWords(
  refusal: Refusal | undefined,
  sent: unknown,
  fields: ReadonlySet<string>,
  t: Words['t'],
): Refusal | undefined {
  if (refusal?.kind !== 'problem') return refusal
  const { problem } = refusal
  const errors = problem.errors?.map((error) => {
    const blamed = blamedBy(error.pointer, fields)
    if (!blamed) return error
    if (problem.code === 'invalid_request') return { ...error, detail: t(shell.serverSays, { detail: error.detail }) }
    const words = t(problems[problem.code])
    const value = blamed.inside.length > 0 ? at(sent, error.pointer.split('/').slice(1)) : undefined
    return {
      ...error,
      pointer: `/${blamed.field}`,
      detail: typeof value === 'string' ? t(common.ofValue, { value, words }) : words,
    }
  })
  return { ...refusal, problem: { ...problem, ...(errors && { errors }) } }
}
const at = (value: unknown, path: readonly string[]): unknown =>
  path.reduce<unknown>((of, part) => (typeof of === 'object' && of !== null ? Reflect.get(of, part) : undefined), value)

const NONE: ReadonlySet<string> = new Set()

/** The same object as long as it says the same: React Aria takes another for news, and shows again what was put right. */
function useSame<T>(value: T): T {
  const [same, setSame] = useState(value)
  const isSame = JSON.stringify(same) === JSON.stringify(value)
  if (!isSame) setSame(value)
  return isSame ? same : value
}

interface ConfirmProps<R> {
  readonly title: string
  /** What will be lost. */
  readonly children: ReactNode
  readonly confirm: string
  /** Why it cannot be done after all. */
  readonly why?: string | undefined
  readonly act: Act<void, R>
  readonly onClose: () => void
  readonly onDone?: (result: R) => void
}

/** Asks before something is lost. */
export function ConfirmDialog<R>({ title, children, confirm, why, act, onClose, onDone }: ConfirmProps<R>) {
  const t = useText()
  const go = async () => {
    const done = await act.run()
    if (!done) return
    if (onDone) onDone(done.result)
    else onClose()
  }
  return (
    <Dialog title={title} onClose={onClose} isAlert>
      <div className={styles.body}>
        {act.refusal && <RefusalView refusal={act.refusal} />}
        {children}
      </div>
      <footer className={styles.foot}>
        <Button onPress={onClose} autoFocus>
          {t(common.cancel)}
        </Button>
        <Button look="danger" isPending={act.isRunning} why={why} onPress={() => void go()}>
          {confirm}
        </Button>
      </footer>
    </Dialog>
  )
}
