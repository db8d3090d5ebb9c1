/** Fields of forms: a label, what is to be known, and what is wrong. In a `FormDialog` the service's words stand at the field it names. */
import { Check, ChevronDown, Minus, SearchIcon } from 'lucide-react'
import type { ReactNode } from 'react'
import {
  Checkbox as AriaCheckbox,
  CheckboxGroup as AriaCheckboxGroup,
  ComboBox as AriaComboBox,
  Radio as AriaRadio,
  RadioGroup as AriaRadioGroup,
  SearchField as AriaSearchField,
  Select as AriaSelect,
  TextField as AriaTextField,
  Button,
  FieldError,
  Input,
  Label,
  ListBox,
  ListBoxItem,
  Popover,
  SelectValue,
  Text as SlotText,
  TextArea,
} from 'react-aria-components'
import { common } from '../text/common.ts'
import { useText } from '../text/language.tsx'
import styles from './field.module.css'

interface FieldProps {
  readonly label: string
  /** Of the body of the request, so that the service's refusal finds it. */
  readonly name: string
  readonly hint?: ReactNode
  readonly isRequired?: boolean
  readonly isDisabled?: boolean
}

function FieldLabel({ label, isRequired }: Pick<FieldProps, 'label' | 'isRequired'>) {
  const t = useText()
  return (
    <Label className={styles.label}>
      {label} {!isRequired && <span className={styles.optional}>({t(common.optional)})</span>}
    </Label>
  )
}

function Below({ hint }: { hint?: ReactNode }) {
  return (
    <>
      {hint && (
        <SlotText slot="description" className={styles.hint}>
          {hint}
        </SlotText>
      )}
      <FieldError className={styles.error} />
    </>
  )
}

/** Fields side by side where there is room. */
export const Pair = ({ children }: { children: ReactNode }) => <div className={styles.pair}>{children}</div>

export interface TextFieldProps extends FieldProps {
  readonly value: string
  readonly onChange: (value: string) => void
  /** What is wrong with a value; not asked for an empty one. */
  readonly check?: (value: string) => string | undefined
  readonly placeholder?: string
  readonly type?: 'text' | 'password' | 'number'
  readonly isMono?: boolean
  readonly isLong?: boolean
  readonly maxLength?: number
  readonly autoFocus?: boolean
  readonly autoComplete?: string
}

export function TextField(props: TextFieldProps) {
  const { label, name, hint, isRequired = false, isDisabled, value, onChange, check, placeholder } = props
  const { type = 'text', isMono, isLong, maxLength, autoFocus, autoComplete = 'off' } = props
  const t = useText()
  const classes = isMono ? `${styles.input} ${styles.mono}` : styles.input
  return (
    <AriaTextField
      className={styles.field}
      name={name}
      type={type === 'number' ? 'text' : type}
      inputMode={type === 'number' ? 'numeric' : undefined}
      value={value}
      onChange={onChange}
      isRequired={isRequired}
      isDisabled={isDisabled}
      maxLength={maxLength}
      autoFocus={autoFocus}
      autoComplete={autoComplete}
      validate={(now) => (now === '' ? (isRequired ? t(common.required) : null) : (check?.(now.trim()) ?? null))}
    >
      <FieldLabel label={label} isRequired={isRequired} />
      {isLong ? (
        <TextArea className={classes} placeholder={placeholder} spellCheck={false} />
      ) : (
        <Input className={classes} placeholder={placeholder} spellCheck={false} />
      )}
      <Below hint={hint} />
    </AriaTextField>
  )
}

/** A whole number as text, so that an empty field is empty. */
export function NumberField({ min, max, ...props }: TextFieldProps & { readonly min: number; readonly max: number }) {
  const t = useText()
  const check = (value: string) =>
    /^\d+$/.test(value) && Number(value) >= min && Number(value) <= max
      ? props.check?.(value)
      : t(common.mustBeNumber, { min, max })
  return <TextField {...props} type="number" check={check} />
}

export interface Option {
  readonly id: string
  readonly label: string
  readonly hint?: string
  /** Why it cannot be chosen. */
  readonly why?: string | undefined
}

interface SelectProps extends FieldProps {
  readonly options: readonly Option[]
  readonly value: string | null
  readonly onChange: (id: string) => void
  readonly placeholder?: string
}

/** One of a few. */
export function Select({ label, name, hint, isRequired = false, isDisabled, options, ...props }: SelectProps) {
  const t = useText()
  return (
    <AriaSelect
      className={styles.field}
      name={name}
      isRequired={isRequired}
      isDisabled={isDisabled}
      value={props.value}
      onChange={(key) => props.onChange(String(key))}
      disabledKeys={options.filter(({ why }) => why !== undefined).map(({ id }) => id)}
      placeholder={props.placeholder ?? t(common.chooseOne)}
      validate={(key) => (isRequired && key === null ? t(common.chooseOne) : null)}
    >
      <FieldLabel label={label} isRequired={isRequired} />
      <Button className={styles.trigger}>
        <SelectValue>{({ selectedText, defaultChildren }) => selectedText || defaultChildren}</SelectValue>
        <ChevronDown size={16} aria-hidden />
      </Button>
      <Below hint={hint} />
      <Options options={options} />
    </AriaSelect>
  )
}

