import { HttpError } from '@oazapfts/runtime'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { createContext, type ReactNode, useCallback, useContext, useEffect, useState } from 'react'
import { common } from '../text/common.ts'
import { useText } from '../text/language.tsx'
import { shell } from '../text/shell.ts'
import { deleteSession, getSession, onSessionEnded, type Session } from './client.ts'

export type Role = Session['role']
const RANK: Readonly<Record<Role, number>> = { reader: 0, operator: 1, admin: 2 }

interface SessionState {
  /** Who is signed in, or was until the service ended it; `undefined` while that is being asked, `null`: nobody. */
  readonly session: Session | null | undefined
  /** The service has ended the session; what is on the screen stays, and waits for whoever signs in again. */
  readonly hasEnded: boolean
  /** Why it is not known who is signed in. */
  readonly error: unknown
  readonly signedIn: (session: Session) => void
  /** @throws when the service did not end the session. */
  readonly signOut: () => Promise<void>
}

const SessionContext = createContext<SessionState | undefined>(undefined)
const KEY = ['session']
/** The tabs of a browser share its cookie: who signs in or out in one has done so in all of them. */
const tabs = new BroadcastChannel('patchbay.session')

/** Who is signed in, or `null`. @throws when the service does not say. */
const askSession = (): Promise<Session | null> =>
  getSession().catch((error: unknown) => {
    if (error instanceof HttpError && error.status === 401) return null
    throw error
  })

export function SessionProvider({ children }: { children: ReactNode }) {
  const queries = useQueryClient()
  const [hasEnded, setEnded] = useState(false)
  const { data, error } = useQuery({ queryKey: KEY, queryFn: askSession, staleTime: Number.POSITIVE_INFINITY })
  /** What one key has seen is not for another. */
  const become = useCallback(
    (session: Session | null) => {
      setEnded(false)
      const isSame = session?.access_key_id === queries.getQueryData<Session | null>(KEY)?.access_key_id
      if (!isSame) queries.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== KEY[0] })
      queries.setQueryData(KEY, session)
      if (isSame) void queries.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] !== KEY[0] })
    },
    [queries],
  )
  useEffect(() => {
    const end = () => {
      if (queries.getQueryData(KEY)) setEnded(true)
    }
    onSessionEnded(end)
    tabs.onmessage = () => {
      void askSession().then(
        (now) => (now ? become(now) : end()),
        () => undefined, // the service is away, and its next answer tells
      )
    }
  }, [queries, become])

  const becomeEverywhere = (session: Session | null) => {
    become(session)
    tabs.postMessage('changed')
  }
  const state: SessionState = {
    session: data,
    hasEnded,
    error,
    signedIn: becomeEverywhere,
    signOut: async () => {
      await deleteSession().catch((error: unknown) => {
        // It was over already. Anything else leaves the browser signed in, and must not look otherwise.
        if (!(error instanceof HttpError && error.status === 401)) throw error
      })
      becomeEverywhere(null)
    },
  }
  return <SessionContext value={state}>{children}</SessionContext>
}

export function useSessionState(): SessionState {
  const state = useContext(SessionContext)
  if (!state) throw new Error('useSessionState outside SessionProvider')
  return state
}

/** Who is signed in; every page below the sign-in has one. */
export function useSession(): Session {
  const { session } = useSessionState()
  if (!session) throw new Error('nobody is signed in')
  return session
}

/**
 * Why the reader's role does not allow an act, to be given to a button as `why`; `undefined` when it does.
 * `const lacks = useLacks()`, then `why={lacks('operator')}`.
 */
export function useLacks(): (needed: Role) => string | undefined {
  const t = useText()
  const { role } = useSession()
  return (needed) =>
    RANK[role] >= RANK[needed] ? undefined : t(common.needsRole, { role: t(shell[role]), needed: t(shell[needed]) })
}
