import { Switch as AriaSwitch } from 'react-aria-components'
import { Hint } from './Button.tsx'
import styles from './switch.module.css'

interface SwitchProps {
  readonly label: string
  readonly isOn: boolean
  readonly onChange: (isOn: boolean) => void
  readonly isPending?: boolean
  /** Why it cannot be switched now. It stays reachable by keyboard, and says so. */
  readonly why?: string | undefined
}

/** Something that is on or off, and takes effect at once. */
export function Switch({ label, isOn, onChange, isPending = false, why }: SwitchProps) {
  const isOff = why !== undefined || isPending
  const control = (
    <AriaSwitch
      className={isOff ? `${styles.switch} ${styles.off}` : styles.switch}
      isSelected={isOn}
      isReadOnly={isOff}
      onChange={onChange}
    >
      <span className={styles.track} aria-hidden />
      {label}
    </AriaSwitch>
  )
  return why === undefined ? control : <Hint words={why}>{control}</Hint>
}
