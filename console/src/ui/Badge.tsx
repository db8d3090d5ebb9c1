import type { ReactNode } from 'react'
import type { Job, Nic, Server } from '../api/client.ts'
import { useText } from '../text/language.tsx'
import { jobStates, nicStates, serverStates } from '../text/states.ts'
import styles from './badge.module.css'

/** How things stand: as wished, on the way, wrong, at rest, or simply so. */
export type Tone = 'good' | 'busy' | 'bad' | 'idle' | 'info'

export const Badge = ({ tone, children }: { tone: Tone; children: ReactNode }) => (
  <span className={`${styles.badge} ${styles[tone]}`}>{children}</span>
)

export const NIC_TONE: Readonly<Record<Nic['state'], Tone>> = {
  available: 'idle',
  attaching: 'busy',
  in_use: 'good',
  detaching: 'busy',
}
export const SERVER_TONE: Readonly<Record<Server['state'], Tone>> = {
  pending: 'busy',
  starting: 'busy',
  running: 'good',
  stopping: 'busy',
  stopped: 'idle',
  terminating: 'busy',
  terminated: 'idle',
}
export const JOB_TONE: Readonly<Record<Job['state'], Tone>> = {
  pending: 'idle',
  working: 'busy',
  successful: 'good',
  failed: 'bad',
}

export function NicState({ nic }: { nic: Pick<Nic, 'state' | 'last_error'> }) {
  const t = useText()
  const hasFailed = nic.last_error !== null && nic.state === 'available'
  return <Badge tone={hasFailed ? 'bad' : NIC_TONE[nic.state]}>{t(nicStates[nic.state])}</Badge>
}
export function ServerState({ state }: Pick<Server, 'state'>) {
  const t = useText()
  return <Badge tone={SERVER_TONE[state]}>{t(serverStates[state])}</Badge>
}
export function JobState({ state }: Pick<Job, 'state'>) {
  const t = useText()
  return <Badge tone={JOB_TONE[state]}>{t(jobStates[state])}</Badge>
}
