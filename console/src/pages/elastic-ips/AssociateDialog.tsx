import { useState } from 'react'
import { associateElasticIp, type ElasticIp, type ElasticIpPool } from '../../api/client.ts'
import { useJob } from '../../app/our-jobs.ts'
import { common } from '../../text/common.ts'
import { elasticIps as words } from '../../text/elastic-ips.ts'
import { useText } from '../../text/language.tsx'
import { FormDialog } from '../../ui/Dialog.tsx'
import { ComboBox, RadioGroup } from '../../ui/fields.tsx'
import { useHolder } from './Holder.tsx'
import { pickedOf, useNetworkTargets, useNicTargets, useVpcTargets } from './use-targets.ts'

type Kind = 'nic' | 'vpc'

interface Props {
  readonly of: ElasticIp
  readonly pool: ElasticIpPool | undefined
  readonly onClose: () => void
}

/** Gives an elastic IP to a NIC or to a VPC, taking it from whoever has it. */
export function AssociateDialog({ of, pool, onClose }: Props) {
  const t = useText()
  const holder = useHolder(of)
  const [kind, setKind] = useState<Kind>(of.vpc_id === null ? 'nic' : 'vpc')
  const [pickedNetwork, pickNetwork] = useState<string>()
  const [pickedNic, pickNic] = useState<string>()
  const [pickedVpc, pickVpc] = useState<string>()
  const networks = useNetworkTargets(pool)
  const network = pickedOf(networks, pickedNetwork)
  const nics = useNicTargets(network, of)
  const nic = pickedOf(nics, pickedNic)
  const vpcs = useVpcTargets(pool, of)
  const vpc = pickedOf(vpcs, pickedVpc)
  const act = useJob((body: { nic_id?: string; vpc_id?: string }, options) => associateElasticIp(of.id, body, options))
  return (
    <FormDialog
      title={t(words.associateTitle, { address: of.address })}
      submit={t(words.associate)}
      act={act}
      values={() => (kind === 'nic' ? { nic_id: nic ?? '' } : { vpc_id: vpc ?? '' })}
      fields={kind === 'nic' ? ['nic_id'] : ['vpc_id']}
      onClose={onClose}
    >
      {holder && <p>{t(words.takenFrom, { holder })}</p>}
      <RadioGroup
        label={t(words.with)}
        name="kind"
        options={[
          { id: 'nic', label: t(words.aNic), hint: t(words.aNicHint) },
          { id: 'vpc', label: t(words.aVpc), hint: t(words.aVpcHint) },
        ]}
        value={kind}
        onChange={(id) => setKind(id as Kind)}
      />
      {kind === 'nic' ? (
        <>
          <ComboBox
            label={t(common.network)}
            name="network"
            hint={t(networks.some(({ why }) => why === undefined) ? words.networkHint : words.noneToChoose)}
            isRequired
            options={networks}
            value={network ?? null}
            onChange={(id) => {
              pickNetwork(id)
              pickNic(undefined)
            }}
          />
          <ComboBox
            // Another network has other NICs: what was typed to find one is over.
            key={network}
            label={t(common.nic)}
            name="nic_id"
            isRequired
            isDisabled={network === undefined}
            options={nics}
            value={nic ?? null}
            onChange={pickNic}
          />
        </>
      ) : (
        <ComboBox
          label={t(common.vpc)}
          name="vpc_id"
          isRequired
          options={vpcs}
          value={vpc ?? null}
          onChange={pickVpc}
        />
      )}
    </FormDialog>
  )
}
