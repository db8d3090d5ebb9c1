import { useText } from '../../text/language.tsx'
import { servers } from '../../text/servers.ts'
import { NumberField } from '../../ui/fields.tsx'

const VCPUS = { min: 1, max: 64 }
const MEMORY_MB = { min: 128, max: 1_048_576 }

interface SizeFieldsProps {
  readonly vcpus: string
  readonly setVcpus: (vcpus: string) => void
  readonly memory: string
  readonly setMemory: (memory: string) => void
}

/** How large a server is. */
export function SizeFields({ vcpus, setVcpus, memory, setMemory }: SizeFieldsProps) {
  const t = useText()
  return (
    <>
      <NumberField label={t(servers.vcpus)} name="vcpus" value={vcpus} onChange={setVcpus} {...VCPUS} isRequired />
      <NumberField
        label={t(servers.memory)}
        name="memory_mb"
        value={memory}
        onChange={setMemory}
        {...MEMORY_MB}
        isRequired
      />
    </>
  )
}
