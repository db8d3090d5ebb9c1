/** What pages are made of. */
import { Check, Copy, Ellipsis } from 'lucide-react'
import { type ReactNode, useEffect, useRef, useState } from 'react'
import {
  Tab as AriaTab,
  Tabs as AriaTabs,
  Menu,
  MenuItem,
  MenuTrigger,
  Popover,
  Text as SlotText,
  TabList,
  TabPanel,
} from 'react-aria-components'
import { Link } from 'react-router'
import { isNotFound, refusalOf } from '../api/refusal.ts'
import { common } from '../text/common.ts'
import { useText, useWords } from '../text/language.tsx'
import { shell } from '../text/shell.ts'
import { type Language, LOCALE } from '../text/text.ts'
import { Button, LinkButton } from './Button.tsx'
import styles from './page.module.css'
import { RefusalView } from './Refusal.tsx'

interface PageProps {
  readonly title: string
  /** Where one comes from: a link to the list. */
  readonly above?: { readonly label: string; readonly to: string }
  /** Beside the title, such as a state. */
  readonly beside?: ReactNode
  readonly actions?: ReactNode
  readonly children: ReactNode
}

export function Page({ title, above, beside, actions, children }: PageProps) {
  const t = useText()
  useEffect(() => {
    document.title = `${title} · ${t(common.patchbay)}`
  }, [title, t])
  return (
    <div className={styles.page}>
      <header className={styles.header}>
        <div className={styles.title}>
          {above && (
            <Link className={styles.above} to={above.to}>
              {above.label}
            </Link>
          )}
          <h1>
            {title} {beside}
          </h1>
        </div>
        {actions && <div className={styles.actions}>{actions}</div>}
      </header>
      {children}
    </div>
  )
}

/** Search, filters and what is done with the selected rows, above a table. */
export const Toolbar = ({ children }: { children: ReactNode }) => <div className={styles.toolbar}>{children}</div>

interface PanelProps {
  readonly title?: string
  readonly actions?: ReactNode
  readonly children: ReactNode
}
export const Panel = ({ title, actions, children }: PanelProps) => (
  <section className={styles.panel} aria-label={title}>
    {(title || actions) && (
      <div className={styles.panelHead}>
        {title && <h2>{title}</h2>}
        {actions && <div className={styles.actions}>{actions}</div>}
      </div>
    )}
    {children}
  </section>
)

/** Panels side by side where there is room. */
export const Columns = ({ children }: { children: ReactNode }) => <div className={styles.columns}>{children}</div>

