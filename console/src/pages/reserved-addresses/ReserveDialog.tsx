import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { type Network, reserveAddresses } from '../../api/client.ts'
import { networksQuery, nicsQuery, reservedAddressesQuery } from '../../api/queries.ts'
import { useJob } from '../../app/our-jobs.ts'
import { common } from '../../text/common.ts'
import { useText } from '../../text/language.tsx'
import { networks } from '../../text/networks.ts'
import { reservedAddresses as words } from '../../text/reserved-addresses.ts'
import { FormDialog } from '../../ui/Dialog.tsx'
import { ComboBox, NumberField, RadioGroup } from '../../ui/fields.tsx'
import { DescriptionField, NameField } from '../../ui/NameFields.tsx'
import { Loading } from '../../ui/page.tsx'
import { AddressGrid } from '../nics/AddressGrid.tsx'

interface Props {
  /** Where to reserve; chosen in the dialog when absent. */
  readonly network?: Network
  /** Chosen already. */
  readonly addresses?: readonly string[]
  readonly onClose: () => void
  readonly onDone?: () => void
}

/** Reserves addresses of one network: the lowest free ones, or those that are chosen. */
export function ReserveDialog({ network: given, addresses: firstChosen = [], onClose, onDone }: Props) {
  const t = useText()
  const { data } = useQuery(networksQuery())
  const [networkId, setNetworkId] = useState<string>()
  const [isChosen, setIsChosen] = useState(firstChosen.length > 0)
  const [chosen, setChosen] = useState(firstChosen)
  const [count, setCount] = useState('1')
  const [name, setName] = useState('')
  const [description, setDescription] = useState('')
  const addressed = data?.items.filter(({ cidr }) => cidr !== null) ?? []
  const only = addressed.length === 1 ? addressed[0] : undefined
  const network = given ?? addressed.find(({ id }) => id === networkId) ?? only
  const act = useJob((body: Parameters<typeof reserveAddresses>[0], options) => reserveAddresses(body, options))
  const inGrid = isChosen && firstChosen.length === 0
  return (
    <FormDialog
      title={t(words.reserve)}
      submit={t(words.reserveIt)}
      isWide={inGrid}
      act={act}
      values={() => ({
        network_id: network?.id ?? '',
        name: name.trim(),
        description: description.trim(),
        ...(isChosen ? { addresses: [...chosen] } : { count: Number(count) }),
      })}
      fields={['network_id', 'count', 'name', 'description']}
      why={isChosen && chosen.length === 0 ? t(words.chooseSome) : undefined}
      onClose={onClose}
      onDone={() => {
        onDone?.()
        onClose()
      }}
    >
      {!given && (
        <ComboBox
          label={t(common.network)}
          name="network_id"
          options={addressed.map((each) => ({
            id: each.id,
            label: each.name,
            hint: `${each.cidr} · ${t(networks.free)} ${each.addresses_available}`,
          }))}
          value={network?.id ?? null}
          onChange={(id) => {
            setNetworkId(id)
            setChosen([])
          }}
          hint={data && addressed.length === 0 ? t(words.noNetworks) : undefined}
          isRequired
        />
      )}
      {firstChosen.length === 0 ? (
        <RadioGroup
          label={t(words.howChosen)}
          name="how"
          options={[
            { id: 'lowest', label: t(words.lowestFree), hint: t(words.lowestFreeHint) },
            { id: 'chosen', label: t(words.chosenHere), hint: t(words.chosenHereHint) },
          ]}
          value={isChosen ? 'chosen' : 'lowest'}
          onChange={(how) => setIsChosen(how === 'chosen')}
        />
      ) : (
        <p>
          {t(words.willReserve)} <span className="mono">{chosen.join(', ')}</span>
        </p>
      )}
      {!isChosen && (
        <NumberField
          label={t(words.howMany)}
          name="count"
          value={count}
          onChange={setCount}
          min={1}
          max={252}
          isRequired
        />
      )}
      {inGrid && network && <Choice network={network} chosen={chosen} onChosen={setChosen} />}
      <NameField value={name} onChange={setName} />
      <DescriptionField value={description} onChange={setDescription} />
    </FormDialog>
  )
}

interface ChoiceProps {
  readonly network: Network
  readonly chosen: readonly string[]
  readonly onChosen: (addresses: readonly string[]) => void
}
function Choice({ network, chosen, onChosen }: ChoiceProps) {
  const { data: nics } = useQuery(nicsQuery({ networkId: network.id }))
  const { data: reserved } = useQuery(reservedAddressesQuery({ networkId: network.id }))
  if (!nics || !reserved) return <Loading />
  return (
    <AddressGrid network={network} nics={nics.items} reserved={reserved.items} chosen={chosen} onChosen={onChosen} />
  )
}
