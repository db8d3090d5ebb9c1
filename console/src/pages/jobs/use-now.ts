import { useEffect, useState } from 'react'
import { serviceNow } from '../../api/clock.ts'

/** The time by the service's clock, milliseconds since 1970, once a second while something runs. */
export function useNow(isRunning: boolean): number {
  const [now, setNow] = useState(serviceNow)
  useEffect(() => {
    if (!isRunning) return
    setNow(serviceNow())
    const timer = setInterval(() => setNow(serviceNow()), 1000)
    return () => clearInterval(timer)
  }, [isRunning])
  return now
}
