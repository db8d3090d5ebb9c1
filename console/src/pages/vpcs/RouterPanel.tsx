import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { Link } from 'react-router'
import { ifUnchanged } from '../../api/act.ts'
import { type Job, setRouting, setSourceNat, type Vpc } from '../../api/client.ts'
import { elasticIpsQuery } from '../../api/queries.ts'
import { useLacks } from '../../api/session.tsx'
import { useJob } from '../../app/our-jobs.ts'
import { common } from '../../text/common.ts'
import { useText } from '../../text/language.tsx'
import { vpcs as words } from '../../text/vpcs.ts'
import { LinkButton } from '../../ui/Button.tsx'
import { ConfirmDialog } from '../../ui/Dialog.tsx'
import { Copyable, Facts, Panel } from '../../ui/page.tsx'
import { RefusalView } from '../../ui/Refusal.tsx'
import { Switch } from '../../ui/Switch.tsx'
import styles from './vpcs.module.css'

/** What the router of a VPC does, and by which address it is seen outside. */
export function RouterPanel({ vpc, networkCount }: { vpc: Vpc; networkCount: number }) {
  const t = useText()
  const why = useLacks()('operator')
  const { data: elasticIps } = useQuery(elasticIpsQuery({ vpcId: vpc.id }))
  const [isAsking, setAsking] = useState(false)
  const nat = useJob((enabled: boolean, options) => setSourceNat(vpc.id, { enabled }, ifUnchanged(vpc, options)))
  const routing = useJob((enabled: boolean, options) => setRouting(vpc.id, { enabled }, ifUnchanged(vpc, options)))
  const elasticIp = elasticIps?.items[0]
  const refusal = nat.refusal ?? routing.refusal
  return (
    <Panel title={t(words.router)}>
      {refusal && <RefusalView refusal={refusal} />}
      <div>
        <Switch
          label={t(words.routerSwitch)}
          isOn={vpc.routing}
          isPending={routing.isRunning}
          why={why}
          onChange={(isOn) => (isOn ? void routing.run(true) : setAsking(true))}
        />
        <p className={styles.under}>{t(words.routerHint)}</p>
      </div>
      <div>
        <Switch
          label={t(words.sourceNat)}
          isOn={vpc.source_nat}
          isPending={nat.isRunning}
          why={why}
          onChange={(isOn) => void nat.run(isOn)}
        />
        <p className={styles.under}>
          {t(words.sourceNatHint)}
          {elasticIps && !elasticIp && vpc.source_nat && ` · ${t(words.sourceNatIdle)}`}
        </p>
      </div>
      <Facts
        facts={[
          [
            t(common.elasticIp),
            elasticIp ? (
              <Copyable key="address" text={elasticIp.address}>
                <Link className="mono" to={`/elastic-ips?search=${elasticIp.address}`}>
                  {elasticIp.address}
                </Link>
              </Copyable>
            ) : (
              <span key="none">
                <span className="soft">{t(words.noElasticIp)}</span>{' '}
                <LinkButton look="quiet" isSmall to="/elastic-ips">
                  {t(words.findElasticIp)}
                </LinkButton>
              </span>
            ),
          ],
        ]}
      />
      {isAsking && <SwitchOffDialog vpc={vpc} networkCount={networkCount} onClose={() => setAsking(false)} />}
    </Panel>
  )
}

function SwitchOffDialog({ vpc, networkCount, onClose }: { vpc: Vpc; networkCount: number; onClose: () => void }) {
  const t = useText()
  const act = useJob<void>(
    (_, options): Promise<Job> => setRouting(vpc.id, { enabled: false }, ifUnchanged(vpc, options)),
  )
  return (
    <ConfirmDialog
      title={t(words.switchOffThis, { name: vpc.name })}
      confirm={t(words.switchOff)}
      act={act}
      onClose={onClose}
    >
      <p>{t(words.switchOffLoses, { count: networkCount })}</p>
    </ConfirmDialog>
  )
}
