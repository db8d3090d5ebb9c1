import { HttpError } from '@oazapfts/runtime'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useAct } from '../../api/act.ts'
import { createElasticIp } from '../../api/client.ts'
import { common } from '../../text/common.ts'
import { elasticIps as words } from '../../text/elastic-ips.ts'
import { useText } from '../../text/language.tsx'
import { FormDialog } from '../../ui/Dialog.tsx'
import { NumberField, Pair, Select, TextField } from '../../ui/fields.tsx'
import { NameField } from '../../ui/NameFields.tsx'
import { isIpv4 } from '../networks/ranges.ts'
import { BandwidthField } from './BandwidthField.tsx'
import { poolsQuery } from './pools.ts'

const MOST_AT_ONCE = 50

type Body = Parameters<typeof createElasticIp>[0]

export function AllocateDialog({ onClose }: { onClose: () => void }) {
  const t = useText()
  const { data } = useQuery(poolsQuery())
  const pools = data?.items ?? []
  const withRoom = pools.filter(({ addresses_available }) => addresses_available > 0)
  const [picked, pick] = useState<string>()
  const pool = picked ?? (withRoom.length === 1 ? withRoom[0]?.id : undefined)
  const [count, setCount] = useState('1')
  const [address, setAddress] = useState('')
  const [name, setName] = useState('')
  const [mbps, setMbps] = useState('')
  const isOne = Number(count) === 1
  const act = useAct(async ({ count: wanted, ...body }: Body & { count: number }, { headers }) => {
    for (let made = 0; made < wanted; made++) {
      // A key for each: asked again after a lost answer, those that are there already are not made twice.
      const own = { 'Idempotency-Key': `${headers['Idempotency-Key']}-${made}` }
      await createElasticIp(body, { headers: own }).catch((error: unknown) => {
        // What is refused half way leaves the form with how many are still to be made.
        if (error instanceof HttpError) setCount(String(wanted - made))
        throw error
      })
    }
  })
  return (
    <FormDialog
      title={t(words.allocate)}
      submit={t(words.allocateIt)}
      act={act}
      values={() => ({
        count: Number(count),
        ...(pool && { pool_id: pool }),
        ...(name.trim() && { name: name.trim() }),
        ...(isOne && address.trim() && { address: address.trim() }),
        ...(mbps.trim() && { bandwidth_mbps: Number(mbps) }),
      })}
      fields={['pool_id', 'name', 'address', 'bandwidth_mbps']}
      onClose={onClose}
    >
      <Select
        label={t(words.pool)}
        name="pool_id"
        isRequired
        options={pools.map(({ id, name: called, addresses_available: free, addresses_total: total }) => ({
          id,
          label: called,
          hint: t(words.poolHint, { free, total }),
          why: free === 0 ? t(words.poolIsFull) : undefined,
        }))}
        value={pool ?? null}
        onChange={pick}
      />
      <Pair>
        <NumberField
          label={t(words.count)}
          name="count"
          isRequired
          min={1}
          max={MOST_AT_ONCE}
          value={count}
          onChange={setCount}
        />
        <TextField
          label={t(words.address)}
          name="address"
          hint={t(words.addressHint)}
          isMono
          isDisabled={!isOne}
          value={isOne ? address : ''}
          onChange={setAddress}
          check={(typed) => (isIpv4(typed) ? undefined : t(common.mustBeIpv4))}
        />
        <BandwidthField value={mbps} onChange={setMbps} />
        <NameField value={name} onChange={setName} />
      </Pair>
    </FormDialog>
  )
}
