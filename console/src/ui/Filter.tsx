import { ChevronDown } from 'lucide-react'
import { Select as AriaSelect, Button, Label, ListBox, ListBoxItem, Popover, SelectValue } from 'react-aria-components'
import { common } from '../text/common.ts'
import { useText } from '../text/language.tsx'
import styles from './field.module.css'

interface FilterProps {
  readonly label: string
  readonly options: readonly { readonly id: string; readonly label: string }[]
  /** Empty: all. */
  readonly value: string
  readonly onChange: (value: string) => void
}

const ALL = 'all'

/** Which rows of a table are shown, in its toolbar. */
export function Filter({ label, options, value, onChange }: FilterProps) {
  const t = useText()
  return (
    <AriaSelect
      value={value || ALL}
      onChange={(key) => onChange(key === ALL ? '' : String(key))}
      className={styles.filter}
    >
      <Label className={styles.filterLabel}>{label}</Label>
      <Button className={styles.trigger}>
        <SelectValue>{({ selectedText, defaultChildren }) => selectedText || defaultChildren}</SelectValue>
        <ChevronDown size={16} aria-hidden />
      </Button>
      <Popover className={styles.popover}>
        <ListBox className={styles.list} items={[{ id: ALL, label: t(common.all) }, ...options]}>
          {(option) => (
            <ListBoxItem id={option.id} className={styles.option} textValue={option.label}>
              {option.label}
            </ListBoxItem>
          )}
        </ListBox>
      </Popover>
    </AriaSelect>
  )
}
