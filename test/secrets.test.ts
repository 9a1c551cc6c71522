import { encodeHTML, escapeUTF8 } from 'entities'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { mask, Secrets } from '../src/secrets.ts'
import { runs } from './runs.ts'

const secret = 'vct-"Tk1\\%41&+/?>=~ ü😀;7Yk2mQ'

function secretsOf(...values: string[]): Secrets {
  const secrets = new Secrets()
  secrets.add(values)
  return secrets
}
const scrub = (text: string, ...values: string[]) => secretsOf(...(values.length > 0 ? values : [secret])).scrub(text)

const json = (text: string) => JSON.stringify(text).slice(1, -1)
const unicodeEscape = (char: string) =>
  char
    .split('')
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('')
const bytesOf = (text: string) => [...Buffer.from(text)].map((byte) => byte.toString(16).padStart(2, '0'))
const each = (text: string, encode: (char: string) => string) => [...text].map(encode).join('')

const encodings: Record<string, (text: string) => string> = {
  'as it is': (text) => text,
  JSON: json,
  'JSON with \\/': (text) => json(text).replaceAll('/', '\\/'),
  'JSON with \\u0026': (text) => json(text).replace(/[<>&'=+]|[^ -~]/g, unicodeEscape),
  'JSON in upper-case hexadecimal': (text) =>
    json(text).replace(/[<>&'=+]/g, (char) => `\\u${unicodeEscape(char).slice(2).toUpperCase()}`),
  'JSON, each character escaped': (text) => each(text, unicodeEscape),
  'JavaScript with \\x26': (text) => json(text).replaceAll('&', '\\x26'),
  'a part of a URL': encodeURIComponent,
  'a part of a URL in lower case': (text) => encodeURIComponent(text).replace(/%../g, (code) => code.toLowerCase()),
  'a URL': encodeURI,
  'a path, sub-delimiters kept': (text) =>
    encodeURIComponent(text).replace(/%(2F|26|2B|3D|3B)/g, (code) => decodeURIComponent(code)),
  'a form': (text) => new URLSearchParams({ text }).toString().slice('text='.length),
  'percent, each byte': (text) =>
    bytesOf(text)
      .map((byte) => `%${byte}`)
      .join(''),
  // As encoders write that know the names of Latin-1.
  'named HTML entities': (text) =>
    each(text, (char) => (char <= '\u00ff' ? encodeHTML(char) : `&#${char.codePointAt(0)};`)),
  'the entities of XML': escapeUTF8,
  'decimal HTML entities': (text) => each(text, (char) => `&#${char.codePointAt(0)};`),
  'hexadecimal HTML entities': (text) => each(text, (char) => `&#x${char.codePointAt(0)?.toString(16)};`),
  'entities without a semicolon': (text) => text.replaceAll('&', '&amp').replaceAll('"', '&#34'),
}

describe('a secret is redacted', () => {
  test.each(Object.entries(encodings))('in a text that is %s', (_, encode) => {
    const encoded = encode(`before ${secret} after`)
    const expected = encoded.replace(encode(secret), mask)
    expect(expected).toContain(mask)
    expect(scrub(encoded)).toBe(expected)
  })

  test.each(Object.entries(encodings))('in a text that is %s, in JSON again', (_, encode) => {
    expect(scrub(json(encode(secret)))).toBe(mask)
    expect(scrub(json(json(encode(secret))))).toBe(mask)
  })

  test('in upper and lower case', () => {
    expect(scrub(`A ${secret.toUpperCase()} and ${secret.toLowerCase()}`)).toBe('A *** and ***')
    expect(scrub(encodeURIComponent(secret).toUpperCase())).toBe(mask)
    expect(scrub('STRASSENBAHN straßenbahn', 'Straßenbahn')).toBe('*** ***')
    expect(scrub('ΟΔΟΣ-ΠΟΛΙΣ οδος-πολις', 'οδος-πολις')).toBe('*** ***')
    expect(scrub('İstanbul-4711, geheim47', 'geheim47')).toBe('İstanbul-4711, ***')
  })

  test('but not in another case if it is short, which would match other words', () => {
    expect(scrub('paid Paid PAID', 'paid')).toBe('*** Paid PAID')
    expect(scrub('Anything', 'any')).toBe('Anything')
  })

  test.each([0, 1, 2, 3, 4, 5])('in base64 within a text, %i bytes from its start', (before) => {
    for (const text of [secret, json(secret)]) {
      for (const encoding of ['base64', 'base64url'] as const) {
        const encoded = Buffer.from(`${'x'.repeat(before)}${text}yz`).toString(encoding)
        const clean = scrub(`Basic ${encoded}, and on`)
        expect(clean).toMatch(/^Basic .{0,8}\*\*\*.{0,6}, and on$/)
      }
    }
  })

  test('in base64 that is broken into lines, or escaped', () => {
    const encoded = Buffer.from(secret).toString('base64')
    const lines = encoded.replace(/.{10}/g, '$&\n')
    for (const text of [encoded, lines, lines.replaceAll('\n', '\r\n '), json(lines), encodeURIComponent(encoded)]) {
      expect(scrub(text)).toBe(mask)
    }
  })

  test('in hexadecimal', () => {
    expect(scrub(`0x${bytesOf(secret).join('').toUpperCase()}!`)).toBe('0x***!')
  })

  test('line by line, and with its lines joined', () => {
    const key = 'MIIEvQIBADANBg\r\nkqhkiG9w0BAQEF\nAASCBKcwggSjAg'
    expect(scrub('one kqhkiG9w0BAQEF, two AASCBKcwggSjAg', key)).toBe('one ***, two ***')
    expect(scrub('MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAg', key)).toBe(mask)
    expect(scrub('a\nkqhkiG9w0BAQEF\n::b', key)).toBe('a\n***\n::b')
    expect(scrub('MIIEvQIBADANBgkqhkiG\n9w0BAQEFAASCBKcwggSjAg', key)).toBe(mask)
  })

  test('that looks escaped itself', () => {
    for (const odd of ['a%2541bcdef', 'a\\u0041bcdef', 'a&amp;amp;bcdef', 'a\\\\nb%5Cncd']) {
      for (const encode of Object.values(encodings)) expect(scrub(encode(odd), odd)).toBe(mask)
    }
  })

  test('with each character of ASCII and Latin-1 as a named HTML entity', () => {
    for (let code = 0x20; code <= 0xff; code++) {
      const value = `hunter2${String.fromCharCode(code)}hunter2`
      expect(scrub(encodeHTML(value), value), value).toBe(mask)
    }
    const names = ['Dot', 'die', 'DoubleDot', 'half', 'frac12', 'pm', 'plusmn', 'div', 'centerdot', 'NonBreakingSpace']
    const text = '¨¨¨½½±±÷·\u00a0'
    for (const [index, name] of names.entries()) expect(scrub(`hunter2&${name};x`, `hunter2${text[index]}x`)).toBe(mask)
  })

  test('as a number', () => {
    expect(secretsOf('12345678').scrubValue({ id: 12345678, other: 12345 })).toEqual({ id: mask, other: 12345 })
  })

  test('and the values of `secrets` in a response, also those that are not known', () => {
    const secrets = [{ name: 'KEY', value: 'unknown' }, { value: { a: 'b' } }, { value: 7 }]
    const value = { resources: [{ secrets, value: 'shown' }], settings: [{ value: 'shown' }], secrets: 'shown' }
    expect(secretsOf('other-secret').scrubValue(value)).toEqual({
      ...value,
      resources: [{ secrets: [{ name: 'KEY', value: mask }, { value: { a: 'b' } }, { value: 7 }], value: 'shown' }],
    })
  })

  const odd = fc
    .array(
      fc.oneof(
        fc.string({ unit: 'grapheme', maxLength: 4 }),
        fc.constantFrom(...'"\\/%<&+ =;#\t', '%41', '\\n', '\\u0041', '&amp;', '&lt', '\\\\'),
      ),
      { maxLength: 8 },
    )
    .map((parts) => `hunter2${parts.join('')}hunter2`)

  test('of any characters, in any two encodings after each other', () => {
    // An entity without its semicolon is ambiguous before one, so no program writes it there.
    const { 'entities without a semicolon': _, ...exact } = encodings
    const names = fc.constantFrom(...Object.values(exact))
    fc.assert(
      fc.property(odd, names, names, (value, one, other) => {
        const clean = scrub(other(one(`<p> ${value} </p>`)), value)
        expect(clean).not.toMatch(/hunter2/i)
        expect(clean).toContain(mask)
      }),
      runs(150),
    )
  })

  test('among many with the same beginning', () => {
    const many = Array.from({ length: 1000 }, (_, index) => `vct_token_${index}_${'x'.repeat(index % 7)}`)
    const secrets = secretsOf(...many)
    for (const value of many) expect(secrets.scrub(`<${value}>`)).toMatch(/^<\*\*\*x{0,6}>$/)
    expect(secrets.scrub(many.join(' '))).not.toContain('vct_token')
    expect(secrets.scrub('vct_token_1001')).toBe('vct_token_1001')
  })

  test('as a whole where a shorter one is part of it, or overlaps', () => {
    expect(scrub('abcdefghij', 'abcdef', 'abcdefghij')).toBe(mask)
    expect(scrub('abcdefghij', 'abcdef', 'efghij')).toBe(mask)
    expect(scrub('abcdefabcdef', 'abcdef')).toBe('******')
  })

  test('that was added after the last text', () => {
    const secrets = secretsOf('first-one')
    expect(secrets.scrub('first-one second-one')).toBe('*** second-one')
    secrets.add(['second-one'])
    expect(secrets.scrub('first-one second-one')).toBe('*** ***')
  })
})

describe('a secret that was cut is redacted', () => {
  const token = 'ghp_a1B2c3D4e5F6g7H8i9J0'

  test.each(['…', '...', '\\u2026', '&hellip;', '%E2%80%A6'])('before and after %s', (ellipsis) => {
    expect(scrub(`Bad token ghp_a1B2c3${ellipsis} said GitHub`, token)).toBe(`Bad token ***${ellipsis} said GitHub`)
    expect(scrub(`Bad token ${ellipsis}F6g7H8i9J0 said GitHub`, token)).toBe(`Bad token ${ellipsis}*** said GitHub`)
    expect(scrub(`ghp_a1B2c3D4${ellipsis}F6g7H8i9J0`, token)).toBe(`***${ellipsis}***`)
  })

  test('in any encoding, half an escape included', () => {
    for (const [name, encode] of Object.entries(encodings)) {
      const whole = encode(`hunter2!${secret}`)
      for (let length = encode('hunter2!').length; length < whole.length; length++) {
        const clean = scrub(`${whole.slice(0, length)}…`, `hunter2!${secret}`)
        expect(clean, name).not.toMatch(/hunter2|TkI/)
        expect(clean, name).toMatch(/^\*\*\*.{0,12}…$/u)
      }
    }
  })

  test('in base64', () => {
    const encoded = Buffer.from(`x:${secret}`).toString('base64')
    expect(scrub(`Basic ${encoded.slice(0, 30)}…`)).toMatch(/^Basic .{3}\*\*\*…$/)
  })

  test('but not a word that only begins like it', () => {
    expect(scrub('ghp_... is the form of a token, and so is ...i9J0', token)).toBe(
      'ghp_... is the form of a token, and so is ...i9J0',
    )
    expect(scrub('the hosts … and others', 'the hosting-secret')).toBe('the hosts … and others')
  })

  test('whose own points stand where it was cut', () => {
    expect(scrub('pass.word...', 'pass.word..secret')).toBe('***...')
  })
})

test('values that nest without end are redacted, and not a reason to fail', () => {
  let value: unknown = secret
  for (let depth = 0; depth < 100_000; depth++) value = [value]
  expect(JSON.stringify(secretsOf(secret).scrubValue(value))).toContain(mask)
})

test('a value is announced once, and a blank one never', () => {
  const announced: string[] = []
  const secrets = new Secrets((value) => announced.push(value))
  secrets.add(['one', ' \n', mask, 'one', 'another'])
  expect(announced).toEqual(['one', 'another'])
})
