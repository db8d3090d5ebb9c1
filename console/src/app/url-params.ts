import { useCallback, useEffect, useRef, useState } from 'react'
import { useSearchParams } from 'react-router'

/** A part of the page's address: what is looked for, or filtered by. Empty: it is not there. */
export function useParam(name: string): [value: string, set: (value: string) => void] {
  const [params, setParams] = useSearchParams()
  const set = useCallback(
    (value: string) =>
      setParams(
        (now) => {
          const next = new URLSearchParams(now)
          if (value === '') next.delete(name)
          else next.set(name, value)
          return next
        },
        { replace: true },
      ),
    [name, setParams],
  )
  return [params.get(name) ?? '', set]
}

const SETTLED_MS = 250

/**
 * What is being typed, and what of it has settled, which lives in the URL. The field has a state of its own: the router
 * renders when it has time, and a field that waits for it loses letters.
 */
export function useUrlText(name: string): { text: string; settled: string; setText: (text: string) => void } {
  const [settled, settle] = useParam(name)
  const [text, setText] = useState(settled)
  const pushed = useRef(settled)
  useEffect(() => {
    // Somebody went elsewhere: back, or by a link to this same page.
    if (settled !== pushed.current) setText(settled)
    pushed.current = settled
  }, [settled])
  useEffect(() => {
    if (text.trim() === pushed.current) return
    const timer = setTimeout(() => {
      pushed.current = text.trim()
      settle(text.trim())
    }, SETTLED_MS)
    return () => clearTimeout(timer)
  }, [text, settle])
  return { text, settled, setText }
}
