import { useState } from 'react'

export const THEMES = ['system', 'light', 'dark'] as const
export type Theme = (typeof THEMES)[number]

const STORED = 'patchbay.theme'

/** Of the last visit; before anything is drawn. */
export function applyStoredTheme(): Theme {
  const stored = THEMES.find((theme) => theme === localStorage.getItem(STORED)) ?? 'system'
  apply(stored)
  return stored
}

function apply(theme: Theme): void {
  const { dataset } = document.documentElement
  if (theme === 'system') delete dataset.theme
  else dataset.theme = theme
}

export function useTheme(): [Theme, (theme: Theme) => void] {
  const [theme, choose] = useState(applyStoredTheme)
  return [
    theme,
    (chosen) => {
      localStorage.setItem(STORED, chosen)
      apply(chosen)
      choose(chosen)
    },
  ]
}
