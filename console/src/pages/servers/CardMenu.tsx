import { Menu, MenuItem, Popover, Text as SlotText } from 'react-aria-components'
import { useNavigate } from 'react-router'
import type { Nic } from '../../api/client.ts'
import { common } from '../../text/common.ts'
import { useText } from '../../text/language.tsx'
import { servers } from '../../text/servers.ts'
import page from '../../ui/page.module.css'
import { nicName } from './nic-name.ts'

interface CardMenuProps {
  readonly nic: Nic
  readonly port: Element | null
  /** Why it cannot be taken out. */
  readonly why: string | undefined
  readonly onDetach: (force: boolean) => void
  readonly onClose: () => void
}

/** What can be done with the card in a slot. */
export function CardMenu({ nic, port, why, onDetach, onClose }: CardMenuProps) {
  const t = useText()
  const navigate = useNavigate()
  const acts = [
    { id: 'open', label: t(servers.openNic), act: () => void navigate(`/nics/${nic.id}`) },
    { id: 'detach', label: t(common.detach), why, act: () => onDetach(false) },
    { id: 'force', label: t(servers.detachForce), why, isBad: true, act: () => onDetach(true) },
  ]
  return (
    <Popover isOpen triggerRef={{ current: port }} placement="bottom" onOpenChange={(isOpen) => !isOpen && onClose()}>
      <Menu
        className={page.menu}
        aria-label={nicName(nic)}
        autoFocus="first"
        disabledKeys={acts.filter((act) => act.why !== undefined).map(({ id }) => id)}
        onAction={(key) => {
          onClose()
          acts.find(({ id }) => id === key)?.act()
        }}
        onClose={onClose}
      >
        {acts.map(({ id, label, why: reason, isBad }) => (
          <MenuItem key={id} id={id} textValue={label} className={`${page.menuItem} ${isBad ? page.bad : ''}`}>
            <SlotText slot="label">{label}</SlotText>
            {reason && (
              <SlotText slot="description" className={page.menuWhy}>
                {reason}
              </SlotText>
            )}
          </MenuItem>
        ))}
      </Menu>
    </Popover>
  )
}
