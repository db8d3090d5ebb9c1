import { Component, type ReactNode } from 'react'
import { common } from '../text/common.ts'
import { useText } from '../text/language.tsx'
import { shell } from '../text/shell.ts'
import { Button } from '../ui/Button.tsx'
import { Page } from '../ui/page.tsx'

interface Props {
  /** Another one, such as another page, is tried anew. */
  readonly of: string
  readonly children: ReactNode
}

/**
 * Shows, instead of a page, that it failed: by a mistake of ours, or because its file is no more since the service was
 * upgraded, for which a reload is the cure.
 */
export class ErrorBoundary extends Component<Props, { failedOf?: string; error?: unknown }> {
  override state: { failedOf?: string; error?: unknown } = {}

  static getDerivedStateFromError = (error: unknown) => ({ error })

  override componentDidCatch(): void {
    this.setState({ failedOf: this.props.of })
  }

  override componentDidUpdate(): void {
    const { failedOf } = this.state
    if (failedOf !== undefined && failedOf !== this.props.of) this.setState({ failedOf: undefined, error: undefined })
  }

  override render(): ReactNode {
    return this.state.error === undefined ? this.props.children : <HasFailed error={this.state.error} />
  }
}

function HasFailed({ error }: { error: unknown }) {
  const t = useText()
  return (
    <Page title={t(shell.failed)}>
      <p className="mono">{error instanceof Error ? error.message : String(error)}</p>
      <div>
        <Button look="primary" onPress={() => location.reload()}>
          {t(common.retry)}
        </Button>
      </div>
    </Page>
  )
}
