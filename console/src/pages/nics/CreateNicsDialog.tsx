import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useAct } from '../../api/act.ts'
import { createNics, type Nic } from '../../api/client.ts'
import { networksQuery } from '../../api/queries.ts'
import { common } from '../../text/common.ts'
import { useText } from '../../text/language.tsx'
import { nics as words } from '../../text/nics.ts'
import { LinkButton } from '../../ui/Button.tsx'
import { FormDialog } from '../../ui/Dialog.tsx'
import { ComboBox, NumberField, Pair, RadioGroup } from '../../ui/fields.tsx'
import { More } from '../../ui/More.tsx'
import { NameField } from '../../ui/NameFields.tsx'
import { Empty } from '../../ui/page.tsx'
import { addressesIn } from '../networks/ranges.ts'
import { AddressesField } from './AddressesField.tsx'
import { NicOptionsFields, NO_OPTIONS, OPTION_FIELDS, optionsBody } from './NicOptions.tsx'
import { useNetworkOptions } from './use-network-options.ts'

/** In one request, and in one network. */
const MOST = 252
const WAYS = ['automatic', 'chosen', 'none'] as const
type Way = (typeof WAYS)[number]

interface CreateNicsDialogProps {
  readonly networkId?: string | undefined
  readonly onClose: () => void
  readonly onDone: (made: readonly Nic[]) => void
}

export function CreateNicsDialog({ networkId, onClose, onDone }: CreateNicsDialogProps) {
  const t = useText()
  const { data } = useQuery(networksQuery())
  const options = useNetworkOptions(data?.items ?? [])
  const [picked, pick] = useState(networkId ?? null)
  const [count, setCount] = useState('1')
  const [name, setName] = useState('')
  const [wanted, want] = useState<Way>('automatic')
  const [addresses, setAddresses] = useState('')
  const [more, setMore] = useState(NO_OPTIONS)
  const act = useAct(createNics)

  const usable = options.filter(({ why }) => why === undefined)
  const network = data?.items.find(({ id }) => id === (picked ?? (usable.length === 1 ? usable[0]?.id : undefined)))
  const hasAddresses = network === undefined || network.cidr !== null
  const way = hasAddresses ? wanted : 'none'
  const chosen = way === 'chosen' ? addressesIn(addresses) : []

  const choose = (typed: string) => {
    const next = addressesIn(typed).length
    setAddresses(typed)
    // As many NICs as addresses, unless more were asked for.
    if (Number(count) === Math.max(1, chosen.length) || Number(count) < next) setCount(String(Math.max(1, next)))
  }
  const values = () => ({
    network_id: network?.id ?? '',
    count: Number(count),
    ...(name.trim() !== '' && { name: name.trim() }),
    ...(chosen.length > 0 && { addresses: [...chosen] }),
    ...(way === 'none' && network?.type === 'managed' && { addressed: false }),
    ...optionsBody(more),
  })
  return (
    <FormDialog
      title={t(words.create)}
      submit={t(words.createSubmit)}
      isWide
      act={act}
      values={values}
      fields={['network_id', 'count', 'name', 'addresses', ...OPTION_FIELDS]}
      why={data?.items.length === 0 ? t(words.noNetworks) : undefined}
      onClose={onClose}
      onDone={({ items }) => onDone(items)}
    >
      {data?.items.length === 0 ? (
        <Empty>
          <p>{t(words.noNetworks)}</p>
          <LinkButton look="primary" to="/networks?create=1">
            {t(words.createNetwork)}
          </LinkButton>
        </Empty>
      ) : (
        <ComboBox
          label={t(common.network)}
          name="network_id"
          isRequired
          options={options}
          value={network?.id ?? null}
          onChange={(id) => {
            if (id === network?.id) return
            pick(id)
            choose('')
          }}
        />
      )}
      <Pair>
        <NameField value={name} onChange={setName} />
        <NumberField
          label={t(words.count)}
          name="count"
          isRequired
          min={Math.max(1, chosen.length)}
          max={MOST}
          value={count}
          onChange={setCount}
        />
      </Pair>
      <RadioGroup
        label={t(common.address)}
        name="way"
        value={way}
        onChange={(id) => want(WAYS.find((one) => one === id) ?? 'automatic')}
        options={WAYS.map((id) => ({
          id,
          label: t({ automatic: common.automatic, chosen: words.choose, none: words.withoutAddress }[id]),
          why: id !== 'none' && !hasAddresses ? t(words.noAddresses) : undefined,
        }))}
        hint={way === 'none' ? t(words.withoutAddressHint) : undefined}
      />
      {way === 'chosen' && network && (
        <AddressesField
          key={network.id}
          label={t(words.addresses)}
          name="addresses"
          network={network}
          value={addresses}
          onChange={choose}
          hint={t(words.chosenHint, { chosen: chosen.length, rest: Math.max(0, Number(count) - chosen.length) || 0 })}
        />
      )}
      <More>
        <NicOptionsFields value={more} onChange={setMore} />
      </More>
    </FormDialog>
  )
}
