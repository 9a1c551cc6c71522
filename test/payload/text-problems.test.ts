import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decimal, secret, segment, text, time } from '../../src/payload/schema.ts'
import { segmentProblem } from '../../src/payload/text-problems.ts'
import { cpuMs } from '../cpu-time.ts'
import { runs } from '../runs.ts'
import { unicodeText } from '../unicode-text.ts'
import { times } from './arbitrary.ts'
import { checked, refusal } from './checking.ts'

describe('a decimal', () => {
  test.each(['0', '12.50', '007', '0.000000000000000000001', '9'.repeat(40)])('%s passes as it is written', (value) => {
    expect(checked(decimal(), value)).toMatchObject({ value, errors: [] })
  })

  test.each([
    ['$1.00', 'remove "$"'],
    ['1.00 €', 'remove "€"; remove spaces and line breaks'],
    ['1,00', 'use a point, not a comma'],
    ['$1,00', 'remove "$"; use a point, not a comma'],
    ['$-1', 'remove "$"; must not be negative'],
    ['1000,000', 'use a point, not a comma'],
    ['1,0000', 'use a point, not a comma'],
    ['12,000', 'use a point, not a comma, and no separators between thousands'],
    ['1,000,000', 'use a point, not a comma, and no separators between thousands'],
    ['-1,000', 'must not be negative; use a point, not a comma, and no separators between thousands'],
    ['1,000', 'use a point, not a comma, and no separators between thousands'],
    ['1,000.50', 'remove the comma'],
    ['-1.00', 'must not be negative'],
    ['\u22121', 'must not be negative'],
    ['-$1', 'remove "$"; must not be negative'],
    ['+1', 'remove "+"'],
    ['.5', 'add a digit before the point'],
    ['-.5', 'must not be negative; add a digit before the point'],
    ['1.', 'remove the point, or add digits after it'],
    ['1.2.3', 'use only one point'],
    ['1.234.567', 'use only one point'],
    ['1e10', 'write it without an exponent'],
    ['-1e3', 'must not be negative; write it without an exponent'],
    ['+1e3', 'remove "+"; write it without an exponent'],
    ['x1e3', 'use only the digits 0 to 9 and one point'],
    ['1e3x', 'use only the digits 0 to 9 and one point'],
    ['1e3', 'write it without an exponent'],
    ['1.5E-3', 'write it without an exponent'],
    [' 1', 'remove spaces and line breaks'],
    ['1\n', 'remove spaces and line breaks'],
    ['1_000', 'use only the digits 0 to 9 and one point'],
    ['１', 'use only the digits 0 to 9 and one point'],
    ['٣', 'use only the digits 0 to 9 and one point'],
    ['NaN', 'use only the digits 0 to 9 and one point'],
    ['1 USD', 'remove spaces and line breaks'],
  ])('%j is refused with its fix', (value, fix) => {
    expect(refusal(decimal(), value)).toBe(`must be a decimal such as "12.50": ${fix}`)
  })

  test('must not be empty, and has at most 40 characters', () => {
    expect(refusal(decimal(), '')).toBe('is empty; write a decimal such as "12.50"')
    expect(refusal(decimal(), `1.${'0'.repeat(39)}`)).toBe('must have at most 40 characters, not 41')
  })

  test.each([
    [3.75, '3.75'],
    [0, '0'],
    [1e21, '12.50'],
    [-5, '12.50'],
    [Number.NaN, '12.50'],
  ])('the number %d has to be quoted', (value, shown) => {
    expect(refusal(decimal(), value)).toBe(`must be a decimal as text: quote it, "${shown}"`)
  })
})

