import { useQuery } from '@tanstack/react-query'
import { useMemo, useState } from 'react'
import { useNavigate, useParams } from 'react-router'
import type { SecurityGroup } from '../../api/client.ts'
import { securityGroupQuery, securityGroupsQuery, useById } from '../../api/queries.ts'
import { useLacks } from '../../api/session.tsx'
import { common } from '../../text/common.ts'
import { useText } from '../../text/language.tsx'
import { securityGroups as words } from '../../text/security-groups.ts'
import { Badge } from '../../ui/Badge.tsx'
import { Button } from '../../ui/Button.tsx'
import { ActMenu, Columns, Copyable, Facts, Failed, Loading, Page, Panel, Tags, Time } from '../../ui/page.tsx'
import { RefusalView } from '../../ui/Refusal.tsx'
import { History } from '../events/History.tsx'
import { DeleteGroupDialog, EditGroupDialog } from './GroupDialogs.tsx'
import { Members } from './Members.tsx'
import { RulesSection } from './RulesSection.tsx'
import type { Naming } from './rule-words.ts'
import type { Rule } from './rules.ts'
import styles from './security-groups.module.css'
import { rulesQuery, useApply } from './use-rules.ts'

export default function SecurityGroupPage() {
  const t = useText()
  const { id = '' } = useParams()
  const { data: group, error } = useQuery(securityGroupQuery(id))
  const back = { label: t(common.securityGroups), to: '/security-groups' }
  if (error && !group) return <Failed error={error} back={back} />
  return group ? <Group group={group} /> : <Loading />
}

function Group({ group }: { group: SecurityGroup }) {
  const t = useText()
  const { data } = useQuery(rulesQuery(group.id))
  const ofRules = data ? { ...group, generation: data.generation } : group
  const groups = useById(securityGroupsQuery())
  const naming = useMemo<Naming>(
    () => ({ groupId: group.id, nameOf: (id) => groups.get(id)?.name ?? id }),
    [group.id, groups],
  )
  return (
    <Page
      title={group.name}
      above={{ label: t(common.securityGroups), to: '/security-groups' }}
      beside={group.is_default && <Badge tone="info">{t(words.isDefault)}</Badge>}
      actions={<GroupActs group={group} />}
    >
      {!group.applied && <NotApplied group={ofRules} rules={data?.items} />}
      <p className="soft">{t(words.howRulesWork)}</p>
      <RulesSection group={ofRules} direction="in" rules={data?.items} naming={naming} />
      <RulesSection group={ofRules} direction="out" rules={data?.items} naming={naming} />
      <Members groupId={group.id} />
      <Columns>
        <Panel title={t(common.details)}>
          <Facts
            facts={[
              [t(common.id), <Copyable key="id" text={group.id} />],
              [t(common.description), group.description || undefined],
              [t(common.tags), <Tags key="tags" tags={group.tags} />],
              [t(common.created), <Time key="created" at={group.created_at} />],
              [t(common.changed), <Time key="changed" at={group.updated_at} />],
            ]}
          />
        </Panel>
        <Panel title={t(common.history)}>
          <History id={group.id} />
        </Panel>
      </Columns>
    </Page>
  )
}

function GroupActs({ group }: { group: SecurityGroup }) {
  const t = useText()
  const lacks = useLacks()
  const navigate = useNavigate()
  // As it was seen when the dialog was opened.
  const [open, setOpen] = useState<{ what: 'edit' | 'delete'; group: SecurityGroup }>()
  const close = () => setOpen(undefined)
  return (
    <>
      <Button why={lacks('operator')} onPress={() => setOpen({ what: 'edit', group })}>
        {t(common.edit)}
      </Button>
      <ActMenu
        acts={[
          {
            id: 'delete',
            label: t(common.delete),
            isBad: true,
            why: lacks('operator') ?? (group.is_default ? t(words.cannotDeleteDefault) : undefined),
            onAction: () => setOpen({ what: 'delete', group }),
          },
        ]}
      />
      {open?.what === 'edit' && <EditGroupDialog group={open.group} onClose={close} />}
      {open?.what === 'delete' && (
        <DeleteGroupDialog
          group={open.group}
          onClose={close}
          onGone={() => void navigate('/security-groups', { replace: true })}
        />
      )}
    </>
  )
}

/** Says that the rules below are not those in force, and brings them into force. */
function NotApplied({ group, rules }: { group: SecurityGroup; rules: readonly Rule[] | undefined }) {
  const t = useText()
  const lacks = useLacks()
  const act = useApply(group, rules ?? [])
  return (
    <div className={styles.notice} role="status">
      <p>{t(words.notAppliedHint)}</p>
      <Button
        look="primary"
        isPending={act.isRunning}
        why={lacks('operator') ?? (rules ? undefined : t(common.loading))}
        onPress={() => void act.run()}
      >
        {t(words.apply)}
      </Button>
      {act.refusal && <RefusalView refusal={act.refusal} />}
    </div>
  )
}
