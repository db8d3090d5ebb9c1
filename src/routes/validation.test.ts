import { Type } from 'typebox'
import { describe, expect, it } from 'vitest'
import { Address, AnyCidr, Body, Cidr, Ipv4, Name, Tags } from './fields.ts'
import { fieldErrors, validatorCompiler } from './validation.ts'

/** What is wrong with a value, as `pointer detail` lines. */
function wrong(schema: object, value: unknown, httpPart = 'body'): string[] {
  const route = { schema, method: 'POST', url: '/', httpPart }
  const validate = validatorCompiler(route) as { (data: unknown): boolean; errors: never[] | null }
  if (validate(value)) return []
  return fieldErrors(validate.errors ?? [], httpPart).map(({ pointer, detail }) => `${pointer} ${detail}`)
}

describe('text', () => {
  it.each(['a', 'ümlaut', '你好', '😀', ' '])('may be %j', (text) => expect(wrong(Name, text)).toEqual([]))
  it.each(['\0', 'a\nb', '\x7f', '\x85', '\ud800', 'a\udc00'])('may not be %j', (text) => {
    expect(wrong(Name, text)).toEqual([' must be text without control characters'])
  })
})

describe('an address', () => {
  it.each(['0.0.0.0', '10.0.0.1', '255.255.255.255'])('may be %s', (text) => expect(wrong(Ipv4, text)).toEqual([]))
  it.each([
    '',
    '10.0.0',
    '10.0.0.1/24',
    '10.0.0.256',
    '10.0.0.01',
    '1',
    '0x0a000001',
    ' 10.0.0.1',
    '::1',
    '10.0.0.1\n',
  ])('may not be %j', (text) => expect(wrong(Ipv4, text)).toEqual([' must be an IPv4 address such as 172.16.1.100']))
})

describe('an address of either version', () => {
  it.each(['10.0.0.1', 'fd00::1', '::1', '2001:db8:0:1:5054:ff:fe00:1'])('may be %s', (text) => {
    expect(wrong(Address, text)).toEqual([])
  })
  it.each(['', 'x', '10.0.0.1/32', 'fd00::1/128', 'FD00::1', 'fd00:0::1', 'fe80::1%eth0', '::ffff:a00:1', 'fd00::1\n'])(
    'may not be %j',
    (text) => expect(wrong(Address, text)).toEqual([expect.stringMatching(/^ must be an IPv4 address such as .*, or/)]),
  )
})

describe('a CIDR of either version', () => {
  it.each(['10.0.0.0/8', '::/0', '::/96', '::1/128', 'fd00::/8', '::ffff:0:0:0/96', '64:ff9b::/96'])(
    'may be %s',
    (text) => expect(wrong(AnyCidr, text)).toEqual([]),
  )
  it.each(['::ffff:a00:1/128', '::ffff:10.0.0.1/128', '::ffff:0:0/96', '::a00:1/128', '::10.0.0.1/128'])(
    'may not be %s, which is IPv4 in IPv6 form',
    (text) => expect(wrong(AnyCidr, text)).toEqual([expect.stringContaining('not of IPv4 in IPv6 form')]),
  )
})

describe('a CIDR', () => {
  it.each(['10.0.0.0/16', '172.16.1.0/24', '0.0.0.0/0', '10.0.0.1/32'])('may be %s', (text) => {
    expect(wrong(Cidr, text)).toEqual([])
  })
  it.each(['10.0.0.1/24', '10.0.0.0', '10.0.0.0/33', '10.0.0.0/08', '010.0.0.0/16', '10.0/16', '::/0', '/', 'x/24'])(
    'may not be %j',
    (text) => expect(wrong(Cidr, text)).toEqual([' must be a CIDR without host bits such as 172.16.1.0/24']),
  )
})

describe('an object', () => {
  const schema = Body(
    {
      name: Name,
      count: Type.Optional(Type.Integer({ maximum: 5 })),
      kind: Type.Optional(Type.Enum(['a', 'b'])),
      tags: Type.Optional(Tags),
    },
    { dependentRequired: { count: ['kind'] } },
  )

  it('is told everything that is wrong with it at once, each with its place', () => {
    const said = wrong(schema, { count: '1', 'a/b~': 1, tags: { ok: 'x', bad: 5, '': 'y' } })
    expect(said.sort()).toEqual(
      [
        '/a~1b~0 is not a known field',
        '/count must be integer',
        '/kind is required with count',
        '/name is required',
        '/tags/ must NOT have fewer than 1 characters',
        '/tags/bad must be string',
      ].sort(),
    )
  })

  it('says which values are allowed', () => {
    expect(wrong(schema, { name: 'x', kind: 'c' })).toEqual(['/kind must be one of a, b'])
  })

  it('of strings becomes numbers in a query only, and lists stay lists', () => {
    const query = Body({ limit: Type.Optional(Type.Integer({ maximum: 5 })), name: Type.Optional(Name) })
    expect(wrong(query, { limit: '5' }, 'querystring')).toEqual([])
    expect(wrong(query, { limit: '5' })).toEqual(['/limit must be integer'])
    for (const limit of ['', 'x', '6', '1.5', '1e400']) expect(wrong(query, { limit }, 'querystring')).toHaveLength(1)
    expect(wrong(query, { name: ['a', 'b'] }, 'querystring')).toEqual(['/name must be string'])
  })

  it('is told of the first hundred places when there are more', () => {
    const fields = Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`f${n}`, n]))
    expect(wrong(schema, fields)).toHaveLength(100)
  })
})