describe('a time', () => {
  const zoned = 'must be a time with its time zone, such as "2025-01-31T00:00:00Z"'

  test('is the same instant in every notation of RFC 3339', () => {
    fc.assert(
      fc.property(times, fc.boolean(), ({ at, text }, lower) => {
        expect(checked(time(), lower ? text.toLowerCase() : text)).toMatchObject({ value: at, errors: [] })
      }),
    )
  })

  test.each([
    ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00.000Z'],
    ['2000-02-29T23:59:59+23:59', '2000-02-29T00:00:59.000Z'],
    ['0000-02-29T00:00:00Z', '0000-02-29T00:00:00.000Z'],
    ['0000-01-01T01:00:00+01:00', '0000-01-01T00:00:00.000Z'],
    ['9999-12-31T22:59:59.999-01:00', '9999-12-31T23:59:59.999Z'],
    ['2025-01-31T00:00:00-00:00', '2025-01-31T00:00:00.000Z'],
    ['2025-01-31T00:00:00.123456789Z', '2025-01-31T00:00:00.123Z'],
    ['2025-12-31T23:00:00.5-01:30', '2026-01-01T00:30:00.500Z'],
  ])('%s is accepted', (value, instant) => {
    const { value: at, errors } = checked(time(), value)
    expect(errors).toEqual([])
    expect((at as Date).toISOString()).toBe(instant)
  })

  test.each([
    ['2025-01-31', `${zoned}; "2025-01-31" is only a date`],
    ['2025-01-31T00:00:00', `${zoned}; "2025-01-31T00:00:00" has no time zone: add Z, or an offset such as +02:00`],
    ['2025-01-31T00:00', `${zoned}; "2025-01-31T00:00" has no time zone: add Z, or an offset such as +02:00`],
    ['2025-01-31 00:00:00.5', `${zoned}; "2025-01-31 00:00:00.5" has no time zone: add Z, or an offset such as +02:00`],
    [
      '2025-01-31T00:00:00.55',
      `${zoned}; "2025-01-31T00:00:00.55" has no time zone: add Z, or an offset such as +02:00`,
    ],
    ['on 2025-01-31', `${zoned}, not "on 2025-01-31"`],
    ['on 2025-01-31T00:00:00', `${zoned}, not "on 2025-01-31T00:00:00"`],
    ['2025-01-31 00:00:00Z', `${zoned}, not "2025-01-31 00:00:00Z"`],
    ['2025-01-31T00:00:00+0200', `${zoned}, not "2025-01-31T00:00:00+0200"`],
    ['2025-01-31T00:00:00 UTC', `${zoned}, not "2025-01-31T00:00:00 UTC"`],
    ['2025-1-31T00:00:00Z', `${zoned}, not "2025-1-31T00:00:00Z"`],
    ['+012025-01-31T00:00:00Z', `${zoned}, not "+012025-01-31T00:00:00Z"`],
    ['2025-01-31T00:00:00Z\n', `${zoned}, not "2025-01-31T00:00:00Z\\n"`],
    ['1738281600', `${zoned}, not "1738281600"`],
    ['', `${zoned}, not ""`],
    ['2025-02-29T00:00:00Z', 'has a day that does not exist: "2025-02-29T00:00:00Z"'],
    ['1900-02-29T00:00:00Z', 'has a day that does not exist: "1900-02-29T00:00:00Z"'],
    ['2025-04-31T00:00:00Z', 'has a day that does not exist: "2025-04-31T00:00:00Z"'],
    ['2025-13-01T00:00:00Z', 'has a day that does not exist: "2025-13-01T00:00:00Z"'],
    ['2025-00-10T00:00:00Z', 'has a day that does not exist: "2025-00-10T00:00:00Z"'],
    ['2025-01-00T00:00:00Z', 'has a day that does not exist: "2025-01-00T00:00:00Z"'],
    ['2025-01-31T24:00:00Z', 'has a time of day that does not exist: "2025-01-31T24:00:00Z"'],
    ['2025-01-31T00:60:00Z', 'has a time of day that does not exist: "2025-01-31T00:60:00Z"'],
    ['2025-01-31T00:00:61Z', 'has a time of day that does not exist: "2025-01-31T00:00:61Z"'],
    ['2025-01-31T00:00:00+24:00', 'has a time of day that does not exist: "2025-01-31T00:00:00+24:00"'],
    ['2025-01-31T00:00:00-01:60', 'has a time of day that does not exist: "2025-01-31T00:00:00-01:60"'],
    ['9999-12-31T23:00:00-01:00', 'is in the year 10000 in UTC, which cannot be sent: "9999-12-31T23:00:00-01:00"'],
    ['0000-01-01T00:59:59+01:00', 'is in the year -1 in UTC, which cannot be sent: "0000-01-01T00:59:59+01:00"'],
    ['2016-12-31T23:59:60Z', 'has a leap second, which cannot be sent; use :59'],
  ])('%j is refused', (value, message) => expect(refusal(time(), value)).toBe(message))
})

