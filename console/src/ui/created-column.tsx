import { common } from '../text/common.ts'
import type { Words } from '../text/language.tsx'
import type { Column } from './DataTable.tsx'
import { Time } from './page.tsx'

/** Since when the thing of a row is there. */
export const createdColumn = <T extends { readonly created_at: string }>(t: Words['t']): Column<T> => ({
  id: 'created',
  header: t(common.created),
  width: '205px',
  sortBy: ({ created_at }) => created_at,
  cell: ({ created_at }) => <Time at={created_at} />,
})
