import './ui/base.css'
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { StrictMode } from 'react'
import { RouterProvider as AriaRouter } from 'react-aria-components'
import { createRoot } from 'react-dom/client'
import { BrowserRouter, useHref, useNavigate } from 'react-router'
import { takeIn } from './api/answers.ts'
import { onAnswer } from './api/client.ts'
import { isAway } from './api/refusal.ts'
import { SessionProvider } from './api/session.tsx'
import { App } from './app/App.tsx'
import { applyStoredTheme } from './app/theme.ts'
import { LanguageProvider } from './text/language.tsx'

applyStoredTheme()

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      // Events say when something is old; see api/live.tsx.
      staleTime: 30_000,
      networkMode: 'always',
      refetchOnWindowFocus: false,
      retry: (failures, error) => isAway(error) && failures < 30,
      retryDelay: (failures) => Math.min(500 * 2 ** failures, 4_000),
    },
  },
})

onAnswer((answer) => takeIn(queries, answer))

function Root() {
  const navigate = useNavigate()
  return (
    <AriaRouter navigate={(to) => void navigate(to)} useHref={useHref}>
      <SessionProvider>
        <App />
      </SessionProvider>
    </AriaRouter>
  )
}

const root = document.getElementById('root')
if (!root) throw new Error('index.html has no #root')
createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={queries}>
      <LanguageProvider>
        <BrowserRouter>
          <Root />
        </BrowserRouter>
      </LanguageProvider>
    </QueryClientProvider>
  </StrictMode>,
)
