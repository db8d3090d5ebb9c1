import { common } from '../../text/common.ts'
import { useText } from '../../text/language.tsx'
import { Page } from '../../ui/page.tsx'

export default function NicsPage() {
  const t = useText()
  return <Page title={t(common.nics)}>{null}</Page>
}
