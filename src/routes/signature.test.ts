import { describe, expect, test } from 'vitest'
import { DomainError } from '../domain/errors.ts'
import {
  assertFresh,
  canonicalQuery,
  claimedKey,
  decodeParameters,
  isSignedWith,
  type SignedRequest,
} from './signature.ts'

const SECRET = 'SECRETACCESSKEY'
const NIC = {
  action: 'CreateNics',
  zone: 'pek3a',
  vxnet: 'vxnet-abcd123',
  nic_name: 'web nic+1/~*',
  count: '2',
  'private_ips.1': '192.168.1.10',
  'private_ips.2': '192.168.1.11',
  access_key_id: 'QYACCESSKEYIDEXAMPLE',
  signature_version: '1',
  version: '1',
  time_stamp: '2026-01-02T03:04:05Z',
  signature_method: 'HmacSHA256',
}
const RUN = {
  action: 'RunInstances',
  access_key_id: 'QYACCESSKEYIDEXAMPLE',
  count: '1',
  image_id: 'centos64x86a',
  instance_name: 'demo',
  instance_type: 'small_b',
  login_mode: 'passwd',
  login_passwd: 'QingCloud20130712',
  signature_method: 'HmacSHA256',
  signature_version: '1',
  time_stamp: '2013-08-27T14:30:10Z',
  version: '1',
  'vxnets.1': 'vxnet-0',
  zone: 'pek1',
}

const request = (parameters: Record<string, string>, over: Partial<SignedRequest> = {}): SignedRequest => ({
  method: 'GET',
  path: '/iaas/',
  raw: '',
  parameters: new Map(Object.entries(parameters)),
  ...over,
})

describe('the signature', () => {
  test('is over the parameters in the order of their names, percent-encoded', () => {
    expect(canonicalQuery(new Map(Object.entries(NIC)))).toBe(
      'access_key_id=QYACCESSKEYIDEXAMPLE&action=CreateNics&count=2&nic_name=web%20nic%2B1%2F~%2A&private_ips.1=192.168.1.10&private_ips.2=192.168.1.11&signature_method=HmacSHA256&signature_version=1&time_stamp=2026-01-02T03%3A04%3A05Z&version=1&vxnet=vxnet-abcd123&zone=pek3a',
    )
  })

  test('sorts names by bytes, so that x.10 comes before x.2, and leaves the signature out', () => {
    const parameters = new Map([
      ['x.2', 'b'],
      ['signature', 's'],
      ['x.10', 'a'],
      ['X', ''],
    ])
    expect(canonicalQuery(parameters)).toBe('X=&x.10=a&x.2=b')
  })

  test.each([
    ['GET', '/iaas/', 'HmacSHA256', 'ocISDbw423HPEjkcG3lT+xss9NahVV8kF70Ev31xxuU='],
    ['GET', '/iaas', 'HmacSHA256', 'lsBSj7Y8bJjNEkl2QgptZ37tTaPIkNOvymNafnD9iz4='],
    ['POST', '/iaas/', 'HmacSHA256', 'hTNb2xTL7fmn1J7VGveaYKgRa12TxfJqoLmRk772IyY='],
    ['POST', '/iaas', 'HmacSHA256', 'Ty/RRsy+Fa8q4+LlcUiLeatJqiEMLMVnbq0zy/Ia+Dg='],
    ['GET', '/iaas/', 'HmacSHA1', 'dA62sZDVobXa3MPrHaj/slk81q4='],
  ])('%s %s with %s is that of the published vector', (method, path, hash, signature) => {
    const parameters = { ...NIC, signature_method: hash, signature }
    expect(isSignedWith(SECRET, request(parameters, { method, path }))).toBe(true)
    expect(isSignedWith('ANOTHER', request(parameters, { method, path }))).toBe(false)
    expect(isSignedWith(SECRET, request({ ...parameters, count: '3' }, { method, path }))).toBe(false)
    expect(isSignedWith(SECRET, request(parameters, { method, path: `${path}x` }))).toBe(false)
  })

  test('is that of the Go client’s own vector', () => {
    const signature = '32bseYy39DOlatuewpeuW5vpmW51sD1A/JdGynqSpP8='
    expect(isSignedWith(SECRET, request({ ...RUN, signature }))).toBe(true)
  })

  test('may have had its + sent unencoded, which arrives as a space', () => {
    const signature = 'ocISDbw423HPEjkcG3lT xss9NahVV8kF70Ev31xxuU='
    expect(isSignedWith(SECRET, request({ ...NIC, signature }))).toBe(true)
  })

  test('may be over the parameters as they were sent', () => {
    const raw = 'access_key_id=K&nic_name=a+b&signature_method=HmacSHA256'
    const signed = (text: string) => request(Object.fromEntries(decodeParameters(text)), { raw: text })
    // Computed with `openssl dgst -sha256 -hmac`.
    const signature = encodeURIComponent('JT9XF9PmS0zsIYTabLgdxeL0fjCvbaxVAUNqT8ja0ao=')
    expect(isSignedWith(SECRET, signed(`${raw}&signature=${signature}`))).toBe(true)
  })

  test('of no known kind is nobody’s', () => {
    expect(isSignedWith(SECRET, request({ ...NIC, signature_method: 'none', signature: '' }))).toBe(false)
    expect(isSignedWith(SECRET, request({ ...NIC, signature: '' }))).toBe(false)
  })
})

test('what a signature needs and does not have is named, all of it', () => {
  expect(() => claimedKey(request({ signature_method: 'md5', time_stamp: 'now', version: '2' }))).toThrow(
    'parameter access_key_id is required; parameter signature is required; parameter signature_version is required; parameter signature_method must be HmacSHA256 or HmacSHA1; parameter version must be 1; parameter time_stamp must be a UTC time like 2013-08-27T14:30:10Z',
  )
})

describe('a time stamp', () => {
  const at = Date.parse('2026-01-02T03:04:05Z')
  test.each([-60_000, 0, 60_000])('%i ms off holds', (off) => {
    expect(() => assertFresh(request(NIC), at + off)).not.toThrow()
  })
  test.each([-61_000, 61_000])('%i ms off does not', (off) => {
    expect(() => assertFresh(request(NIC), at + off)).toThrow(DomainError)
  })
})

describe('parameters', () => {
  test('are decoded as forms are', () => {
    expect([...decodeParameters('a=x+y%20z&b=%E4%B8%AD&c&d=&=e&&f=1=2')]).toEqual([
      ['a', 'x y z'],
      ['b', '中'],
      ['c', ''],
      ['d', ''],
      ['', 'e'],
      ['f', '1=2'],
    ])
  })

  test.each(['a=%', 'a=%zz', 'a=%ff', 'a=%00', 'a=1&a=2', 'a=é', 'a=%ed%a0%80'])('%s is refused', (raw) => {
    expect(() => decodeParameters(raw)).toThrow(DomainError)
  })
})
