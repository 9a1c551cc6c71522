import fc from 'fast-check'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { Composer } from 'yaml'
import { maxYamlLength, parseYaml } from '../../src/payload/yaml.ts'
import { runs } from '../runs.ts'
import { unicodeText } from '../unicode-text.ts'
import { deepTexts, problemsOf, tooDeep } from './yaml-texts.ts'

test.each<[text: string, value: unknown]>([
  [
    'a: text\nb: 1.5\nc: true\nd:\ne: ~\nf: [x, {y: z}]\n',
    { a: 'text', b: 1.5, c: true, d: null, e: null, f: ['x', { y: 'z' }] },
  ],
  ['- |\n  two\n  lines\n- >\n  one\n  line\n', ['two\nlines\n', 'one line\n']],
  // In YAML 1.2 these are texts, not a date, a boolean or a number.
  ['a: 2025-01-31\nb: yes\nc: 1_000\nd: 12:30', { a: '2025-01-31', b: 'yes', c: '1_000', d: '12:30' }],
  ['%YAML 1.1\n---\na: 2025-01-31\nb: yes', { a: '2025-01-31', b: 'yes' }],
  ['1: a\nnull: b\n1.50: c\ntrue: d\n: e', { '1': 'a', null: 'b', '1.50': 'c', true: 'd', '': 'e' }],
  ['a: !!str 1\nb: !!int "2"', { a: '1', b: 2 }],
  ['a: &x [1]\nb: *x\n&y c: *y', { a: [1], b: [1], c: 'c' }],
  ['a: &x 1\nb: &x 2\nc: *x', { a: 1, b: 2, c: 2 }],
  ['a: 1\r\nb:\r\n  - c\r\n', { a: 1, b: ['c'] }],
  ['{a, "b": [c: d]}', { a: null, b: [{ c: 'd' }] }],
  ['"<<": 1', { '<<': 1 }],
  ['a: .inf\nb: .nan', { a: Number.POSITIVE_INFINITY, b: Number.NaN }],
  ['---\na: 1\n...\n', { a: 1 }],
])('%j is parsed', (text, value) => {
  expect(parseYaml(text)).toMatchObject({ value, errors: [] })
})

test('__proto__ is a field like any other', () => {
  const value = parseYaml('__proto__: {polluted: true}').value as object
  expect(Object.keys(value)).toEqual(['__proto__'])
  expect('polluted' in value).toBe(false)
})

describe('a text that is not YAML is refused with the place of the problem', () => {
  test.each([
    ['a: 1\n\tb: 2', 'indent with spaces, not with tabs (2:1)'],
    ['a: b: c', 'a nested mapping must start on a new line; if this is text, put it in quotes (1:4)'],
    ['a: "b\n', 'a colon, a comma, a closing quote or a closing bracket is missing (2:1)'],
    ['[1, 2', 'a colon, a comma, a closing quote or a closing bracket is missing (1:6)'],
    ['a: [1, 2\nb: 3', 'the indentation does not fit the lines above, or a closing bracket is missing (2:1)'],
    ['a: @b', 'a plain text cannot start with this character; put it in quotes (1:4)'],
    ['a: "\\q"', 'this escape is not valid in YAML (1:5)'],
    ['a: 1\n---\nb: 2', 'a second document starts here; a payload is one document (2:1)'],
    ['a: ]', 'unexpected here (1:4)'],
    ['a: *b', 'an alias has no anchor before it (1:4)'],
    ['a: *b\nc: &b 1', 'an alias has no anchor before it (1:4)'],
    ['a: *', 'an alias or an anchor here has no name (1:4)'],
    ['a: &x [1, *x]', 'an alias is inside its own anchor (1:11)'],
    ['? [a]\n: b', 'a key must be text (1:3)'],
    ['a: &x b\n*x : c', 'a key must be text (2:1)'],
    [
      '%TAG\n---\na: 1',
      'a line that starts with % is a directive, and this one is unknown; put the text in quotes (1:1)',
    ],
    [`${'a'.repeat(1025)}: 1`, 'a key is longer than 1024 characters; is a quote missing? (1:1)'],
  ])('%j', (text, message) => {
    expect(problemsOf(text)).toEqual([`is not valid YAML: ${message}`])
  })

  test.each(['!env X', '!!binary aGk=', '!!timestamp 2025-01-31', '!!set {a}', '!!omap [a: 1]'])('a: %s', (tagged) => {
    expect(problemsOf(`a: ${tagged}`)).toEqual([
      'is not valid YAML: tags such as !env or !!binary are not supported; for a reference write { $env: NAME } (1:4)',
    ])
  })

  test.each(['', ' \n\n', '# nothing but a comment\n'])('%j is empty', (text) => {
    expect(problemsOf(text)).toEqual(['is empty (1:1)'])
  })
})

