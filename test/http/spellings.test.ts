// The exact forms: of proxies' passwords that are masked, of NO_PROXY, and of the variables that are looked at.

import { describe, expect, test } from 'vitest'
import { isLoopback } from '../../src/http/loopback.ts'
import { parseNoProxy } from '../../src/http/no-proxy.ts'
import { proxyPasswords, readProxies } from '../../src/http/proxy.ts'
import { hasProxyVariables } from '../../src/http/proxy-variables.ts'

const base64 = (text: string) => Buffer.from(text).toString('base64')
const masked = (credentials: string) => proxyPasswords({ HTTPS_PROXY: ` http://${credentials}@proxy.example ` }).sort()

describe('what is masked of a proxy', () => {
  test.each<[credentials: string, forms: string[]]>([
    ['', []],
    ['user', ['user']],
    ['usr', []],
    ['user:', ['user']],
    ['alice:secret', ['secret', 'alice', 'alice:secret', base64('alice:secret')]],
    ['al:secret', ['secret', 'al:secret', base64('al:secret')]],
    [':secret', ['secret', ':secret', base64(':secret')]],
    [
      'alice:p%2Fq%20r',
      [
        'p%2Fq%20r',
        'p/q r',
        'alice',
        'alice:p%2Fq%20r',
        'alice:p/q r',
        base64('alice:p%2Fq%20r'),
        base64('alice:p/q r'),
      ],
    ],
    ['alice:ä%zz', ['ä%zz', '%C3%A4%zz', '%C3%A4%25zz', 'alice', 'alice:ä%zz', base64('alice:ä%zz')]],
    // Windows may have such a text.
    ['alice:a\ud800b', ['a\ud800b', 'a%EF%BF%BDb', 'alice', 'alice:a\ud800b', base64('alice:a\ud800b')]],
    ['alice:%ff%41', ['%ff%41', '%25ff%2541', 'alice', 'alice:%ff%41', base64('alice:%ff%41')]],
  ])('%j', (credentials, forms) => {
    expect(masked(credentials)).toEqual([...forms].sort())
  })

  test('is that of all variables, each form once', () => {
    const env = { https_proxy: 'a:one1@p', HTTPS_PROXY: 'a:two2@p', http_proxy: 'a:three3@p', HTTP_PROXY: 'a:one1@p' }
    const forms = (password: string) => [password, `a:${password}`, base64(`a:${password}`)]
    expect(proxyPasswords(env).sort()).toEqual(['one1', 'two2', 'three3'].flatMap(forms).sort())
    expect(proxyPasswords({})).toEqual([])
  })
})

test.each<[env: NodeJS.ProcessEnv, isSet: boolean]>([
  [{}, false],
  [{ https_proxy: ' ', HTTP_PROXY: '' }, false],
  [{ HTTPS_PROXY: ' ' }, false],
  [{ NO_PROXY: 'x', ALL_PROXY: 'x' }, false],
  [{ https_proxy: 'x' }, true],
  [{ HTTPS_PROXY: 'x' }, true],
  [{ http_proxy: 'x' }, true],
  [{ https_proxy: ' ', HTTP_PROXY: 'x' }, true],
])('%j names a proxy: %s', (env, isSet) => {
  expect(hasProxyVariables(env)).toBe(isSet)
})

describe('NO_PROXY', () => {
  const matches = (list: string, url: string) => parseNoProxy(list)(new URL(url))

  test.each([
    ['a.example', 'https://a.example:444'],
    ['a.example:443', 'https://a.example'],
    ['a.example:80', 'http://a.example'],
    ['a.example:444', 'https://a.example:444'],
    ['x , ,a.example', 'https://a.example'],
    ['10.1.0.0/16', 'https://10.1.255.1'],
    ['10.1.0.0/32', 'https://10.1.0.0'],
    ['fd00::/8', 'https://[fdff::1]'],
    ['[fd00::]/8', 'https://[fdff::1]'],
    ['fd00::1/128', 'https://[fd00::1]'],
    ['fd00::1', 'https://[fd00::1]:444'],
    ['[fd00::1]:443', 'https://[fd00::1]'],
    ['*', 'https://[fd00::1]'],
  ])('%j is for %s', (list, url) => {
    expect(matches(list, url)).toBe(true)
  })

  test.each([
    ['', 'https://a.example'],
    [' , ', 'https://a.example'],
    ['.', 'https://a.example'],
    ['.', 'https://a.example..'],
    ['', 'https://a.example..'],
    ['*.', 'https://a.example'],
    ['a.example:444', 'https://a.example'],
    ['a.example:80', 'https://a.example'],
    ['10.1.0.0/33', 'https://10.1.0.0'],
    ['10.1.0.0/16', 'https://10.2.0.1'],
    ['10.1.0.0/16x', 'https://10.1.0.1'],
    ['x/10.1.0.0/16', 'https://10.1.0.1'],
    ['10.1.0.0/16', 'https://a.example'],
    ['fd00::/8', 'https://a.example'],
    ['x10.1.0.0/16', 'https://10.1.0.1'],
    ['fd00::/129', 'https://[fd00::]'],
    ['a.example/8', 'https://a.example'],
    ['10.1.0.0/16', 'https://[::ffff]'],
    ['fd00::/8', 'https://10.1.0.1'],
    ['[fd00::1]:444', 'https://[fd00::1]'],
    ['0.0.1', 'https://10.0.0.1'],
    ['example', 'https://a.example.com'],
  ])('%j is not for %s', (list, url) => {
    expect(matches(list, url)).toBe(false)
  })
})

test('a host is loopback as a whole only', () => {
  for (const host of ['localhost', 'localhost.', '127.0.0.1', '127.255.1.2.', '[::1]'])
    expect(isLoopback(host)).toBe(true)
  for (const host of ['xlocalhost', 'localhostx', '127.0.0', '1127.0.0.1', '127.0.0.1.2', '::1', '[::1]x', 'x[::1]']) {
    expect(isLoopback(host), host).toBe(false)
  }
})

describe('a proxy that is refused', () => {
  const problemOf = (value: string) => {
    try {
      readProxies({ HTTPS_PROXY: value })
      return undefined
    } catch (error) {
      return error as Error & { code: string; diagnostics: object[] }
    }
  }

  test('is an invalid input with its message as its diagnostic', () => {
    const problem = problemOf('ftp://proxy.example')
    expect(problem).toMatchObject({ code: 'invalid_input', diagnostics: [{ message: problem?.message }] })
  })

  test('has a port from 1 to 65535', () => {
    for (const port of ['1', '65535', '00080']) expect(problemOf(`http://proxy.example:${port}`), port).toBeUndefined()
    for (const port of ['0', '65536', '080808', '8x', 'x8'])
      expect(problemOf(`http://proxy.example:${port}`), port).toBeDefined()
  })
})
