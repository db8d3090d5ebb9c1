import { expect, it } from 'vitest'

import { isSameHost, parseHostFiles, renderHostFiles, tagsSuffice } from './dhcp-host-files.ts'

const web = {
  mac: '52:54:00:00:00:02',
  address: '172.16.1.9',
  ipv6Address: 'fd00::5054:ff:fe00:2',
  primary: true,
  name: 'web',
  options: { '42': '172.16.1.5,172.16.1.6', '66': '' },
}
const db = { mac: '52:54:00:00:00:01', address: '172.16.1.10', primary: false }

it('hosts with roles, names and options are read back as they were written, in any order', () => {
  const files = renderHostFiles([web, db])
  expect(renderHostFiles([db, web])).toEqual(files)
  expect([...parseHostFiles(files).values()]).toEqual([db, web])
})

it('hosts carry no tags: dnsmasq 2.90 dies of them', () => {
  expect(renderHostFiles([web]).hosts).not.toContain('set:')
})

it('a name that is not answered and an option without its tag show as missing', () => {
  const files = renderHostFiles([web])
  const [host] = parseHostFiles({ ...files, names: '' }).values()
  expect(host).not.toHaveProperty('name')
  expect(isSameHost(web, host)).toBe(false)
  const [untagged] = parseHostFiles({ ...files, tags: '' }).values()
  const { options: _, ...rest } = web
  expect(untagged).toEqual({ ...rest, primary: false })
})

it('an IPv6 address is kept without a name too, and answered with one', () => {
  const { name: _, ...nameless } = web
  expect([...parseHostFiles(renderHostFiles([nameless])).values()]).toEqual([nameless])
  const files = renderHostFiles([web])
  expect(files.names.split('\n')).toContain(`${web.ipv6Address} web`)
  const [host] = parseHostFiles({ ...files, names: '172.16.1.9 web\n' }).values()
  expect(isSameHost(web, host)).toBe(false)
})

it('tags suffice until a NIC becomes the primary one, is it no longer, or first has options', () => {
  const { tags } = renderHostFiles([web, db])
  expect(tagsSuffice(tags, [])).toBe(true)
  expect(tagsSuffice(tags, [db, { ...web, name: 'www', options: { '42': '10.0.0.1' } }])).toBe(true)
  expect(tagsSuffice(tags, [{ ...db, mac: '52:54:00:00:00:03' }])).toBe(true)
  expect(tagsSuffice(tags, [{ ...web, primary: false }])).toBe(false)
  expect(tagsSuffice(tags, [{ ...db, primary: true }])).toBe(false)
  expect(tagsSuffice(tags, [{ ...db, options: { '42': '10.0.0.1' } }])).toBe(false)
})

it.each([
  ['MAC', { mac: '52:54:00:00:00:02,set:primary' }],
  ['address', { address: '172.16.1.9,ignore' }],
  ['IPv6 address', { ipv6Address: 'fd00::1],ignore' }],
  ['IPv6 address', { ipv6Address: 'fe80::1%x' }],
  ['name', { name: 'web,infinite' }],
  ['name', { name: 'web\n10.0.0.1 bank' }],
  ['option', { options: { '42,tag:x': '1' } }],
  ['option', { options: { '255': '1' } }],
  ['value', { options: { '42': '1.1.1.1\ntag:primary,3,6.6.6.6' } }],
  ['value', { options: { '42': '"' } }],
  ['value', { options: { '42': 'a #b' } }],
])('a %s that could be read as more is refused', (_, change) => {
  expect(() => renderHostFiles([{ ...web, ...change }])).toThrow(RangeError)
})