/** One of many: found by typing a part of its name. */
export function ComboBox({ label, name, hint, isRequired = false, isDisabled, options, ...props }: SelectProps) {
  const t = useText()
  return (
    <AriaComboBox
      className={styles.field}
      name={name}
      isRequired={isRequired}
      isDisabled={isDisabled}
      value={props.value}
      onChange={(key) => key !== null && props.onChange(String(key))}
      disabledKeys={options.filter(({ why }) => why !== undefined).map(({ id }) => id)}
      menuTrigger="focus"
      allowsEmptyCollection
      validate={({ value }) => (isRequired && value === null ? t(common.chooseOne) : null)}
    >
      <FieldLabel label={label} isRequired={isRequired} />
      <div className={styles.combo}>
        <Input className={styles.input} placeholder={props.placeholder ?? t(common.chooseOne)} />
        <Button>
          <ChevronDown size={16} aria-hidden />
        </Button>
      </div>
      <Below hint={hint} />
      <Options options={options} />
    </AriaComboBox>
  )
}

function Options({ options }: { options: readonly Option[] }) {
  const t = useText()
  return (
    <Popover className={styles.popover}>
      <ListBox
        className={styles.list}
        items={options}
        renderEmptyState={() => <div className={styles.option}>{t(common.nothingFound)}</div>}
      >
        {({ id, label, hint, why }) => (
          <ListBoxItem id={id} className={styles.option} textValue={label}>
            <SlotText slot="label">{label}</SlotText>
            {(why ?? hint) && (
              <SlotText slot="description" className={styles.optionHint}>
                {why ?? hint}
              </SlotText>
            )}
          </ListBoxItem>
        )}
      </ListBox>
    </Popover>
  )
}

interface CheckboxProps {
  readonly children?: ReactNode
  /** For a screen reader, where there are no words. */
  readonly label?: string
  /** Of a group: which it is. The group says then whether it is selected. */
  readonly value?: string
  readonly isSelected?: boolean
  readonly isIndeterminate?: boolean
  readonly isDisabled?: boolean
  readonly onChange?: (isSelected: boolean) => void
}

export function Checkbox({ children, label, isIndeterminate, ...props }: CheckboxProps) {
  return (
    <AriaCheckbox className={styles.check} aria-label={label} isIndeterminate={isIndeterminate} {...props}>
      {({ isSelected }) => (
        <>
          <span className={styles.box} aria-hidden>
            {isIndeterminate ? <Minus size={14} /> : isSelected && <Check size={14} />}
          </span>
          {children}
        </>
      )}
    </AriaCheckbox>
  )
}

interface CheckboxGroupProps extends Omit<FieldProps, 'isRequired' | 'isDisabled'> {
  readonly options: readonly { readonly id: string; readonly label: ReactNode }[]
  readonly value: readonly string[]
  readonly onChange: (ids: string[]) => void
}

/** Any of some. */
export function CheckboxGroup({ label, name, hint, options, value, onChange }: CheckboxGroupProps) {
  return (
    <AriaCheckboxGroup className={styles.field} name={name} value={[...value]} onChange={onChange}>
      <Label className={styles.label}>{label}</Label>
      <div className={styles.checks}>
        {options.map((option) => (
          <Checkbox key={option.id} value={option.id}>
            {option.label}
          </Checkbox>
        ))}
      </div>
      <Below hint={hint} />
    </AriaCheckboxGroup>
  )
}

interface RadioProps extends Omit<FieldProps, 'isRequired'> {
  readonly options: readonly Option[]
  readonly value: string
  readonly onChange: (id: string) => void
  /** Below each other in columns, for options with hints. */
  readonly inColumns?: boolean
}

/** One of a few, all of them seen. */
export function RadioGroup({ label, name, hint, options, value, onChange, isDisabled, inColumns }: RadioProps) {
  return (
    <AriaRadioGroup className={styles.field} name={name} value={value} onChange={onChange} isDisabled={isDisabled}>
      <Label className={styles.label}>{label}</Label>
      <div className={inColumns ? styles.radioColumns : styles.radios}>
        {options.map((option) => (
          <AriaRadio
            key={option.id}
            value={option.id}
            className={`${styles.check} ${styles.radio}`}
            isDisabled={option.why !== undefined}
          >
            {({ isSelected }) => (
              <>
                <span className={styles.box} aria-hidden>
                  {isSelected && <Check size={12} />}
                </span>
                <span className={styles.radioWords}>
                  {option.label}
                  {(option.why ?? option.hint) && (
                    <span className={styles.optionHint}>{option.why ?? option.hint}</span>
                  )}
                </span>
              </>
            )}
          </AriaRadio>
        ))}
      </div>
      <Below hint={hint} />
    </AriaRadioGroup>
  )
}

interface SearchProps {
  readonly label: string
  readonly value: string
  readonly onChange: (value: string) => void
}

export function SearchField({ label, value, onChange }: SearchProps) {
  return (
    <AriaSearchField className={styles.search} aria-label={label} value={value} onChange={onChange}>
      <SearchIcon size={16} aria-hidden />
      <Input className={styles.input} placeholder={label} />
    </AriaSearchField>
  )
}
