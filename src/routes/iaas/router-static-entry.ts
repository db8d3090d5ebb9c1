/** Entries of router statics: accounts of VPNs, networks of tunnels. */
import { addEntries, deleteEntries, describeEntries, updateEntry } from '../../domain/vpc-static/entries.ts'
import { type Actions, inTransaction, reads, writes } from './call.ts'
import { ownId, wireId } from './ids.ts'
import { own } from './own-id.ts'
import type { Parameters } from './parameters.ts'
import { malformed } from './refusals.ts'

export const ROUTER_STATIC_ENTRY: Actions = {
  AddRouterStaticEntries: writes(async (call) => {
    const { params } = call
    const id = own('vs', params.required('router_static'))
    const entries = params.objects('entries', 100)
    if (entries.length === 0) throw malformed('parameter entries.n is required')
    const ids = await inTransaction(call, (tx, actor) => addEntries(tx, actor, id, entries.map(fieldsOf)))
    return { router_static_entries: ids.map(wireId) }
  }),

  DescribeRouterStaticEntries: reads(async ({ deps, actor, params }) => {
    const of = params.text('router_static')
    const names = ['router_static_entries', 'router_static_entry', 'router_static_entry_id']
    const ids = names.map((name) => params.list(name)).find((list) => list !== undefined)
    const filter = { ids: ids?.map((id) => ownId('vse', id)), staticId: of && ownId('vs', of) }
    const found = await describeEntries(deps.db, actor.projectId, filter, params.slice())
    const items = found.rows.map(({ entry, vpcId }) => ({
      router_static_entry_id: wireId(entry.id),
      router_static_entry_name: entry.name,
      router_static_id: wireId(entry.staticId),
      router_id: wireId(vpcId),
      val1: entry.val1,
      val2: entry.val2,
    }))
    return { router_static_entry_set: items, total_count: found.total }
  }),

  ModifyRouterStaticEntryAttributes: writes(async (call) => {
    const entry = call.params.required('router_static_entry')
    const id = own('vse', entry)
    await inTransaction(call, (tx, actor) => updateEntry(tx, actor, id, fieldsOf(call.params)))
    return { router_static_entry: entry, router_static_entry_id: entry }
  }),

  DeleteRouterStaticEntries: writes(async (call) => {
    const entries = call.params.requiredList('router_static_entries')
    const ids = [...new Set(entries)].map((id) => own('vse', id))
    await inTransaction(call, (tx, actor) => deleteEntries(tx, actor, ids))
    return { router_static_entries: entries }
  }),
}

/** Longest of what an entry holds. */
const LONGEST = 4096

function fieldsOf(params: Parameters) {
  const [name, val1, val2] = [
    params.label('router_static_entry_name'),
    params.label('val1', LONGEST),
    params.label('val2', LONGEST),
  ]
  return {
    ...(name === undefined ? {} : { name }),
    ...(val1 === undefined ? {} : { val1 }),
    ...(val2 === undefined ? {} : { val2 }),
  }
}
