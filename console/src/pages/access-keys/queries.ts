import { useQueryClient } from '@tanstack/react-query'
import { listAccessKeys, listProjects } from '../../api/client.ts'
import { type ResourceType, wholeList } from '../../api/queries.ts'

/** Of all projects; admins may ask. */
export const accessKeysQuery = () => wholeList('access_key', {}, (cursor, limit) => listAccessKeys({ cursor, limit }))
export const projectsQuery = () => wholeList('project', {}, (cursor, limit) => listProjects({ cursor, limit }))

/**
 * Has lists that span projects read again, for use after an act: events are told within their project, so those of a new
 * project or of another's key do not reach this one.
 */
export function useRenewal(...types: ResourceType[]): () => void {
  const queries = useQueryClient()
  return () => {
    for (const type of types) void queries.invalidateQueries({ queryKey: [type] })
  }
}