describe('an id', () => {
  test.each(['icfg_3bwCLgxL8qt5kjRLcv2Dit7F', 'a', '...', '.hidden', 'a..b', 'a b', 'é', '%', 'a%20b', '🙂'])(
    '%j is accepted',
    (value) => {
      expect(checked(segment(), value)).toMatchObject({ value, errors: [] })
    },
  )

  test.each([
    ['', 'is empty'],
    ['.', 'must be an id, not "."'],
    ['..', 'must be an id, not ".."'],
    ['%2e%2E', 'must be an id, not "%2e%2E"'],
    ['.%2e', 'must be an id, not ".%2e"'],
    ['%252e%25252E', 'must be an id, not "%252e%25252E"'],
    ['a/b', 'must be a single id, without slashes: "a/b"'],
    ['a\\b', 'must be a single id, without slashes: "a\\\\b"'],
    ['a%2Fb', 'must be a single id, without slashes: "a%2Fb"'],
    ['a%252fb', 'must be a single id, without slashes: "a%252fb"'],
    ['a%5cb', 'must be a single id, without slashes: "a%5cb"'],
    ['a\nb', 'contains a line break or another invisible character: "a\\nb"'],
    ['a\u0000', 'contains a line break or another invisible character: "a\\u0000"'],
    ['a\u007f', 'contains a line break or another invisible character: "a\\u007f"'],
    ['a%00', 'contains a line break or another invisible character: "a%00"'],
    ['a%250a', 'contains a line break or another invisible character: "a%250a"'],
    ['a\u200bb', 'contains a line break or another invisible character: "a\\u200bb"'],
    ['\ufeffa', 'contains a line break or another invisible character: "\\ufeffa"'],
    ['a\u2028', 'contains a line break or another invisible character: "a\\u2028"'],
    ['a\u202eb', 'contains a line break or another invisible character: "a\\u202eb"'],
    [' a', 'starts or ends with a space: " a"'],
    ['a\u00a0', 'starts or ends with a space: "a\u00a0"'],
    ['a?b', 'must be an id, without ? and #: "a?b"'],
    ['a#b', 'must be an id, without ? and #: "a#b"'],
    ['a\ud800', 'contains half of a surrogate pair, which is not valid Unicode'],
    ['x'.repeat(100).concat('/'), `must be a single id, without slashes: "${'x'.repeat(60)}…"`],
  ])('%j is refused', (value, message) => expect(refusal(segment(), value)).toBe(message))

  test('that is accepted stays one segment of the path, even if it is decoded several times', () => {
    const unit = [...'./%25eEfC\\a \u200b?', '%2e', '%2F', '%25']
    const wild = fc.oneof(unicodeText(), fc.string({ unit: fc.constantFrom(...unit), maxLength: 8 }))
    fc.assert(
      fc.property(wild, (id) => {
        if (segmentProblem(id)) return
        const path = `/v1/installations/${encodeURIComponent(id)}/billing`
        expect(new URL(path, 'https://api.vercel.com').pathname).toBe(path)
        for (let text = id, times = 0; times < 5; times++) {
          expect(text).not.toMatch(/^\.{0,2}$|[/\\\n\0]/)
          text = text.replace(/%[0-7][0-9a-f]/gi, (code) => decodeURIComponent(code))
        }
      }),
      runs(500),
    )
  })
})

