import { CircleAlert } from 'lucide-react'
import type { Refusal } from '../api/refusal.ts'
import { useWords } from '../text/language.tsx'
import { problems } from '../text/problems.ts'
import { shell } from '../text/shell.ts'
import styles from './refusal.module.css'

interface RefusalViewProps {
  readonly refusal: Refusal
  /** What the service says of things that have no field on the screen. */
  readonly others?: readonly string[]
  /** The details stand at the fields already. */
  readonly isAtField?: boolean
}

/** A refusal in words: what it means in the reader's language, and what the service says of it. */
export function RefusalView({ refusal, others = [], isAtField = false }: RefusalViewProps) {
  const { t, language } = useWords()
  return (
    <div className={styles.refusal} role="alert">
      <CircleAlert size={18} aria-hidden />
      <div>
        {refusal.kind === 'unreachable' && <p className={styles.title}>{t(shell.unreachable)}</p>}
        {refusal.kind === 'unknown' && (
          <>
            <p className={styles.title}>{t(shell.refused)}</p>
            <p className={styles.detail}>{refusal.message}</p>
          </>
        )}
        {refusal.kind === 'problem' && (
          <>
            <p className={styles.title}>{t(problems[refusal.problem.code])}</p>
            {others.map((words) => (
              <p key={words} className={styles.detail}>
                {words}
              </p>
            ))}
            {/* Of a request that was not signed in, the service tells programs how to sign it. */}
            {!isAtField && others.length === 0 && refusal.problem.code !== 'unauthorized' && (
              <p className={styles.detail}>
                {language === 'en' ? refusal.problem.detail : t(shell.serverSays, { detail: refusal.problem.detail })}
              </p>
            )}
            {refusal.retryAfter !== undefined && <p>{t(shell.retryIn, { count: refusal.retryAfter })}</p>}
            {refusal.problem.code === 'internal' && (
              <p className={styles.id}>{t(shell.requestId, { id: refusal.problem.request_id })}</p>
            )}
          </>
        )}
      </div>
    </div>
  )
}
