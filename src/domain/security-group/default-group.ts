/** Id of a project's default group, which is made with the project (`make_default_group`) and named for it. */
export const defaultGroupOf = (projectId: string): string => `sg-${projectId.slice('prj-'.length)}`