describe('a secret', () => {
  const expression =
    'contains an unexpanded GitHub expression: GitHub expands expressions only in workflow files; set the value with `env:` on the step and write {"$env": "NAME"} here'
  const newline =
    'is a single line that ends with a newline; write it without one (`printf %s`), or read it with {"$file": …}, which drops one'
  test.each([
    ['', 'is empty; is the secret that fills it set?'],
    ['***', 'is the literal ***, which logs show in place of a masked value; use the secret itself'],
    ['${{ secrets.TOKEN }}', expression],
    ['a ${{\nsecrets.X\n}} b', expression],
    ['\n', newline],
    ['hunter2\n', newline],
    ['hunter2\r\n', newline],
    ['hunter2\n\n', newline],
    ['hunter2\udc00', 'contains half of a surrogate pair, which is not valid Unicode'],
  ])('%j is refused', (value, message) => {
    expect(checked(secret(), value)).toMatchObject({ errors: [`field ${message}`], secrets: [value] })
  })

  test.each([
    'hunter2',
    ' ',
    '-----BEGIN KEY-----\nMIIB\n-----END KEY-----\n',
    '{{ mustache }}',
    'a ${{ b',
    '}} ${{',
    '\na',
  ])('%j is accepted', (value) => {
    expect(checked(secret(), value)).toMatchObject({ value, errors: [], warnings: [], secrets: [value] })
  })

  test('that contains *** gets a warning', () => {
    expect(checked(secret(), 'postgres://user:***@host')).toMatchObject({
      errors: [],
      warnings: ['field contains ***: was it copied from a log?'],
    })
  })

  test('is in no message, and is masked even if it is wrong', () => {
    const around = fc.oneof(unicodeText(), fc.constantFrom('***', '${{ }}', '\n', '${{', '}}'))
    fc.assert(
      fc.property(around, around, fc.boolean(), (before, after, byReference) => {
        const value = `${before}Qx7${after}`
        const given = byReference ? { $env: 'S' } : value
        const { errors, warnings, secrets } = checked(secret(), given, { env: { S: value } })
        expect(secrets).toEqual([value])
        expect([...errors, ...warnings].join()).not.toContain('Qx7')
      }),
    )
  })

  // A quadratic search would take minutes for each.
  test.each(['${{', '\n', '\r\n', '***'])('10 MiB of %j are checked in linear time', (piece) => {
    const usedBefore = cpuMs()
    checked(secret(), `a${piece.repeat((10 << 20) / piece.length)}b`)
    expect(cpuMs() - usedBefore).toBeLessThan(3000)
  })
})

describe('text', () => {
  test('may have a maximum length', () => {
    expect(refusal(text({ max: 3 }), 'abcd')).toBe('must have at most 3 characters (Unicode code points), not 4')
    expect(checked(text({ max: 3 }), 'abc').errors).toEqual([])
  })

  test('has its length counted in code points, not in UTF-16 code units', () => {
    expect(checked(text({ max: 1024 }), '🙂'.repeat(1024)).errors).toEqual([])
    expect(refusal(text({ max: 1024 }), '🙂'.repeat(1025))).toBe(
      'must have at most 1,024 characters (Unicode code points), not 1,025',
    )
  })

  test('half of a surrogate pair is refused', () => {
    expect(refusal(text(), 'a\ud83d')).toBe('contains half of a surrogate pair, which is not valid Unicode')
  })

  test.each(['https://example.com/a%20path?b=c#d', 'mailto:a@example.com'])('%s is a URL', (value) => {
    expect(checked(text({ format: 'uri' }), value).errors).toEqual([])
  })
  test.each(['example.com', '/path', 'https://exämple.com', 'https://example.com/a b', 'https://example.com/<a>', ''])(
    '%j is not a URL',
    (value) => {
      expect(refusal(text({ format: 'uri' }), value)).toMatch(/^must be a URL such as https:/)
    },
  )
})
