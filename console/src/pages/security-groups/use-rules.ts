import { queryOptions } from '@tanstack/react-query'
import { ifUnchanged } from '../../api/act.ts'
import {
  getSecurityGroup,
  listSecurityGroupRules,
  replaceSecurityGroupRules,
  type SecurityGroup,
  updateSecurityGroupRule,
} from '../../api/client.ts'
import { readWhole } from '../../api/queries.ts'
import { useJob } from '../../app/our-jobs.ts'
import { asNew, type Move, type Rule } from './rules.ts'

/**
 * The rules of a group, which change with it, and a generation of the group that is not newer than they are: whoever
 * changes rules as they were read here, with that, undoes nothing that came after.
 */
export const rulesQuery = (groupId: string) =>
  queryOptions({
    queryKey: ['security_group', 'one', groupId, 'rules'],
    queryFn: async () => {
      const { generation } = await getSecurityGroup(groupId)
      return { ...(await readWhole((cursor, limit) => listSecurityGroupRules(groupId, { cursor, limit }))), generation }
    },
  })

/**
 * Puts a rule elsewhere among those of its direction.
 * @param group - of the generation that came with `rules`.
 * @param rules - all of the group.
 */
export const useMoveRule = (group: SecurityGroup, rules: readonly Rule[]) =>
  useJob(({ id, how }: { id: string; how: Move }, options) => {
    if ('priority' in how) return updateSecurityGroupRule(group.id, id, { priority: how.priority }, options)
    const renumbered = rules.map((rule) => ({ ...asNew(rule), priority: how.priorities.get(rule.id) ?? rule.priority }))
    return replaceSecurityGroupRules(group.id, { rules: renumbered }, ifUnchanged(group, options))
  })

/** Brings into force what waits to be applied: any change does, and this one changes nothing. */
export const useApply = (group: SecurityGroup, rules: readonly Rule[]) =>
  useJob<void>((_, options) => {
    const [rule] = rules
    return rule
      ? updateSecurityGroupRule(group.id, rule.id, { name: rule.name }, ifUnchanged(group, options))
      : replaceSecurityGroupRules(group.id, { rules: [] }, ifUnchanged(group, options))
  })
