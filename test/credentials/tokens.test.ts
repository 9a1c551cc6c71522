import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readTokens } from '../../src/credentials/tokens.ts'

const problemsOf = (text: string) => readTokens(text, 'input `tokens`').problems.map(({ message }) => message)

test('tokens are found by their installations, whatever those are called', () => {
  const { tokens, problems } = readTokens('\ufeff{"icfg_1":"one","__proto__":"two","a b":"three"}\n', 'input `tokens`')
  expect([...tokens]).toEqual([
    ['icfg_1', 'one'],
    ['__proto__', 'two'],
    ['a b', 'three'],
  ])
  expect(problems).toEqual([])
  expect(tokens.get('constructor')).toBeUndefined()
})

const notRight = 'input `tokens` is not a JSON object of installation ids and tokens, each id once'
test.each<[text: string, problem: string]>([
  ['', `${notRight} (line 1, column 1)`],
  ['{"a":"x",}', `${notRight} (line 1, column 10)`],
  ['{\n "a": hunter2\n}', `${notRight} (line 2, column 7)`],
  ['{"a":"x",\n"a":"y"}', `${notRight} (a, line 2, column 1)`],
  ['[]', 'input `tokens` must be a JSON object, installation id → token, not a list'],
  ['null', 'input `tokens` must be a JSON object, installation id → token, not null'],
  ['"hunter2"', 'input `tokens` must be a JSON object, installation id → token, not text'],
  ['{"a":null}', 'input `tokens`: a must be text, not null'],
  ['{"a":{"$env":"A"}}', 'input `tokens`: a must be text, not a reference, which can only replace text'],
  ['{"a":["hunter2"]}', 'input `tokens`: a must be text, not a list'],
  ['{"a":""}', 'input `tokens`: a is empty; is the secret that fills it set?'],
  [
    '{"a":"***"}',
    'input `tokens`: a is the literal ***, which logs show in place of a masked value; use the secret itself',
  ],
  ['{"a":"hunter2 "}', 'input `tokens`: a holds a blank or a character that no token has'],
  ['{"":"x"}', 'input `tokens`: [""] has an id that is empty'],
  ['{"a/b":"x"}', 'input `tokens`: ["a/b"] has an id that must be a single id, without slashes: "a/b"'],
])('%j is refused', (text, problem) => {
  const { tokens } = readTokens(text, 'input `tokens`')
  expect(problemsOf(text)).toEqual([problem])
  expect(tokens.size).toBe(0)
})

test('every problem is told at once, and what is right is read', () => {
  const { tokens, problems } = readTokens('{"a":"","b":"x","c":1}', 'tokens-file "t.json"')
  expect(problems.map(({ message }) => message.slice(0, 25))).toEqual(
    ['tokens-file "t.json": a is', 'tokens-file "t.json": c mu'].map((message) => message.slice(0, 25)),
  )
  expect([...tokens]).toEqual([['b', 'x']])
})

test('no token is in any message, whatever is wrong', () => {
  const around = fc.oneof(fc.constantFrom('', ' ', '\n', '"', '\\', '***', '${{ x }}', 'é', '\u0000'), fc.string())
  fc.assert(
    fc.property(around, around, fc.nat(), fc.string({ maxLength: 3 }), (before, after, at, change) => {
      const text = JSON.stringify({ a: 'fine', b: `${before}Qx7${after}`, c: 'Qx7' })
      const place = at % (text.length + 1)
      expect(problemsOf(text).join()).not.toContain('Qx7')
      // Where an id is cut off, a token may become one.
      const broken = text.slice(0, place) + change.replaceAll('"', '') + text.slice(place)
      if (Object.keys(JSON.parse(text)).every((id) => broken.includes(`"${id}":"`))) {
        expect(problemsOf(broken).join()).not.toContain('Qx7')
      }
    }),
  )
})
