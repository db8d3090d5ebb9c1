import { useState } from 'react'
import { Dialog, Form, Modal, ModalOverlay } from 'react-aria-components'
import { useAct } from '../api/act.ts'
import { createSession } from '../api/client.ts'
import { fieldErrors } from '../api/refusal.ts'
import { useSessionState } from '../api/session.tsx'
import { common } from '../text/common.ts'
import { useText, useWords } from '../text/language.tsx'
import { shell } from '../text/shell.ts'
import { LANGUAGE_NAME, LANGUAGES } from '../text/text.ts'
import { Button } from '../ui/Button.tsx'
import { TextField } from '../ui/fields.tsx'
import { RefusalView } from '../ui/Refusal.tsx'
import styles from './frame.module.css'

const FIELDS = new Set(['access_key_id', 'secret_access_key'])

export function SignIn() {
  return (
    <main className={styles.signIn}>
      <SignInCard isOver={false} />
    </main>
  )
}

/**
 * Over a page whose session has ended, which stays as it is: what was typed into a form is still there afterwards. It is a
 * dialog as that form may be one, and only another dialog gets the keyboard and the pointer from that.
 */
export function SignInOver() {
  const t = useText()
  return (
    <ModalOverlay className={styles.over} isOpen isKeyboardDismissDisabled>
      <Modal>
        <Dialog className={styles.overCard} aria-label={t(shell.signIn)}>
          <SignInCard isOver />
        </Dialog>
      </Modal>
    </ModalOverlay>
  )
}

function SignInCard({ isOver }: { isOver: boolean }) {
  const { t, language, setLanguage } = useWords()
  const { signedIn } = useSessionState()
  const [id, setId] = useState('')
  const [secret, setSecret] = useState('')
  const act = useAct(
    () => createSession({ access_key_id: id.trim(), secret_access_key: secret.trim() }),
    (session) => signedIn(session),
  )
  const { byField, others } = fieldErrors(act.refusal, FIELDS)
  return (
    <div className={styles.card}>
      <div className={styles.cardHead}>
        <img src="/favicon.svg" alt="" />
        <div>
          <h1>{t(common.patchbay)}</h1>
          <p className="soft">{t(isOver ? shell.sessionEnded : shell.signInWith)}</p>
        </div>
      </div>
      <Form
        validationErrors={byField}
        onSubmit={(event) => {
          event.preventDefault()
          void act.run(undefined)
        }}
      >
        {act.refusal && (
          <RefusalView refusal={act.refusal} others={others} isAtField={Object.keys(byField).length > 0} />
        )}
        <TextField
          label={t(shell.accessKeyId)}
          name="access_key_id"
          value={id}
          onChange={setId}
          isRequired
          isMono
          autoFocus
          autoComplete="username"
        />
        <TextField
          label={t(shell.secretAccessKey)}
          name="secret_access_key"
          type="password"
          value={secret}
          onChange={setSecret}
          isRequired
          isMono
          autoComplete="current-password"
        />
        <Button type="submit" look="primary" isPending={act.isRunning}>
          {t(shell.signIn)}
        </Button>
      </Form>
      {!isOver && <p className="soft">{t(shell.whereIsTheKey)}</p>}
      <div className={styles.cardFoot}>
        {LANGUAGES.filter((each) => each !== language).map((each) => (
          <Button key={each} look="quiet" isSmall onPress={() => setLanguage(each)}>
            {LANGUAGE_NAME[each]}
          </Button>
        ))}
      </div>
    </div>
  )
}
