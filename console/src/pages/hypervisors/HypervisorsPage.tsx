import { common } from '../../text/common.ts'
import { useText } from '../../text/language.tsx'
import { Page } from '../../ui/page.tsx'

export default function HypervisorsPage() {
  const t = useText()
  return <Page title={t(common.hypervisors)}>{null}</Page>
}
