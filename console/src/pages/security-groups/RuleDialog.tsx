import { useState } from 'react'
import { ifUnchanged } from '../../api/act.ts'
import { addSecurityGroupRules, type SecurityGroup, updateSecurityGroupRule } from '../../api/client.ts'
import { useJob } from '../../app/our-jobs.ts'
import { common } from '../../text/common.ts'
import { useText } from '../../text/language.tsx'
import { securityGroups as words } from '../../text/security-groups.ts'
import { Button } from '../../ui/Button.tsx'
import { FormDialog } from '../../ui/Dialog.tsx'
import { NumberField, Pair, RadioGroup, Select } from '../../ui/fields.tsx'
import { NameField } from '../../ui/NameFields.tsx'
import { IcmpFields, PortFields, RemoteFields } from './RuleFields.tsx'
import { formOf, type RuleForm, ruleOf, withPreset } from './rule-form.ts'
import { meaningOf, type Naming, protocolName } from './rule-words.ts'
import {
  type Direction,
  HIGHEST_PRIORITY,
  hasIcmpTypes,
  hasPorts,
  LOWEST_PRIORITY,
  type NewRule,
  ofOnlyRule,
  PRESETS,
  PROTOCOLS,
  type Protocol,
  type Rule,
} from './rules.ts'
import styles from './security-groups.module.css'

const FIELDS = [
  ...['name', 'action', 'protocol', 'priority', 'port_first', 'port_last'],
  ...['icmp_type', 'icmp_code', 'remote_cidr', 'remote_group_id'],
]
const TITLES = {
  add: { in: words.addInbound, out: words.addOutbound },
  edit: { in: words.editInbound, out: words.editOutbound },
} as const

interface Props {
  /** As it was seen: a rule is not changed that somebody else has changed meanwhile. */
  readonly group: SecurityGroup
  readonly direction: Direction
  /** The one to be changed; a new one otherwise. */
  readonly rule?: Rule | undefined
  readonly naming: Naming
  readonly onClose: () => void
}

export function RuleDialog({ group, direction, rule, naming, onClose }: Props) {
  const t = useText()
  const [form, setForm] = useState<RuleForm>(() => formOf(rule ?? {}))
  const set = (changes: Partial<RuleForm>) => setForm((now) => ({ ...now, ...changes }))
  const act = useJob((body: NewRule, options) =>
    rule
      ? updateSecurityGroupRule(group.id, rule.id, body, ifUnchanged(group, options))
      : addSecurityGroupRules(group.id, { rules: [body] }, options),
  )
  return (
    <FormDialog
      title={t(TITLES[rule ? 'edit' : 'add'][direction])}
      submit={t(rule ? common.save : common.add)}
      act={{ ...act, refusal: ofOnlyRule(act.refusal) }}
      values={() => ruleOf(form, direction)}
      fields={FIELDS}
      onClose={onClose}
    >
      {!rule && (
        <fieldset className={styles.presets} aria-label={t(words.commonServices)}>
          <span className="soft">{t(words.commonServices)}</span>
          {PRESETS.map((preset) => (
            <Button key={preset.name} isSmall onPress={() => setForm((now) => withPreset(now, preset))}>
              {preset.name}
            </Button>
          ))}
        </fieldset>
      )}
      <Pair>
        <RadioGroup
          label={t(words.action)}
          name="action"
          options={(['accept', 'drop'] as const).map((id) => ({ id, label: t(words[id]) }))}
          value={form.action}
          onChange={(id) => set({ action: id as Rule['action'] })}
        />
        <Select
          label={t(words.protocol)}
          name="protocol"
          isRequired
          options={PROTOCOLS.map((id) => ({ id, label: protocolName(id, t) }))}
          value={form.protocol}
          onChange={(id) => set({ protocol: id as Protocol })}
        />
      </Pair>
      {hasPorts(form.protocol) && <PortFields form={form} set={set} />}
      {hasIcmpTypes(form.protocol) && <IcmpFields form={form} set={set} />}
      <RemoteFields form={form} set={set} direction={direction} groupId={group.id} />
      <Pair>
        <NumberField
          label={t(words.priority)}
          name="priority"
          hint={t(words.priorityHint)}
          min={LOWEST_PRIORITY}
          max={HIGHEST_PRIORITY}
          isRequired
          value={form.priority}
          onChange={(priority) => set({ priority })}
        />
        <NameField value={form.name} onChange={(name) => set({ name })} />
      </Pair>
      <p className={styles.meaning} aria-live="polite">
        {meaningOf(ruleOf(form, direction), naming, t)}
      </p>
    </FormDialog>
  )
}
