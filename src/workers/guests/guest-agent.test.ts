import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { TransientError } from '../errors.ts'
import { execResult, GuestAgent, guestInterfaces } from './guest-agent.ts'
import { cutLines } from './json-line-socket.ts'
import { Qmp, QmpError } from './qmp.ts'

describe('lines of JSON', () => {
  it('a line that is not whole waits for its end', () => {
    expect(cutLines('{"a":1}\r\n{"b"')).toEqual({ lines: ['{"a":1}'], rest: '{"b"' })
  })

  it('a delimiter drops what an earlier client left before it', () => {
    expect(cutLines('{"old":\xff{"return":7}\n').lines).toEqual(['{"return":7}'])
  })
})

describe('what the agent tells', () => {
  it('MACs are in lower case, addresses carry their prefix, and loopback is left out', () => {
    const listed = [
      {
        name: 'lo',
        'hardware-address': '00:00:00:00:00:00',
        'ip-addresses': [{ 'ip-address': '127.0.0.1', prefix: 8 }],
      },
      {
        name: 'eth0',
        'hardware-address': '52:54:00:AA:00:01',
        'ip-addresses': [{ 'ip-address': '172.16.1.2', prefix: 24 }],
      },
      { name: 'eth1', 'hardware-address': '52:54:00:aa:00:02' },
      { name: 'tun0' },
    ]
    expect(guestInterfaces(listed)).toEqual([
      { name: 'eth0', mac: '52:54:00:aa:00:01', addresses: ['172.16.1.2/24'] },
      { name: 'eth1', mac: '52:54:00:aa:00:02', addresses: [] },
    ])
  })

  it('a program that a signal ended has 128 and the signal as exit code', () => {
    expect(execResult({ exited: true, signal: 9 })).toEqual({ exitCode: 137, stdout: '', stderr: '' })
    expect(execResult({ exited: true, exitcode: 0, 'out-data': 'aMOkCg==' }).stdout).toBe('hä\n')
  })
})

describe('sessions', () => {
  let dir: string
  let path: string
  let server: Server | undefined

  /** Listens as a peer that answers each line by `answer`, after `greeting`. */
  const listen = async (answer: (line: string) => string, greeting = '') => {
    server = createServer((socket) => {
      socket.write(greeting)
      socket.on('error', () => undefined)
      socket.on('data', (data) => socket.write(answer(data.toString('latin1')), 'latin1'))
    })
    await new Promise<void>((resolve) => server?.listen(path, resolve))
  }
  const idOf = (line: string) => /"id":(\d+)/.exec(line)?.[1]

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'patchbay-'))
    path = join(dir, 's')
  })
  afterEach(async () => {
    server?.close()
    server = undefined
    await rm(dir, { recursive: true })
  })

  it('no socket is a fault that may pass', async () => {
    await expect(Qmp.session(path, async () => 1)).rejects.toThrow(TransientError)
    await expect(GuestAgent.session(path, async () => 1)).rejects.toThrow(TransientError)
  })

  it('an agent that does not answer is given up after its time', async () => {
    await listen(() => '')
    await expect(GuestAgent.session(path, async () => 1, { syncTimeoutMs: 50 })).rejects.toThrow(
      'no guest agent answered',
    )
  })

  it('an answer to an earlier client is not taken for ours', async () => {
    await listen((line) => `{"return":1}\n\xff{"return":${idOf(line)}}\n`)
    expect(await GuestAgent.session(path, async () => 'in')).toBe('in')
  })

  it('a monitor that greets nobody is held by another client', async () => {
    await listen(() => '')
    await expect(Qmp.session(path, async () => 1, { timeoutMs: 50 })).rejects.toThrow('another client')
  })

  it('a refusal carries the class and the words of QEMU', async () => {
    const refusal = (line: string) => `{"id":${idOf(line)},"error":{"class":"DeviceNotFound","desc":"no x"}}\n`
    await listen(
      (line) => (line.includes('capabilities') ? `{"id":${idOf(line)},"return":{}}\n` : refusal(line)),
      '{"QMP":{}}\n',
    )
    const error = await Qmp.session(path, (qmp) => qmp.execute('device_del', { id: 'x' })).catch((e: unknown) => e)
    expect(error).toBeInstanceOf(QmpError)
    expect(error).toMatchObject({ command: 'device_del', qmpClass: 'DeviceNotFound', desc: 'no x' })
  })

  it('an event that came before the answer is not lost', async () => {
    await listen(
      (line) => `{"event":"DEVICE_DELETED","data":{"device":"n"}}\n{"id":${idOf(line)},"return":{}}\n`,
      '{"QMP":{}}\n',
    )
    const event = await Qmp.session(path, async (qmp) => {
      await qmp.execute('device_del', { id: 'n' })
      return qmp.event(({ data }) => data.device === 'n', 0)
    })
    expect(event?.event).toBe('DEVICE_DELETED')
  })
})
