import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { type CutProblem, findCutVariables } from '../../src/cut-variables.ts'
import { loadPayload } from '../../src/payload/load.ts'

const workspace = mkdtempSync(join(tmpdir(), 'payload-load-'))
afterAll(() => rmSync(workspace, { recursive: true }))
const write = (name: string, content: string) => {
  writeFileSync(join(workspace, name), content)
  return name
}
const load = ({ text, file, cutProblem }: { text?: string; file?: string; cutProblem?: CutProblem }) =>
  loadPayload({ text, file, workspace, cutProblem })

test('a problem has its position, and its file if the payload is a file', async () => {
  const text = '{\n  "items": [{}]\n}'
  const problem = { path: ['items', 0, 'total'], message: 'is missing' }
  const position = { line: 2, column: 13 }
  const inline = await load({ text })
  expect(inline.value).toEqual({ items: [{}] })
  expect(inline.place(problem)).toEqual({ ...problem, position })
  const file = write('payload.json', text)
  expect((await load({ file })).place(problem)).toEqual({ ...problem, position, file })
})

test('an unknown field is located at its key, a missing one at its parent', async () => {
  const { place } = await load({ text: 'memo: x\nperiod:\n  end: y' })
  expect(place({ path: ['memo'], message: '', at: 'key' }).position).toEqual({ line: 1, column: 1 })
  expect(place({ path: ['memo'], message: '' }).position).toEqual({ line: 1, column: 7 })
  expect(place({ path: ['period', 'start', 'x'], message: '' }).position).toEqual({ line: 3, column: 3 })
  expect(place({ path: ['items'], message: '' }).position).toEqual({ line: 1, column: 1 })
})

test('a problem without a place of its own has that of its parent, also if it is about a key', async () => {
  const { place } = await load({ text: 'memo: x\nperiod:\n  end: y' })
  const problem = { path: ['period', 'start'], message: 'is missing' }
  expect(place({ ...problem, at: 'key' })).toEqual({ ...problem, position: { line: 3, column: 3 } })
  const whole = { path: [], message: 'the payload is wrong', position: { line: 1, column: 1 } }
  expect(place({ message: 'is wrong' })).toEqual(whole)
})

test('a problem has no place in a text that cannot be parsed, or without a text', async () => {
  const problem = { path: ['a'], message: 'is missing' }
  expect((await load({ text: 'a: @' })).place(problem)).toEqual(problem)
  expect((await load({})).place({ message: 'is missing' })).toEqual({ message: 'the payload is missing' })
})

test('a refusal names the file, if there is one', async () => {
  const message = 'the payload file "empty.json" is empty'
  const file = write('empty.json', ' ')
  expect((await load({ file })).errors).toStrictEqual([{ message, file }])
  const tooLarge = { message: 'the payload is larger than 10 MiB' }
  expect((await load({ text: ' '.repeat((10 << 20) + 1) })).errors).toStrictEqual([tooLarge])
  expect((await load({ text: `"${'x'.repeat((10 << 20) - 2)}"` })).errors).toEqual([])
})

test('only a name that ends with .json stands for JSON', async () => {
  const file = write('payload.json.yml', '{"a": 1,}')
  expect((await load({ file })).value).toEqual({ a: 1 })
})

test('a file whose name ends with .yml or .yaml is YAML, also if it looks like JSON', async () => {
  const text = '{"a": "b\n c"}'
  for (const name of ['folded.yml', 'folded.YAML', 'folded.yaml']) {
    expect((await load({ file: write(name, text) })).value).toEqual({ a: 'b c' })
  }
  for (const name of ['folded.txt', 'folded.yaml.txt', 'folded.xyml']) {
    expect((await load({ file: write(name, text) })).errors).toMatchObject([{ file: name, position: { line: 1 } }])
  }
  expect((await load({ text })).errors).toMatchObject([{ position: { line: 1, column: 9 } }])
})

test('a problem without a path names the payload', async () => {
  const { errors } = await load({ file: write('broken.yaml', 'a: @') })
  expect(errors).toEqual([
    {
      path: [],
      message: 'the payload is not valid YAML: a plain text cannot start with this character; put it in quotes',
      position: { line: 1, column: 4 },
      file: 'broken.yaml',
    },
  ])
})

test.each<[string, () => { text?: string; file?: string }, RegExp]>([
  ['an extra comma in .json', () => ({ file: write('A.JSON', '{"a": 1,}') }), /^the payload is not valid JSON/],
  ['an empty file', () => ({ file: write('empty.yml', '\n') }), /^the payload file "empty.yml" is empty$/],
  [
    'a missing file',
    () => ({ file: 'none.yml' }),
    /^the payload file "none.yml" cannot be read: the file does not exist/,
  ],
  ['11 MiB of text', () => ({ text: ' '.repeat(11 << 20) }), /^the payload is larger than 10 MiB$/],
  ['6 Mi characters of two bytes', () => ({ text: 'é'.repeat(6 << 20) }), /^the payload is larger than 10 MiB$/],
])('%s is refused', async (_, prepare, message) => {
  const { value, errors } = await load(prepare())
  expect(value).toBeUndefined()
  expect(errors.map((error) => error.message)).toEqual([expect.stringMatching(message)])
})

describe('on a system that can pass on a variable in part', () => {
  const whole = 'memo: x\ntotal: 100'
  const cutProblem = findCutVariables(() => ({ INPUT_PAYLOAD: whole }))
  const inDoubt = (): never => expect.unreachable('this text is not in doubt')

  test.each([
    ['is valid YAML', 'memo: x\ntotal: 10'],
    ['ends with a complete line', 'memo: x\n'],
    ['is no longer JSON', '{"memo": "x", "to'],
    ['is no longer YAML in brackets', '{ memo: x'],
    ['is not valid', 'memo: "x'],
    ['has brackets inside', 'memo: [x]'],
  ])('a part that %s is refused as a part', async (_, text) => {
    const { value, errors } = await load({ text, cutProblem })
    expect(value).toBeUndefined()
    expect(errors).toEqual([
      {
        message:
          'the payload arrived in part: Windows passes on at most 32,767 characters of a variable; write it to a file, and use `payload-file`',
      },
    ])
  })

  test('a whole YAML payload is read, without a marker or a line break at its end', async () => {
    expect((await load({ text: whole, cutProblem })).value).toEqual({ memo: 'x', total: 100 })
  })

  test('a whole payload with a syntax error has that error', async () => {
    const { errors } = await load({ text: `${whole}: y`, cutProblem })
    expect(errors.map(({ message }) => message)).toEqual([expect.stringMatching(/^the payload is not valid YAML/)])
  })

  test.each(['{"memo": "x"}', ' [1]', '{ memo: x }', '\ufeff{"memo": "x"}'])(
    '%j shows its end itself',
    async (text) => {
      expect((await load({ text, cutProblem: inDoubt })).errors).toEqual([])
    },
  )

  test('a file is never in doubt', async () => {
    const file = write('whole.yaml', 'memo: x')
    expect((await load({ file, cutProblem: inDoubt })).value).toEqual({ memo: 'x' })
  })
})

test('a step may have no payload', async () => {
  expect(await load({})).toMatchObject({ value: undefined, errors: [], warnings: [] })
})
