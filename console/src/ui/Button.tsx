import { LoaderCircle } from 'lucide-react'
import { type ReactNode, useState } from 'react'
import {
  Button as AriaButton,
  Tooltip as AriaTooltip,
  type PressEvent,
  ProgressBar,
  TooltipTrigger,
} from 'react-aria-components'
import { Link } from 'react-router'
import { common } from '../text/common.ts'
import { useText } from '../text/language.tsx'
import styles from './button.module.css'

type Look = 'primary' | 'plain' | 'quiet' | 'danger'

export interface ButtonProps {
  /** Words; with `icon` and without words, `label` is what a screen reader says. */
  readonly children?: ReactNode
  readonly icon?: ReactNode
  readonly label?: string
  readonly look?: Look
  readonly isSmall?: boolean
  readonly type?: 'button' | 'submit'
  readonly isPending?: boolean
  /** Why it cannot be pressed now. It stays reachable by keyboard, and says so. */
  readonly why?: string | undefined
  readonly onPress?: (event: PressEvent) => void
  readonly autoFocus?: boolean
}

const classesOf = ({ look = 'plain', isSmall, children }: ButtonProps, more = ''): string =>
  [styles.button, styles[look], isSmall && styles.small, !children && styles.icon, more].filter(Boolean).join(' ')

export function Button(props: ButtonProps) {
  const { children, icon, label, type = 'button', isPending = false, why, onPress, autoFocus } = props
  /** Whoever presses what is off asks why, and by touch there is no other way to ask. */
  const [isTold, tell] = useState(false)
  const button = (
    <AriaButton
      className={classesOf(props, why === undefined ? (isPending ? styles.pending : '') : styles.off)}
      type={why === undefined ? type : 'button'}
      isPending={isPending}
      onPress={why === undefined ? onPress : () => tell(true)}
      aria-disabled={why === undefined ? undefined : true}
      aria-label={label}
      autoFocus={autoFocus}
      // Leaving a field is when its fault goes: the button would move away from under the pointer.
      preventFocusOnPress={type === 'submit' && why === undefined}
    >
      {isPending ? <Pending /> : icon}
      {children}
    </AriaButton>
  )
  const hint = why ?? (children ? undefined : label)
  if (hint === undefined) return button
  return (
    <Hint words={hint} {...(why !== undefined && { isOpen: isTold, onOpenChange: tell })}>
      {button}
    </Hint>
  )
}

/** React Aria tells who listens that the button is at work by the name of this. */
function Pending() {
  const t = useText()
  return (
    <ProgressBar aria-label={t(common.working)} isIndeterminate className={styles.pendingSign}>
      <LoaderCircle className={styles.spinner} size={16} aria-hidden />
    </ProgressBar>
  )
}

interface HintProps {
  readonly words: string
  readonly children: ReactNode
  /** Given when it is shown at other times too. */
  readonly isOpen?: boolean
  readonly onOpenChange?: (isOpen: boolean) => void
}
/** A tooltip around something that can have the focus. */
export function Hint({ words, children, ...open }: HintProps) {
  return (
    <TooltipTrigger delay={400} closeDelay={50} shouldCloseOnPress={open.isOpen === undefined} {...open}>
      {children}
      <AriaTooltip className={styles.tooltip} offset={6}>
        {words}
      </AriaTooltip>
    </TooltipTrigger>
  )
}

/** A link that looks like a button. */
export function LinkButton({ to, ...props }: ButtonProps & { readonly to: string }) {
  return (
    <Link className={classesOf(props)} to={to} aria-label={props.label}>
      {props.icon}
      {props.children}
    </Link>
  )
}