test('every duplicate key is reported at the place of the second one', () => {
  expect(problemsOf('a: 1\nb:\n  - c: 1\n    "c": 2\n"a": 3')).toEqual([
    'b[0].c occurs twice; remove one of the two (4:5)',
    'a occurs twice; remove one of the two (5:1)',
  ])
})

test('a merge key is refused, not sent as a field', () => {
  expect(problemsOf('x: &x {a: 1}\ny:\n  <<: *x')).toEqual([
    'y["<<"] is a merge key, which is not supported; write the fields out (3:3)',
  ])
})

test.each([
  'hunter2: "hunter2',
  'hunter2: @hunter2',
  'hunter2: a: hunter2',
  '[hunter2',
  '*hunter2',
  'a: !hunter2 x',
  '? [hunter2]\n: a',
  '"\\hunter2"',
  'a: &hunter2 [*hunter2]',
  '{"hunter2": "hunter2" "hunter2"}',
])('no message about %j contains a part of it', (text) => {
  const problems = problemsOf(text)
  expect(problems).toHaveLength(1)
  expect(problems.join()).not.toContain('hunter')
})

test('a number that a float cannot represent gets a warning with its path and place', () => {
  expect(parseYaml('a:\n  - b: 12345678901234567890\n  - 0.10000000000000000').warnings).toEqual([
    {
      path: ['a', 0, 'b'],
      message: 'is not sent as it is written: JSON numbers keep 15 to 17 digits',
      position: { line: 2, column: 8 },
    },
  ])
})

describe('deep nesting is refused at the first level that is too deep', () => {
  test.each(deepTexts)('%s', (_, text) => {
    for (const levels of [110, 400]) expect(problemsOf(text(levels))).toEqual(tooDeep)
  })

  test('blocks', () => {
    const nested = (levels: number) => Array.from({ length: levels }, (_, level) => `${' '.repeat(level)}a:`).join('\n')
    expect(parseYaml(nested(100)).errors).toEqual([])
    expect(problemsOf(nested(101))).toEqual(['nests deeper than 100 levels (101:101)'])
    expect(problemsOf(nested(1400))).toEqual(['nests deeper than 100 levels (102:103)'])
  })

  test('the levels of an alias count where it is used', () => {
    const text = (levels: number) =>
      `a: &x ${'['.repeat(60)}${']'.repeat(60)}\nb: ${'['.repeat(levels)}*x${']'.repeat(levels)}`
    expect(parseYaml(text(39)).errors).toEqual([])
    expect(problemsOf(text(40))).toEqual(['nests deeper than 100 levels (2:44)'])
  })
})

test('a refused text has no value, and its problems with a key are located there', () => {
  const { value, errors } = parseYaml('a: 1\na: 2')
  expect(value).toBeUndefined()
  const message = 'occurs twice; remove one of the two'
  expect(errors).toEqual([{ path: ['a'], message, at: 'key', position: { line: 2, column: 1 } }])
})

test('a key without a value and an alias of a scalar have places, and nothing inside', () => {
  const { locate } = parseYaml('a: &x 1\nb: *x\n? c')
  expect(locate(['b'], 'value')).toEqual({ line: 2, column: 4 })
  expect(locate(['b', 'x'], 'value')).toBeUndefined()
  expect(locate(['c'], 'value')).toEqual({ line: 3, column: 3 })
})

test('digits in quotes get no warning', () => {
  expect(parseYaml('a: "12345678901234567890"\nb: x12345678901234567890').warnings).toEqual([])
})

test('other errors keep their stack traces', () => {
  const { stackTraceLimit } = Error
  onTestFinished(() => {
    Error.stackTraceLimit = stackTraceLimit
  })
  Error.stackTraceLimit = 7
  for (const text of ['a: 1', 'a: @']) parseYaml(text)
  expect(Error.stackTraceLimit).toBe(7)
})

