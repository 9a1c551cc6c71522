import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { loadTokens, readTokens } from '../../src/credentials/tokens.ts'
import { findCutVariables } from '../../src/cut-variables.ts'
import { ageFile, ageFilesContent, ageFilesIdentity, armored, encryptTo, newIdentity } from '../age.ts'
import { newFolder } from '../batch/files.ts'

const problemsOf = (text: string) => readTokens(text, 'Input `tokens`').problems.map(({ message }) => message)

test('tokens are found by installation id, also by one that is a property of every object', () => {
  const { tokens, problems } = readTokens('\ufeff{"icfg_1":"one","__proto__":"two","a b":"three"}\n', 'Input `tokens`')
  expect([...tokens]).toEqual([
    ['icfg_1', 'one'],
    ['__proto__', 'two'],
    ['a b', 'three'],
  ])
  expect(problems).toEqual([])
  expect(tokens.get('constructor')).toBeUndefined()
})

const notJson = 'Input `tokens` is not valid JSON at'
const expected = 'Expected {"icfg_1": "token"}'
test.each<[text: string, problem: string]>([
  ['{"icfg_1":"token1",}', `${notJson} line 1, column 20: remove the trailing comma. ${expected}`],
  ['\ufeff{"icfg_1":"token1",\n}', `${notJson} line 2, column 1: remove the trailing comma. ${expected}`],
  ['\ufeff{"icfg_1":"token1",}', `${notJson} line 1, column 20: remove the trailing comma. ${expected}`],
  ['{"a\ufeff":"x",}', `${notJson} line 1, column 11: remove the trailing comma. ${expected}`],
  ['{"a":}', `${notJson} line 1, column 6: a value is missing before this. ${expected}`],
  ['{"a":"x",,"b":"y"}', `${notJson} line 1, column 10: expected a field name in double quotes, not ,. ${expected}`],
  ['{"a":"x", b}', `${notJson} line 1, column 11: expected a field name in double quotes. ${expected}`],
  ['["hunter2", ]', `${notJson} line 1, column 13: remove the trailing comma. ${expected}`],
  ['{"a":"x",\n"a":"y"}', 'Input `tokens` contains a twice, the second time at line 2, column 1: remove one of them'],
  ['[]', 'Input `tokens` must be a JSON object, installation id → token, not a list'],
  ['null', 'Input `tokens` must be a JSON object, installation id → token, not null'],
  ['"hunter2"', 'Input `tokens` must be a JSON object, installation id → token, not text'],
  ['{"a":null}', 'Input `tokens`: a must be text, not null'],
  ['{"a":{"$env":"A"}}', 'Input `tokens`: a must be text, not a reference, which can only replace text'],
  ['{"a":["hunter2"]}', 'Input `tokens`: a must be text, not a list'],
  ['{"a":""}', 'Input `tokens`: a is empty; is the secret that fills it set?'],
  [
    '{"a":"***"}',
    'Input `tokens`: a is the literal ***, which logs show in place of a masked value; use the secret itself',
  ],
  ['{"a":"hunter2 "}', 'Input `tokens`: a contains a space. Pass the token alone'],
  ['{"":"x"}', 'Input `tokens`: [""] has an id that is empty'],
  ['{"a/b":"x"}', 'Input `tokens`: ["a/b"] has an id that must be a single id, without slashes: "a/b"'],
])('%j is refused', (text, problem) => {
  const { tokens } = readTokens(text, 'Input `tokens`')
  expect(problemsOf(text)).toEqual([problem])
  expect(tokens.size).toBe(0)
})

test.each([
  ['', 'line 1, column 1'],
  ['{"a":"x" "b":"y"}', 'line 1, column 10'],
  ['{\n "a": hunter2\n}', 'line 2, column 7'],
])('%j is refused with the place and the reason of the syntax error', (text, place) => {
  const [problem = ''] = problemsOf(text)
  expect(problem).toContain(`${notJson} ${place}: `)
  expect(problem.slice(problem.indexOf(place) + place.length)).toMatch(/^: \w.{5,}\. Expected \{"icfg_1": "token"\}$/)
})

test('the input is read as a list, and a step without tokens has none', async () => {
  const inputs = { tokens: undefined, tokensFile: undefined, tokensKey: undefined }
  expect(await loadTokens(inputs, '/')).toEqual({ tokens: new Map(), warnings: [] })
  const { tokens, warnings } = await loadTokens({ ...inputs, tokens: '{"icfg_1":"one"}' }, '/')
  expect({ tokens: Object.fromEntries(tokens), warnings }).toEqual({ tokens: { icfg_1: 'one' }, warnings: [] })
  await expect(loadTokens({ ...inputs, tokens: '{"a":1}' }, '/')).rejects.toMatchObject({
    code: 'invalid_input',
    message: 'Input `tokens` contains errors',
    diagnostics: [{ message: 'Input `tokens`: a must be text, not a number' }],
  })
  await expect(loadTokens({ ...inputs, tokensFile: 'missing.json' }, newFolder())).rejects.toMatchObject({
    code: 'invalid_input',
    message: expect.stringMatching(/^tokens-file "missing\.json" cannot be read: /),
  })
})

