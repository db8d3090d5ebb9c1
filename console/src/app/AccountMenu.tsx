import { CircleUser } from 'lucide-react'
import { Header, Menu, MenuItem, MenuSection, MenuTrigger, Popover } from 'react-aria-components'
import { useSession, useSessionState } from '../api/session.tsx'
import { useWords } from '../text/language.tsx'
import { shell } from '../text/shell.ts'
import { LANGUAGE_NAME, LANGUAGES, type Language } from '../text/text.ts'
import { Button } from '../ui/Button.tsx'
import page from '../ui/page.module.css'
import { THEMES, type Theme, useTheme } from './theme.ts'
import { tell } from './toasts.ts'

const tellSignedInStill = () => tell({ tone: 'bad', words: (t) => t(shell.notSignedOut) })

/** Who one is, the language and the theme, and the way out. */
export function AccountMenu() {
  const { t, language, setLanguage } = useWords()
  const { name, role, project } = useSession()
  const { signOut } = useSessionState()
  const [theme, setTheme] = useTheme()
  return (
    <MenuTrigger>
      <Button look="quiet" icon={<CircleUser size={18} aria-hidden />} label={`${t(shell.account)}: ${name}`}>
        {name}
      </Button>
      <Popover placement="bottom end">
        <Menu className={page.menu} onAction={(key) => key === 'sign-out' && void signOut().catch(tellSignedInStill)}>
          <MenuSection>
            <Header className="soft">
              {t(shell.project)} {project.name} · {t(shell.role)} {t(shell[role])}
            </Header>
          </MenuSection>
          <MenuSection
            aria-label={t(shell.language)}
            selectionMode="single"
            disallowEmptySelection
            selectedKeys={[language]}
            onSelectionChange={(keys) => {
              for (const key of keys) setLanguage(key as Language)
            }}
          >
            <Header className="soft">{t(shell.language)}</Header>
            {LANGUAGES.map((each) => (
              <MenuItem key={each} id={each} className={page.menuItem}>
                {({ isSelected }) => `${isSelected ? '● ' : '○ '}${LANGUAGE_NAME[each]}`}
              </MenuItem>
            ))}
          </MenuSection>
          <MenuSection
            aria-label={t(shell.theme)}
            selectionMode="single"
            disallowEmptySelection
            selectedKeys={[theme]}
            onSelectionChange={(keys) => {
              for (const key of keys) setTheme(key as Theme)
            }}
          >
            <Header className="soft">{t(shell.theme)}</Header>
            {THEMES.map((each) => (
              <MenuItem key={each} id={each} className={page.menuItem}>
                {({ isSelected }) => `${isSelected ? '● ' : '○ '}${t(shell[each])}`}
              </MenuItem>
            ))}
          </MenuSection>
          <MenuItem id="sign-out" className={page.menuItem}>
            {t(shell.signOut)}
          </MenuItem>
        </Menu>
      </Popover>
    </MenuTrigger>
  )
}
