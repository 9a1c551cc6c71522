// Properties of what reads payloads: no input, however wild, makes it crash, lose anything, or tell a secret.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Check, check, segmentProblem } from '../../src/payload/check.ts'
import { scanJson } from '../../src/payload/json.ts'
import { decimal, object, secret, time } from '../../src/payload/schema.ts'
import { parseSource } from '../../src/payload/source.ts'

const context = (env: Record<string, string> = {}): Check => ({
  env,
  readFile: () => '',
  now: new Date(0),
  errors: [],
  warnings: [],
  secrets: [],
})
const parses = (text: string) => {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
const mutated = fc.tuple(fc.json({ maxDepth: 4 }), fc.nat(), fc.string({ maxLength: 3 })).map(([text, at, change]) => {
  const place = at % (text.length + 1)
  return text.slice(0, place) + change + text.slice(place + change.length)
})

test('a text is JSON for us exactly where it is for JSON.parse', () => {
  fc.assert(
    fc.property(fc.oneof(fc.json(), mutated, fc.string()), (text) => {
      expect(scanJson(text).syntax === undefined).toBe(parses(text))
    }),
    { numRuns: 2000 },
  )
})

test('every place that is told holds its value', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 3 }), (text) => {
      scanJson(text, (path, { value }) => {
        const wanted = path.reduce<unknown>(
          (inside, part) => (inside as Record<string, unknown>)[part],
          JSON.parse(text),
        )
        expect(text.slice(value).startsWith(JSON.stringify(wanted))).toBe(true)
      })
    }),
  )
})

test.each(['[', '"', '{"a":', '\\', '1'])('10 MiB of %s end quickly', (piece) => {
  const started = performance.now()
  scanJson(piece.repeat((10 << 20) / piece.length))
  expect(performance.now() - started).toBeLessThan(5000)
})

test.each([
  ['{"a":1,"a":2}', 'a'],
  ['{"a":1,"\\u0061":2}', 'a'],
  ['{"x":[{"__proto__":1,"__proto__":2}]}', '__proto__'],
])('a duplicate key is found in %s', (text, key) => {
  expect(scanJson(text).errors).toMatchObject([{ path: expect.arrayContaining([key]), at: 'key' }])
})

test.each([
  ['12345678901234567890', true],
  ['0.30000000000000004', false],
  ['9007199254740993', true],
  ['1e400', false],
])('a number that JSON cannot hold is warned of: %s', (text, inexact) => {
  expect(scanJson(text).warnings.length > 0).toBe(inexact)
})

test('any text ends in a value or in problems', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...'{}[]:,"\'-&*!|>#%@ \n\tab1') })),
      async (text) => {
        const { errors, value } = await parseSource(text)
        expect(errors.length > 0 ? value : undefined).toBeUndefined()
      },
    ),
    { numRuns: 1000 },
  )
})

test.each([
  'a: &a [x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c]',
  'a: !!binary x',
  'a: 1\n---\nb: 2',
  `${'- '.repeat(10_000)}x`,
  `a: ${'['.repeat(10_000)}`,
])('YAML is refused: %#', async (text) => {
  expect((await parseSource(text)).errors).toHaveLength(1)
})

test('an instant is itself in every spelling of its offset', () => {
  const years = { min: new Date('1970-01-02T00:00:00Z'), max: new Date('2999-12-30T00:00:00Z'), noInvalidDate: true }
  fc.assert(
    fc.property(fc.date(years), fc.integer({ min: -23 * 60, max: 23 * 60 }), (at, minutes) => {
      const sign = minutes < 0 ? '-' : '+'
      const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60].map((n) =>
        String(n).padStart(2, '0'),
      )
      const text = `${new Date(at.getTime() + minutes * 60_000).toISOString().slice(0, -1)}${sign}${hours}:${rest}`
      const checking = context()
      expect(check(time(), text, [], checking)).toEqual(at)
      expect(checking.errors).toEqual([])
    }),
  )
})

test.each([
  '2025-02-29T00:00:00Z',
  '2025-13-01T00:00:00Z',
  '2025-01-01T24:00:00Z',
  '2025-01-01',
  '2025-01-01T00:00:00',
  '2025-01-01 00:00:00Z',
])('%s is no time', (text) => {
  const checking = context()
  check(time(), text, ['at'], checking)
  expect(checking.errors).toHaveLength(1)
})

test('an accepted id is one segment, also for a server that decodes twice', () => {
  const wild = fc.oneof(
    fc.string(),
    fc.string({ unit: fc.constantFrom('.', '/', '%2e', '%2F', '\\', 'a', ' ', '\n', '\u200b', '?') }),
  )
  fc.assert(
    fc.property(wild, (id) => {
      if (segmentProblem(id)) return
      expect(encodeURIComponent(id)).toMatch(/^(?!\.{1,2}$)[^/\\?#\n]+$/)
      expect(id.replace(/%2e/gi, '.')).not.toMatch(/^\.{1,2}$|[/\\\n]|%2f/i)
    }),
    { numRuns: 2000 },
  )
})

test('a decimal passes exactly as it is written', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'0123456789.-e ') }), (text) => {
      const checking = context()
      const value = check(decimal(), text, [], checking)
      if (/^\d+(\.\d+)?$/.test(text)) expect(value).toBe(text)
      else expect(checking.errors).toHaveLength(1)
    }),
  )
})

test('what a secret is, right or wrong, stands in no message, and is masked', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 6 }), (value) => {
      const checking = context({ S: value })
      check(object({ s: secret(), at: time() }), { s: { $env: 'S' }, at: { $env: 'S' } }, [], checking)
      expect(checking.secrets).toEqual([value])
      for (const { message } of checking.errors)
        expect(message.includes(value) && value.trim().length >= 6 && !/^[\w .]+$/.test(value)).toBe(false)
    }),
  )
})
