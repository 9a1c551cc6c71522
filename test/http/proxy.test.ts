// The proxies of the environment: which one is used for which URL, which values are refused, and what is masked.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Failure } from '../../src/failure.ts'
import { proxyPasswords, readProxies } from '../../src/http/proxy.ts'
import { Secrets } from '../../src/secrets.ts'

const proxyOf = (env: NodeJS.ProcessEnv, url = 'https://api.vercel.com/') => readProxies(env)(new URL(url))

test.each<[value: string, address: string, isTls: boolean]>([
  ['http://proxy.example:3128', 'proxy.example:3128', false],
  ['http://proxy.example:3128/', 'proxy.example:3128', false],
  [' http://proxy.example:3128 ', 'proxy.example:3128', false],
  ['HTTP://Proxy.Example:3128', 'proxy.example:3128', false],
  ['http://proxy.example', 'proxy.example:80', false],
  ['http://proxy.example:', 'proxy.example:80', false],
  ['http://proxy.example:443', 'proxy.example:443', false],
  ['https://proxy.example', 'proxy.example:443', true],
  ['https://proxy.example:80', 'proxy.example:80', true],
  ['proxy.example:3128', 'proxy.example:3128', false],
  ['user:secret@proxy.example:3128', 'proxy.example:3128', false],
  ['proxy.example:3128/?a=http://b', 'proxy.example:3128', false],
  ['http:proxy.example:3128', 'proxy.example:3128', false],
  ['10.0.0.1:3128', '10.0.0.1:3128', false],
  ['http://[fd00::1]:3128', '[fd00::1]:3128', false],
])('%j is a proxy', (value, address, isTls) => {
  const proxy = proxyOf({ HTTPS_PROXY: value })
  expect(proxy).toMatchObject({ name: { address, variable: 'HTTPS_PROXY' }, isTls })
  expect(`${proxy?.host}:${proxy?.port}`).toBe(address.replace(/[[\]]/g, ''))
})

test.each([
  ['alice:secret', 'alice:secret'],
  ['alice', 'alice:'],
  ['alice:', 'alice:'],
  [':secret', ':secret'],
  ['al%40ice:p%C3%A4ss%3A%2F%23', 'al@ice:päss:/#'],
  ['alice:a@b:c', 'alice:a@b:c'],
  ['alice:pä"ss', 'alice:pä"ss'],
])('the user and password %j are sent as %j', (written, sent) => {
  const basic = Buffer.from(sent).toString('base64')
  expect(proxyOf({ HTTPS_PROXY: `http://${written}@proxy.example` })?.authorization).toBe(`Basic ${basic}`)
})

test('without a user nothing is sent', () => {
  expect(proxyOf({ HTTPS_PROXY: 'http://proxy.example' })?.authorization).toBeUndefined()
})

