import type { Server } from '../../api/client.ts'
import { useWords } from '../../text/language.tsx'
import { servers } from '../../text/servers.ts'
import { LOCALE } from '../../text/text.ts'

const MB_IN_GB = 1024

/** How large a server is, in words: `2 vCPU · 4 GB`. */
export function useSize(): (server: Pick<Server, 'vcpus' | 'memory_mb'>) => string {
  const { t, language } = useWords()
  return ({ vcpus, memory_mb: mb }) => {
    const isGb = mb >= MB_IN_GB
    const memory = new Intl.NumberFormat(LOCALE[language], {
      style: 'unit',
      unit: isGb ? 'gigabyte' : 'megabyte',
      maximumFractionDigits: 1,
    }).format(isGb ? mb / MB_IN_GB : mb)
    return t(servers.sizeIs, { vcpus, memory })
  }
}
