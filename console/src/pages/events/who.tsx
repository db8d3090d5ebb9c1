import { useQuery } from '@tanstack/react-query'
import { accessKeysQuery } from '../../api/queries.ts'
import { useSession } from '../../api/session.tsx'
import { events } from '../../text/events.ts'
import { useText } from '../../text/language.tsx'

/** Who did something: an access key by its name, as far as the reader may know it. `null` is the service itself. */
export function Who({ actor }: { actor: string | null }) {
  const t = useText()
  const { access_key_id: own, role } = useSession()
  const { data: name } = useQuery({
    ...accessKeysQuery(),
    enabled: role === 'admin' && actor !== null,
    select: ({ items }) => items.find(({ access_key_id: id }) => id === actor)?.name,
  })
  if (actor === null) return <span className="soft">{t(events.theService)}</span>
  if (actor === own) return <span title={actor}>{t(events.you)}</span>
  return name ? <span title={actor}>{name}</span> : <code>{actor}</code>
}
