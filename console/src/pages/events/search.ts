const MAC = /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i
const IPV4 = /^(\d{1,3}\.){3}\d{1,3}$/
const IPV6 = /^[0-9a-f]*:[0-9a-f:]*$/i

/** What a reader looks for in events: an address of the past, or a resource; half an address is nothing yet. */
export function searched(text: string): { address?: string; resourceId?: string } {
  const words = text.trim()
  if (MAC.test(words)) return { resourceId: words.toLowerCase() }
  if (IPV4.test(words)) return { address: words }
  if (/^[\d.]*$/.test(words)) return {}
  if (IPV6.test(words)) return words.split(':').length > 2 ? { address: words.toLowerCase() } : {}
  return { resourceId: words }
}