/** Names and values. A value that is `undefined` leaves its line out. */
export const Facts = ({ facts }: { facts: readonly (readonly [name: string, value: ReactNode])[] }) => (
  <dl className={styles.facts}>
    {facts
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => (
        <div key={name} style={{ display: 'contents' }}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
  </dl>
)

/** What stands where there is nothing yet, with how to begin. */
export const Empty = ({ children }: { children: ReactNode }) => <div className={styles.empty}>{children}</div>

/** A query that failed, or whose resource is gone, instead of the page. */
export function Failed({ error, back }: { error: unknown; back: { readonly label: string; readonly to: string } }) {
  const t = useText()
  if (isNotFound(error)) {
    return (
      <Page title={t(shell.gone)}>
        <div>
          <LinkButton to={back.to}>{back.label}</LinkButton>
        </div>
      </Page>
    )
  }
  return (
    <Page title={t(shell.failed)}>
      <RefusalView refusal={refusalOf(error)} />
    </Page>
  )
}

export const Loading = () => {
  const t = useText()
  return <p className="soft">{t(common.loading)}</p>
}

export function Tags({ tags }: { tags: Readonly<Record<string, string>> }) {
  const t = useText()
  const entries = Object.entries(tags)
  if (entries.length === 0) return <span className="soft">{t(common.none)}</span>
  return (
    <span className={styles.tags}>
      {entries.map(([name, value]) => (
        <span key={name} className={styles.tag}>
          {value === '' ? name : `${name}=${value}`}
        </span>
      ))}
    </span>
  )
}

/**
 * An id or address as it is typed elsewhere, with a button that copies it.
 * @param label - what it is, for the button of what is too long or too secret to be read out.
 */
export function Copyable({ text, label, children }: { text: string; label?: string; children?: ReactNode }) {
  const t = useText()
  const shown = useRef<HTMLSpanElement>(null)
  const [isCopied, setCopied] = useState(false)
  const copy = async () => {
    // Browsers have the clipboard on https and localhost only; elsewhere what is shown is copied as if by hand.
    if (navigator.clipboard) await navigator.clipboard.writeText(text)
    else if (shown.current) {
      getSelection()?.selectAllChildren(shown.current)
      if (!document.execCommand('copy')) return
    }
    setCopied(true)
    setTimeout(() => setCopied(false), 1500)
  }
  return (
    <span className={styles.copy}>
      <span ref={shown} className={styles.copied}>
        {children ?? <code>{text}</code>}
      </span>
      <Button
        look="quiet"
        isSmall
        icon={isCopied ? <Check size={14} aria-hidden /> : <Copy size={14} aria-hidden />}
        label={`${t(isCopied ? common.copied : common.copy)} ${label ?? text}`}
        onPress={() => void copy()}
      />
    </span>
  )
}

/** Made once: a format costs more than all the times of a table that are written with it. */
const timeFormat = (language: Language) =>
  new Intl.DateTimeFormat(LOCALE[language], { dateStyle: 'medium', timeStyle: 'medium' })
const TIME_FORMAT = { en: timeFormat('en'), zh: timeFormat('zh') } as const satisfies Record<Language, unknown>

/** A time in the reader's way of writing. */
export function Time({ at }: { at: string | null }) {
  const { language, t } = useWords()
  if (at === null) return <span className="soft">{t(common.none)}</span>
  const words = TIME_FORMAT[language].format(new Date(at))
  return (
    <time dateTime={at} title={at}>
      {words}
    </time>
  )
}

export interface TabItem {
  readonly id: string
  readonly label: string
  readonly content: ReactNode
}
interface TabsProps {
  readonly label: string
  readonly tabs: readonly TabItem[]
  /** Given when the page's address says which one is shown. */
  readonly selected?: string
  readonly onSelect?: (id: string) => void
}
/** Views of one thing. Those that are not shown are not read. */
export function Tabs({ label, tabs, selected, onSelect }: TabsProps) {
  return (
    <AriaTabs className={styles.tabs} selectedKey={selected} onSelectionChange={(key) => onSelect?.(String(key))}>
      <TabList className={styles.tabList} aria-label={label}>
        {tabs.map(({ id, label: words }) => (
          <AriaTab key={id} id={id} className={styles.tab}>
            {words}
          </AriaTab>
        ))}
      </TabList>
      {tabs.map(({ id, content }) => (
        <TabPanel key={id} id={id} className={styles.page}>
          {content}
        </TabPanel>
      ))}
    </AriaTabs>
  )
}

export interface MenuAct {
  readonly id: string
  readonly label: string
  /** Why it cannot be done now; it is shown with the words. */
  readonly why?: string | undefined
  readonly isBad?: boolean
  readonly onAction: () => void
}
/** Acts that need no button of their own. */
export function ActMenu({ label, acts, children }: { label?: string; acts: readonly MenuAct[]; children?: ReactNode }) {
  const t = useText()
  return (
    <MenuTrigger>
      <Button
        label={label ?? t(common.moreActions)}
        icon={children ? undefined : <Ellipsis size={16} aria-hidden />}
        look="plain"
      >
        {children}
      </Button>
      <Popover placement="bottom end">
        <Menu
          className={styles.menu}
          disabledKeys={acts.filter(({ why }) => why !== undefined).map(({ id }) => id)}
          onAction={(key) => acts.find(({ id }) => id === key)?.onAction()}
        >
          {acts.map(({ id, label: words, why, isBad }) => (
            <MenuItem
              key={id}
              id={id}
              textValue={words}
              className={isBad ? `${styles.menuItem} ${styles.bad}` : styles.menuItem}
            >
              <SlotText slot="label">{words}</SlotText>
              {why && (
                <SlotText slot="description" className={styles.menuWhy}>
                  {why}
                </SlotText>
              )}
            </MenuItem>
          ))}
        </Menu>
      </Popover>
    </MenuTrigger>
  )
}