const refused: [value: string, problem: RegExp][] = [
  ['socks5://alice:s3cret@proxy.example:1080', /names a SOCKS proxy.*set it to a proxy such as http:/],
  ['xsocks://alice:s3cret@proxy.example', /has a scheme other than http:\/\/ and https:\/\//],
  ['ftp://alice:s3cret@proxy.example', /has a scheme other than http:\/\/ and https:\/\//],
  ['http://', /is not the URL of a proxy/],
  ['://alice:s3cret@proxy', /reserved character/],
  ['http://alice:s3cret@', /is not the URL of a proxy/],
  ['http://alice:s3cret@exa mple', /is not the URL of a proxy/],
  ['http://alice:s3cret@::1', /is not the URL of a proxy/],
  ['http://alice:s3cret@proxy.example:0', /port that cannot be used/],
  ['http://alice:s3cret@proxy.example:+80', /port that cannot be used/],
  ['http://alice:s3cret@proxy.example:1e3', /port that cannot be used/],
  ['http://alice:s3cret@proxy.example:65536', /port that cannot be used/],
  ['http://alice:s3cret@proxy.example:http', /port that cannot be used/],
  ['alice:s3cret@proxy.example:-1', /port that cannot be used/],
  ['http://alice:s3cret#1@proxy.example', /reserved character.*# as %23/],
  ['http://alice:12#s3cret@proxy.example', /reserved character/],
  ['http://alice:s3cret/1@proxy.example', /reserved character/],
  ['http://alice:s3cret?1@proxy.example', /reserved character/],
  ['http://alice:s3cret\\1@proxy.example', /reserved character/],
  ['http://alice:s3cret%@proxy.example', /write % as %25/],
  ['http://alice%zz:s3cret@proxy.example', /write % as %25/],
  ['http://alice:s3cret%zz@proxy.example', /write % as %25/],
]

test.each(refused)('%j is refused, and not shown', (value, problem) => {
  for (const variable of ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy']) {
    const reading = () => readProxies({ [variable]: value })
    expect(reading).toThrow(Failure)
    expect(reading).toThrow(problem)
    expect(reading).toThrow(new RegExp(`^${variable} `))
    expect(reading).not.toThrow(/s3cret|alice|proxy\.example:/)
  }
})

test.each<[string, NodeJS.ProcessEnv, https: string | undefined, http: string | undefined]>([
  ['each is for its own scheme', { HTTPS_PROXY: 's:1', HTTP_PROXY: 'p:2' }, 's:1', 'p:2'],
  ['the lower case takes precedence', { HTTPS_PROXY: 'upper:1', https_proxy: 'lower:1' }, 'lower:1', undefined],
  [
    'an empty variable counts as unset',
    { HTTPS_PROXY: 'upper:1', https_proxy: '', HTTP_PROXY: ' ' },
    'upper:1',
    undefined,
  ],
  ['both in lower case', { https_proxy: 's:1', http_proxy: 'p:2' }, 's:1', 'p:2'],
  ['no_proxy takes precedence', { HTTPS_PROXY: 's:1', no_proxy: 'other', NO_PROXY: '*' }, 's:1', undefined],
])('%s', (_, env, https, http) => {
  expect(proxyOf(env, 'https://api.vercel.com')?.name.address).toBe(https)
  expect(proxyOf(env, 'http://api.vercel.com')?.name.address).toBe(http)
})

test.each(['localhost', 'LOCALHOST', '127.0.0.1', '127.8.9.10', '127.1', '[::1]', 'localhost.'])(
  '%s is never reached through a proxy',
  (host) => {
    const env = { HTTPS_PROXY: 'proxy.example:1', HTTP_PROXY: 'proxy.example:1' }
    expect(proxyOf(env, `http://${host}:8080/`)).toBeUndefined()
    expect(proxyOf(env, `https://${host}/`)).toBeUndefined()
  },
)

test.each(['localhost.example', '127.0.0.1.example', '128.0.0.1', '[::2]'])('%s is not loopback', (host) => {
  expect(proxyOf({ HTTPS_PROXY: 'proxy.example:1' }, `https://${host}/`)).toBeDefined()
})

test.each<[list: string, excluded: string[], proxied: string[]]>([
  ['*', ['https://a.example', 'https://10.0.0.1'], []],
  [
    'example.com',
    ['https://example.com', 'https://api.EXAMPLE.com', 'https://example.com.'],
    ['https://notexample.com', 'https://example.com.evil'],
  ],
  ['.example.com', ['https://example.com', 'https://a.b.example.com'], ['https://notexample.com']],
  ['*.example.com', ['https://a.example.com'], ['https://notexample.com']],
  ['Example.COM.', ['https://example.com'], []],
  [
    'a.example, b.example c.example,,',
    ['https://a.example', 'https://b.example', 'https://c.example'],
    ['https://d.example'],
  ],
  [
    'example.com:8443',
    ['https://example.com:8443', 'https://api.example.com:8443'],
    ['https://example.com', 'http://example.com'],
  ],
  ['example.com:443', ['https://example.com'], ['http://example.com', 'https://example.com:8443']],
  ['10.1.2.3', ['https://10.1.2.3'], ['https://10.1.2.4', 'https://10.1.2.3.example']],
  ['2.3', [], ['https://10.1.2.3']],
  ['10.1.2.3:80', ['http://10.1.2.3'], ['https://10.1.2.3']],
  ['10.0.0.0/8', ['https://10.255.0.1'], ['https://11.0.0.1', 'https://10.0.0.0.example']],
  ['10.1.2.3/32', ['https://10.1.2.3'], ['https://10.1.2.4']],
  ['fd00::1', ['https://[fd00::1]', 'https://[fd00::1]:8443'], ['https://[fd00::2]']],
  ['[fd00::1]', ['https://[fd00:0::1]'], ['https://[fd00::2]']],
  ['[fd00::1]:8443', ['https://[fd00::1]:8443'], ['https://[fd00::1]']],
  ['fd00::/8', ['https://[fd12::1]'], ['https://[fe80::1]', 'https://10.0.0.1']],
  ['10.0.0.0/33, /8, :80, ., ::/999, x/y, [, x[10.0.0.0/8', [], ['https://10.0.0.1', 'https://a.example']],
])('NO_PROXY %j', (list, excluded, proxied) => {
  const env = { HTTPS_PROXY: 'proxy.example:1', HTTP_PROXY: 'proxy.example:1', NO_PROXY: list }
  for (const url of excluded) expect(proxyOf(env, url), url).toBeUndefined()
  for (const url of proxied) expect(proxyOf(env, url), url).toBeDefined()
})

const decoded = (text: string) =>
  text.replace(/(%[\da-f]{2})+/gi, (part) => {
    try {
      return decodeURIComponent(part)
    } catch {
      return part
    }
  })

/** Texts of less than 4 characters are not redacted, also if they have more in percent-encoding. */
const credentialText = fc
  .string({ unit: fc.constantFrom(...'abcXYZ019#/?\\@:%"\'&+= ä漢', '%41', '%2F'), minLength: 4, maxLength: 20 })
  .filter((text) => text.trim() === text && !/^[*]+$/.test(text) && decoded(text).length >= 4)

test('a user and password are masked in every spelling, with any characters in them', () => {
  const users = credentialText.filter((user) => !/[:@/\\]/.test(user))
  const schemes = fc.constantFrom('http://', 'https://', 'socks5://', '')
  const hosts = fc.constantFrom('proxy.example:3128', 'proxy.example:99999', 'proxy.example', ':', 'exa mple')
  fc.assert(
    fc.property(users, credentialText, schemes, hosts, (user, password, scheme, host) => {
      // Without a scheme, this user is one.
      fc.pre(scheme !== '' || !/^[\\/]{2}/.test(password))
      const masked: string[] = []
      const secrets = new Secrets((value) => masked.push(value))
      secrets.add(proxyPasswords({ HTTPS_PROXY: `${scheme}${user}:${password}@${host}` }))
      const pairs = [`${user}:${password}`, `${decoded(user)}:${decoded(password)}`]
      const base64 = pairs.map((pair) => Buffer.from(pair).toString('base64'))
      const encoded = [user, password].map((text) => encodeURIComponent(decoded(text)))
      const all = [user, password, decoded(password), ...pairs, ...base64, ...encoded]
      // The runner masks all of them, and our own texts contain no spelling.
      for (const form of all) {
        expect(masked).toContain(form)
        expect(secrets.scrub(`<${form}>`)).toBe('<***>')
      }
    }),
  )
})

test('a user is masked alone from four characters on, and hosts are not', () => {
  expect(proxyPasswords({ HTTPS_PROXY: 'http://bob:secret@proxy.example' })).not.toContain('bob')
  expect(proxyPasswords({ http_proxy: 'http://alice:secret@proxy.example' })).toContain('alice')
  expect(proxyPasswords({ https_proxy: 'http://alice:secret@proxy.example' })).toContain('secret')
  expect(proxyPasswords({ HTTP_PROXY: 'http://an-api-key@proxy.example' })).toEqual(['an-api-key'])
  const env = { HTTPS_PROXY: 'http://proxy.example:3128', http_proxy: 'proxy.example', NO_PROXY: 'a:b@c' }
  expect(proxyPasswords(env)).toEqual([])
})
