import { useQuery } from '@tanstack/react-query'
import { hypervisorsQuery } from '../../api/queries.ts'
import { useLacks } from '../../api/session.tsx'
import { elasticIps as words } from '../../text/elastic-ips.ts'
import { useText } from '../../text/language.tsx'
import { Button } from '../../ui/Button.tsx'
import { Empty } from '../../ui/page.tsx'
import styles from './elastic-ips.module.css'
import { interfacesOf } from './pools.ts'

/** Says what a pool is, and how there comes to be one. */
export function NoPool({ onMake }: { onMake: () => void }) {
  const t = useText()
  const why = useLacks()('admin')
  const { data } = useQuery(hypervisorsQuery())
  const lacksInterfaces = data !== undefined && interfacesOf(data.items).size === 0
  return (
    <Empty>
      <p className={styles.words}>{t(words.whatItIs)}</p>
      <p className={styles.words}>{t(words.whatAPoolIs)}</p>
      {why !== undefined && <p className={styles.words}>{t(words.poolNeedsAdmin)}</p>}
      {lacksInterfaces && <p className={styles.words}>{t(words.noInterfaces)}</p>}
      <Button look="primary" why={why} onPress={onMake}>
        {t(words.createPool)}
      </Button>
    </Empty>
  )
}
