import { it } from 'vitest'
import { readFile } from 'node:fs/promises'
import { execFileSync } from 'node:child_process'
import { aDataPlane, aNetwork, aNic, hostOf, ip, tapOf, unique, inside } from './a-data-plane.ts'
it('dbg', async () => {
  const w = await aDataPlane(); const network = aNetwork()
  await w.plane.ensureNetwork(network)
  const pid = Number((await readFile(`${w.runDir}/dhcp/${network.vni.toString(16)}/pid`,'utf8')))
  const st = (t: string) => console.log(t, execFileSync('sh',['-c',`grep State /proc/${pid}/status; cat ${w.runDir}/dhcp/${network.vni.toString(16)}/leases`]).toString())
  const nic = aNic(network,0,100), id=`i-${unique()}`
  await w.plane.ensureDhcpHosts(network,[hostOf(nic)])
  await w.plane.ensureTaps([tapOf(network, nic, { kind: 'veth', netns: id, ifName: 'eth0' })])
  await ip(id, 'link', 'set', 'dev', 'eth0', 'address', nic.mac, 'up')
  st('before')
  const s = execFileSync('sh', ['-c', `nsenter --net=/run/netns/${id} busybox udhcpc -i eth0 -n -q -f -t 3 -T 1 -s /bin/true 2>&1`]).toString()
  console.log(s)
  st('leased')
  const o = process.env.DBG ? execFileSync('sh',['-c', `timeout 3 strace -o /tmp/st.txt -p ${pid} >/dev/null 2>&1 & sleep 0.5`]) : ''
  await w.plane.removeDhcpHosts(network,[nic.mac])
  st('removed')
  await new Promise(r=>setTimeout(r,300))
  st('removed')
  await ip(id,'netns','delete',id); await w.dispose()
})
