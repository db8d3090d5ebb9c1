/** Rules of security groups. Changes of them wait until the group is applied. */
import { DEFAULTS } from '../../domain/security-group/rule-fields.ts'
import { describeRules, type RuleRow, ruleFields } from '../../domain/security-group/rule-rows.ts'
import { stageChange, stageDeletion, stageRules } from '../../domain/security-group/staged-rules.ts'
import { type Actions, inTransaction, reads, writes } from './call.ts'
import { wireTime } from './ids.ts'
import { own } from './own-id.ts'
import { malformed, notAllowed } from './refusals.ts'
import { directionFrom, ruleFieldsFrom, ruleValues } from './rule-values.ts'

/** Of the priorities there is no default. */
const NEW = { ...DEFAULTS, protocol: 'all' } as const

export const SECURITY_GROUP_RULE: Actions = {
  AddSecurityGroupRules: writes(async (call) => {
    const { params } = call
    const groupId = own('sg', params.required('security_group'))
    const wanted = params.objects('rules').map((rule, index) => {
      const at = `rules.${index + 1}.`
      for (const name of ['protocol', 'priority']) {
        if (rule.text(name) === undefined) throw malformed(`parameter ${at}${name} is required`)
      }
      return ruleFieldsFrom(rule, at, NEW)
    })
    if (wanted.length === 0) throw malformed('parameter rules.n is required')
    return { security_group_rules: await inTransaction(call, (tx, actor) => stageRules(tx, actor, groupId, wanted)) }
  }),

  DescribeSecurityGroupRules: reads(async ({ deps, actor, params }) => {
    const filter = {
      groupId: params.text('security_group'),
      ids: params.list('security_group_rules'),
      direction: directionFrom(params),
    }
    const found = await describeRules(deps.db, actor.projectId, filter, params.slice())
    return { security_group_rule_set: found.rows.map(item), total_count: found.total }
  }),

  ModifySecurityGroupRuleAttributes: writes(async (call) => {
    const { params } = call
    const id = own('sgr', params.required('security_group_rule'))
    if (params.flag('disabled')) throw notAllowed('a rule cannot be disabled: delete it')
    await inTransaction(call, (tx, actor) => stageChange(tx, actor, id, (now) => ruleFieldsFrom(params, '', now)))
    return { security_group_rule_id: id }
  }),

  DeleteSecurityGroupRules: writes(async (call) => {
    const rules = [...new Set(call.params.requiredList('security_group_rules'))]
    const ids = rules.map((id) => own('sgr', id))
    await inTransaction(call, (tx, actor) => stageDeletion(tx, actor, ids))
    return { security_group_rules: rules }
  }),
}

const item = (row: RuleRow) => ({
  security_group_id: row.groupId,
  security_group_rule_id: row.id,
  security_group_rule_name: row.name,
  protocol: row.protocol,
  priority: row.priority,
  action: row.action,
  direction: row.direction === 'in' ? 0 : 1,
  ...ruleValues(ruleFields(row)),
  disabled: 0,
  create_time: wireTime(row.createdAt),
})
