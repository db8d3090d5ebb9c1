import { describe, expect, it } from 'vitest'

import { QemuGuest } from './qemu.ts'
import { deviceOf, macOfDeviceId, nicDeviceId, qemuArguments, vectorsOf } from './qemu-command.ts'
import { parseListeners } from './qemu-process.ts'

const nic = { mac: '52:54:00:00:00:01', slot: 9, tap: 'tap00000001', mtu: 1450 }
const machine = { id: 'i-1', vcpus: 1, memoryMb: 256, kernel: '/k', initrd: '/i' }
const paths = {
  qmp: '/run/a,b/qmp.sock',
  agent: '/run/a/agent.sock',
  pidFile: '/run/a/pid',
  console: '/run/a/console.sock',
}

describe('names of devices', () => {
  it('a device id gives its MAC back, and other ids give none', () => {
    expect(nicDeviceId(nic.mac)).toBe('nic-525400000001')
    expect(macOfDeviceId('nic-525400000001')).toBe(nic.mac)
    expect(macOfDeviceId('agent-bus')).toBeUndefined()
    expect(macOfDeviceId('nic-0')).toBeUndefined()
  })
})

describe('arguments of QEMU', () => {
  const args = qemuArguments(machine, paths, [nic], { kvm: false })

  it('there is a root port for each of 64 slots, eight to a device', () => {
    const ports = args.filter((arg) => arg.startsWith('pcie-root-port,'))
    expect(ports).toHaveLength(64)
    expect(ports[63]).toContain('id=port63,bus=pcie.0,addr=0xb.7')
    expect(new Set(ports.map((port) => /addr=([^,]*)/.exec(port)?.[1])).size).toBe(64)
  })

  it('a NIC sits on the port of its slot, on a tap that is there already', () => {
    expect(args).toContain('tap,id=net-525400000001,ifname=tap00000001,script=no,downscript=no')
    expect(args.find((arg) => arg.startsWith('virtio-net-pci,'))).toContain('bus=port9')
  })

  it('a comma in a path does not end the option', () => {
    expect(args).toContain('unix:/run/a,,b/qmp.sock,server=on,wait=off')
  })

  it('a single CPU has vectors for the lower half of the slots only', () => {
    expect(vectorsOf(31, 1)).toEqual({})
    expect(vectorsOf(32, 1)).toEqual({ vectors: 0 })
    expect(vectorsOf(63, 2)).toEqual({})
    expect(deviceOf({ ...nic, slot: 40 }, 'port40', 1)).toMatchObject({ vectors: 0, bus: 'port40' })
  })
})

describe('a qemu guest', () => {
  it('a run directory that is too long for a socket is refused by name', () => {
    const dir = `/run/${'x'.repeat(100)}`
    expect(() => new QemuGuest({ ...machine, netns: 'n', dir })).toThrow(`${dir}/console.sock is longer than 107 bytes`)
  })

  it('listeners are found by path, with spaces too, and sockets of others are not', () => {
    const output = [
      'u_str LISTEN 0      1      /run/a/qmp.sock 12345 * 0    users:(("qemu-system-x86",pid=42,fd=10))',
      'u_str LISTEN 0      4096   /run/with space/s 777 * 0  users:(("x",pid=7,fd=3))',
      'u_str LISTEN 0      4096   /run/no-owner 778 * 0',
    ].join('\n')
    expect([...parseListeners(output)]).toEqual([
      ['/run/a/qmp.sock', 42],
      ['/run/with space/s', 7],
    ])
  })
})