test('what the library throws is not shown: it may quote the text', () => {
  const composing = vi.spyOn(Composer.prototype, 'compose').mockImplementation(() => {
    throw new Error('unexpected hunter2')
  })
  onTestFinished(() => composing.mockRestore())
  expect(problemsOf('a: 1')).toEqual(['is not valid YAML (1:1)'])
})

test('aliases that multiply are refused before they are expanded', () => {
  const names = [...'abcdefghijklmnop']
  const lines = names.map((name, index) => {
    const entries = Array(9).fill(index === 0 ? 'x' : `*${names[index - 1]}`)
    return `${name}: &${name} [${entries.join(', ')}]`
  })
  expect(problemsOf(lines.join('\n'))).toEqual([
    expect.stringMatching(/^has more than 200,000 values; split it, or write it as JSON \(\d+:\d+\)$/),
  ])
})

describe('too many values', () => {
  const refusal = 'has more than 5 values; split it, or write it as JSON'

  test.each([
    ['[a, a, a, a, a]', '1:14'],
    ['[{}, {}, [], [], ~]', '1:18'],
    ['- a\n- a\n- a\n- a\n- a\n', '5:3'],
    ['-\n-\n-\n-\n-\n', '5:2'],
    ['a: 1\nb: {c: 2, d: 3}\ne: 4', '3:4'],
    ['a: &x [1]\nb: 1\nc: *x', '3:4'],
  ])('%j is refused', (text, place) => {
    expect(parseYaml(text, 6).errors).toEqual([])
    const [error] = parseYaml(text, 5).errors
    expect(error?.message).toBe(refusal)
    expect(`${error?.position?.line}:${error?.position?.column}`).toBe(place)
  })

  test.each(['[a, a, a, a, a, a, "', '- a\n- a\n- a\n- a\n- a\n- @', 'a: 1\nb: 1\nc: 1\nd: 1\ne: 1\nf: 1\ng: "'])(
    '%j is refused before the rest is parsed',
    (text) => {
      expect(parseYaml(text, 5).errors).toMatchObject([{ message: refusal }])
    },
  )
})

test('one anchor may have a thousand aliases', () => {
  const { value, errors } = parseYaml(`x: &x {a: 1, b: [2]}\nlist:\n${'- *x\n'.repeat(1000)}`)
  expect(errors).toEqual([])
  expect((value as { list: unknown[] }).list).toEqual(Array(1000).fill({ a: 1, b: [2] }))
})

test('a text over 1 MiB is refused with the advice to use JSON', () => {
  expect(problemsOf(`a: ${'x'.repeat(maxYamlLength - 3)}`)).toEqual([])
  expect(problemsOf(`a: ${'x'.repeat(maxYamlLength - 2)}`)).toEqual([
    'is too large for YAML, which is limited to 1 MiB: write it as JSON (1:1)',
  ])
})

test('any text gives a value, or problems with places in the text', () => {
  const marks = [...'{}[]:,"\'-&*!|>#%@?<~`ab01 \n\t\r', ': ', '- ', '\n  ', '<<', '---\n', '!!']
  const texts = fc.oneof(fc.string({ unit: fc.constantFrom(...marks), maxLength: 30 }), unicodeText())
  fc.assert(
    fc.property(texts, (text) => {
      const { value, errors, warnings } = parseYaml(text)
      expect(value === undefined).toBe(errors.length > 0)
      const lines = text.split(/\r\n|\r|\n/)
      for (const { position: { line, column } = { line: 0, column: 0 } } of [...errors, ...warnings]) {
        // The place of a problem may be the end of a line or of the text.
        expect(column).toBeGreaterThan(0)
        expect(column).toBeLessThanOrEqual((lines[line - 1] as string).length + 2)
      }
    }),
    runs(150),
  )
})

test('JSON has the same value as YAML', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 3, noUnicodeString: true }), (json) => {
      const { value, errors } = parseYaml(JSON.stringify(json, null, 1))
      expect(errors).toEqual([])
      expect(JSON.stringify(value)).toBe(JSON.stringify(json))
    }),
  )
})
