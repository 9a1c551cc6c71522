import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isUri } from '../../src/payload/uri.ts'
import { cpuMs } from '../cpu-time.ts'
import { unicodeText } from '../unicode-text.ts'
import { webUrls } from './arbitrary.ts'

// Most are examples of RFC 3986, sections 1.1.2, 3 and 5.4.
test.each([
  'ftp://ftp.is.co.za/rfc/rfc1808.txt',
  'http://www.ietf.org/rfc/rfc2396.txt',
  'ldap://[2001:db8::7]/c=GB?objectClass?one',
  'mailto:John.Doe@example.com',
  'news:comp.infosystems.www.servers.unix',
  'tel:+1-816-555-1212',
  'telnet://192.0.2.16:80/',
  'urn:oasis:names:specification:docbook:dtd:xml:4.1.2',
  'foo://example.com:8042/over/there?name=ferret#nose',
  'https://example.com',
  'https://example.com:',
  'https://user:pass%20word@example.com/a%20path?b=c/d?e#f/g?h',
  'https://[::1]:443/',
  'https://[::ffff:192.0.2.1]',
  'https://[v1.fe:80]/',
  'HTTPS://EXAMPLE.COM',
  'https://ex%C3%A4mple.com/',
  "https://example.com/!$&'()*+,;=:@-._~//x",
  'file:///etc/hosts',
  'x:',
  'xhttp:a',
  'httpsx:a',
  'x+1.-:/a',
])('%s is a URI', (text) => expect(isUri(text)).toBe(true))

test.each([
  '',
  'example.com',
  '/path',
  '//example.com/path',
  '?query',
  ':path',
  '1x:path',
  'x_y:path',
  'https:',
  'https://',
  'https:///path',
  'https:example.com',
  'http://:80/',
  'http://user@/',
  'https://exämple.com',
  'https://example.com/ä',
  'https://example.com/a b',
  'https://example.com/a\n',
  'https://example.com/<a>',
  'https://example.com/"',
  'https://example.com/{id}',
  'https://example.com/a|b',
  'https://example.com/a^b',
  'https://example.com/`',
  'https://example.com\\path',
  'https://example.com/%',
  'https://example.com/%2',
  'https://example.com/%zz',
  'https://example.com/[a]',
  'https://example.com/?a[]=1',
  'https://example.com/#a#b',
  'https://example.com:port/',
  'https://example.com:80:80/',
  'https://a@b@c/',
  'https://us er@example.com/',
  'ftp://a:b:c/',
  'https://[::1',
  'https://[::1]x/',
  'https://[1::2::3]/',
  'https://[::g]/',
  'https://[fe80::1%25eth0]/',
  'https://[192.0.2.1]/',
  'https://[]/',
  'https://[v1.]/',
])('%j is not a URI', (text) => expect(isUri(text)).toBe(false))

test('every web URL is a URI, and no URI has a character outside RFC 3986', () => {
  fc.assert(
    fc.property(webUrls, (text) => {
      expect(isUri(text)).toBe(true)
    }),
  )
  fc.assert(
    fc.property(webUrls, unicodeText({ minLength: 1 }), (text, end) => {
      if (isUri(`${text}/${end}`)) expect(end).toMatch(/^[A-Za-z0-9\-._~:/?#@!$&'()*+,;=%]+$/)
    }),
  )
})

// A quadratic or recursive match would take minutes of processor time, or overflow the stack.
test.each(['a', '/', '%20', 'a%20', '@', ':', '?', '[', 'a@', 'a:', ' '])(
  '512 KiB of %j are matched quickly',
  (part) => {
    const long = part.repeat((512 << 10) / part.length)
    const usedBefore = cpuMs()
    for (const start of ['https://', 'https://example.com/', 'x:', '']) {
      for (const end of ['', '<']) isUri(`${start}${long}${end}`)
    }
    expect(cpuMs() - usedBefore).toBeLessThan(1250)
  },
)