test('an input that arrived in part says so, and a whole one says what is wrong', async () => {
  const cutProblem = findCutVariables(() => ({ INPUT_TOKENS: '{"icfg_1":"one","icfg_2"' }))
  const load = (tokens: string) => loadTokens({ tokens, tokensFile: undefined, tokensKey: undefined }, '/', cutProblem)
  await expect(load('{"icfg_1":"one","i')).rejects.toMatchObject({
    code: 'invalid_input',
    message:
      'Input `tokens` arrived in part: Windows passes on at most 32,767 characters of a variable; write it to a file, and use `tokens-file`',
  })
  await expect(load('{"icfg_1":"one","icfg_2"')).rejects.toThrow('Input `tokens` contains errors')
  expect((await load('{"icfg_1":"one"}')).tokens.get('icfg_1')).toBe('one')
})

test('all problems are reported at once, and valid tokens are read', () => {
  const { tokens, problems } = readTokens('{"a":"","b":"x","c":1}', 'tokens-file "t.json"')
  expect(problems.map(({ message }) => message.slice(0, 25))).toEqual(
    ['tokens-file "t.json": a is', 'tokens-file "t.json": c mu'].map((message) => message.slice(0, 25)),
  )
  expect([...tokens]).toEqual([['b', 'x']])
})

test('no message contains a token', () => {
  const surrounding = fc.oneof(fc.constantFrom('', ' ', '\n', '"', '\\', '***', '${{ x }}', 'é', '\u0000'), fc.string())
  fc.assert(
    fc.property(surrounding, surrounding, fc.nat(), fc.string({ maxLength: 3 }), (before, after, at, inserted) => {
      const text = JSON.stringify({ a: 'fine', b: `${before}Qx7${after}`, c: 'Qx7' })
      const offset = at % (text.length + 1)
      expect(problemsOf(text).join()).not.toContain('Qx7')
      // If an id were cut off, a token could become an id, which messages may show.
      const broken = text.slice(0, offset) + inserted.replaceAll('"', '') + text.slice(offset)
      if (Object.keys(JSON.parse(text)).every((id) => broken.includes(`"${id}":"`))) {
        expect(problemsOf(broken).join()).not.toContain('Qx7')
      }
    }),
  )
})

/** Loads the tokens of a file with this content. */
function loadFile(content: string | Buffer, tokensKey: readonly string[] | undefined) {
  const folder = newFolder()
  writeFileSync(join(folder, 't.json'), content)
  return loadTokens({ tokens: undefined, tokensFile: 't.json', tokensKey }, folder)
}

test.each(['binary.age', 'armored.age'])('tokens are read from %s, which age wrote', async (name) => {
  const { tokens, warnings } = await loadFile(ageFile(name), [await newIdentity(), ageFilesIdentity])
  expect(Object.fromEntries(tokens)).toEqual(JSON.parse(ageFilesContent))
  expect(warnings).toEqual([])
})

test('a plain file beside a key is read, with a warning', async () => {
  const { tokens, warnings } = await loadFile(ageFilesContent, [ageFilesIdentity])
  expect(tokens.size).toBe(2)
  expect(warnings).toEqual([
    {
      message:
        'tokens-file "t.json" is not encrypted, although `tokens-key` is set: encrypt it (age -r age1…), or remove `tokens-key`',
    },
  ])
  expect((await loadFile(ageFilesContent, undefined)).warnings).toEqual([])
})

test('the problems of an encrypted list are those of any, with their places', async () => {
  await expect(loadFile(await encryptTo([ageFilesIdentity], '{"a":"x",\n}'), [ageFilesIdentity])).rejects.toMatchObject(
    {
      diagnostics: [
        {
          message: `tokens-file "t.json" is not valid JSON at line 2, column 1: remove the trailing comma. ${expected}`,
        },
      ],
    },
  )
})

test('an encrypted file without a key is refused, and so is its text as the input `tokens`', async () => {
  await expect(loadFile(ageFile('binary.age'), undefined)).rejects.toThrow(
    'tokens-file "t.json" cannot be read: it is encrypted with age: set `tokens-key` to the identity that opens it',
  )
  expect(problemsOf(armored(ageFile('binary.age')))).toEqual([
    'Input `tokens` is encrypted with age: store it in a file, and give its path as `tokens-file`',
  ])
})
