import { describe, expect, test } from 'vitest'
import * as parse from '../../src/inputs/parse.ts'

/** The value, or the problems. */
function resultOf<T>(parser: parse.Parser<T>, text: string): T | readonly string[] {
  const parsed = parser(text)
  return 'value' in parsed ? parsed.value : parsed.problems
}

const accepted = (parser: parse.Parser<unknown>, text: string) => 'value' in parser(text)

test.each([
  ['true', true],
  ['TRUE', true],
  ['false', false],
  ['False', false],
])('%j is a boolean', (text, value) => {
  expect(parse.trueOrFalse(text)).toEqual({ value })
})

test.each(['yes', '1', 'truefalse', 'true false'])('%j is not a boolean', (text) => {
  expect(resultOf(parse.trueOrFalse, text)).toEqual(['must be true or false'])
})

test.each([
  ['1', 1],
  ['007', 7],
  ['999999999', 999_999_999],
])('%j is a positive whole number, and a number of seconds', (text, value) => {
  expect(parse.positiveInteger(text)).toEqual({ value })
  expect(parse.seconds(text)).toEqual({ value: value * 1000 })
})

test.each(['0', '-1', '1.5', '1e3', '10m', '1,000', '9999999999', 'x'])('%j is not a positive whole number', (text) => {
  expect(resultOf(parse.positiveInteger, text)).toEqual(['must be a positive whole number'])
  expect(resultOf(parse.seconds, text)).toEqual(['must be a positive whole number of seconds, such as 600'])
})

test('a choice accepts its values only', () => {
  const parser = parse.choiceOf(['fail', 'succeed'])
  expect(parser('fail')).toEqual({ value: 'fail' })
  expect(resultOf(parser, 'Fail')).toEqual(['must be fail or succeed'])
})

test('an access token is alone in its text', () => {
  expect(parse.accessToken('abc')).toEqual({ value: 'abc' })
  expect(resultOf(parse.accessToken, 'Bearer abc')).toEqual([
    'contains a space. Pass the token alone, without "Bearer "',
  ])
})

test.each(['icfg_1', 'inv-1', 'a.b'])('%j is an id', (text) => {
  expect(parse.pathSegment(text)).toEqual({ value: text })
})

test.each(['..', 'a/b', 'a%2fb', 'a?b', 'a\nb'])('%j is not an id', (text) => {
  expect(accepted(parse.pathSegment, text)).toBe(false)
})

test.each(['VERCEL_TOKEN', '_a1', 'a'])('%j is the name of a secret', (text) => {
  expect(parse.secretName(text)).toEqual({ value: text })
})

test.each(['1A', 'A-B', 'A B', 'GITHUB_A', 'github_a', 'É'])('%j is not the name of a secret', (text) => {
  expect(resultOf(parse.secretName, text)).toEqual([
    'must consist of letters, digits and _, and must not begin with a digit or GITHUB_',
  ])
})

test.each(['0', '500', '500.00', '0.001'])('%j is an amount', (text) => {
  expect(parse.amount(text)).toEqual({ value: text })
})

test.each(['-1', '1,00', '$1', '1.', '.5', '1e3', '9'.repeat(41)])('%j is not an amount', (text) => {
  expect(resultOf(parse.amount, text)).toEqual(['must be a decimal such as 500.00'])
})

test('a digest has its algorithm and 64 hexadecimal digits', () => {
  const digest = `sha256:${'0a'.repeat(32)}`
  expect(parse.digest(digest)).toEqual({ value: digest })
  for (const text of [digest.slice(7), digest.slice(0, -1), digest.toUpperCase(), `${digest}0`]) {
    expect(resultOf(parse.digest, text)).toEqual(['must be sha256: and 64 hexadecimal digits, as a dry run shows it'])
  }
})

describe('a shard', () => {
  test('has an index and a count', () => {
    expect(parse.shard('2/4')).toEqual({ value: { index: 2, count: 4 } })
  })

  test.each([
    ['5/4', 'is 5/4: the first number must be between 1 and 4'],
    ['0/4', 'is 0/4: the first number must be between 1 and 4'],
    ['2/1', 'is 2/1: the first number must be between 1 and 1'],
    ['1/0', 'must be i/n, the i-th of n parts, such as 2/4'],
    ['0/0', 'must be i/n, the i-th of n parts, such as 2/4'],
    ['01/4', 'must be i/n, the i-th of n parts, such as 2/4'],
    ['2', 'must be i/n, the i-th of n parts, such as 2/4'],
    ['2 of 4', 'must be i/n, the i-th of n parts, such as 2/4'],
  ])('%j is refused', (text, problem) => {
    expect(resultOf(parse.shard, text)).toEqual([problem])
  })
})

