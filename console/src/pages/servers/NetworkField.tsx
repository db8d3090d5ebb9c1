import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { networksQuery } from '../../api/queries.ts'
import { common } from '../../text/common.ts'
import { useText } from '../../text/language.tsx'
import { ComboBox, type Option } from '../../ui/fields.tsx'
import { useNetworkOptions } from '../nics/use-network-options.ts'

/** The network that is chosen in a form; the only one there is, before one has chosen. */
export function useOnlyNetwork() {
  const { data } = useQuery(networksQuery())
  const [chosen, choose] = useState<string | null>(null)
  const only = data?.items.length === 1 ? data.items[0]?.id : undefined
  return [chosen ?? only ?? null, choose] as const
}

interface NetworkFieldProps {
  readonly value: string | null
  readonly onChange: (id: string) => void
  readonly isRequired?: boolean
  /** A choice before all networks. */
  readonly none?: Option
  readonly hint?: string
}

/** A network, by its name, with how much room it has. */
export function NetworkField({ value, onChange, isRequired = false, none, hint }: NetworkFieldProps) {
  const t = useText()
  const { data } = useQuery(networksQuery())
  const options = useNetworkOptions(data?.items ?? [])
  return (
    <ComboBox
      label={t(common.network)}
      name="network_id"
      isRequired={isRequired}
      value={value}
      onChange={onChange}
      options={none ? [none, ...options] : options}
      hint={hint}
    />
  )
}