describe('invoice states', () => {
  test('are separated by commas', () => {
    expect(parse.states('paid')).toEqual({ value: ['paid'] })
    expect(parse.states('paid, notpaid')).toEqual({ value: ['paid', 'notpaid'] })
  })

  test('that do not exist are all named, with the nearest state or the known ones', () => {
    expect(resultOf(parse.states, 'payed,paid,x')).toEqual([
      'names a state that no invoice has: "payed"; did you mean `paid`?',
      expect.stringMatching(/^names a state that no invoice has: "x"; known states: .*\bpaid\b/),
    ])
    expect(accepted(parse.states, 'paid,')).toBe(false)
  })
})

describe('api-url', () => {
  test.each(['https://api.vercel.com', 'https://proxy.example/vercel', 'http://localhost:3000', 'http://127.0.0.1:1'])(
    'can be %s',
    (text) => {
      expect(parse.destination(text)).toEqual({ value: { sandbox: false, baseUrl: text } })
    },
  )

  test('can be the sandbox', () => {
    expect(parse.destination('sandbox')).toEqual({ value: { sandbox: true } })
  })

  test.each([
    ['api.vercel.com', /^must be a URL such as https:\/\/api\.vercel\.com/],
    ['http://api.vercel.com', /^must start with https:\/\//],
    ['http://127.0.0.1.example', /^must start with https:\/\//],
    ['ftp://localhost', /^must start with https:\/\//],
    ['https://user:hunter2@api.vercel.com', /^must be a host and a path only/],
    ['https://hunter2@api.vercel.com', /^must be a host and a path only/],
    ['https://:hunter2@api.vercel.com', /^must be a host and a path only/],
    ['https://api.vercel.com?hunter2', /^must be a host and a path only/],
    ['https://api.vercel.com#hunter2', /^must be a host and a path only/],
  ])('cannot be %s', (text, problem) => {
    const [message] = resultOf(parse.destination, text) as readonly string[]
    expect(message).toMatch(problem)
    expect(message).not.toContain('hunter2')
  })
})

test.each([
  ['20', '20'],
  ['0.5', '0.5'],
  ['20%', '20'],
  ['20 %', '20'],
  ['123456789.123456789', '123456789.123456789'],
])('%j is a percentage', (text, value) => {
  expect(parse.percentage(text)).toEqual({ value })
})

test.each(['', '-1', '20  %', '20 %x', 'x20', '1,5', '1.', '.5', '1234567890', '1e3', '%'])(
  '%j is not a percentage',
  (text) => {
    expect(resultOf(parse.percentage, text)).toEqual(['must be a percentage such as 20'])
  },
)

test('a key is any text, but not a word of ours in another case', () => {
  for (const text of ['auto', 'none', 'november', 'automatic', 'x auto']) {
    expect(parse.externalId(text)).toEqual({ value: text })
  }
  expect(resultOf(parse.externalId, 'Auto')).toEqual([
    'must be `auto` in lower case, or another text, which is the key itself',
  ])
  expect(resultOf(parse.externalId, 'NONE')).toEqual([
    'must be `none` in lower case, or another text, which is the key itself',
  ])
})

test('a name may have GITHUB_ in its middle, a shard no other characters, and a digest nothing before it', () => {
  expect(parse.secretName('MY_GITHUB_TOKEN')).toEqual({ value: 'MY_GITHUB_TOKEN' })
  for (const text of ['5/4x', 'x5/4', '5x/4', '5/4x4']) {
    expect(resultOf(parse.shard, text)).toEqual(['must be i/n, the i-th of n parts, such as 2/4'])
  }
  expect(accepted(parse.digest, `x sha256:${'0'.repeat(64)}`)).toBe(false)
})

test('unknown is a state of tracked invoices only', () => {
  expect(parse.trackedStates('unknown,paid')).toEqual({ value: ['unknown', 'paid'] })
  expect(accepted(parse.states, 'unknown')).toBe(false)
})
