import { join } from 'node:path'
import { expect, test } from 'vitest'
import { docComments } from '../../scripts/doc-comments.ts'
import { type InputName, inputNames, rowOf } from '../../src/inputs/table.ts'

const descriptions = docComments(join(import.meta.dirname, '../../src/inputs/table.ts'), 'inputTable')
const rows = inputNames.map((name) => [name, rowOf(name)] as const)

test.each(rows)('%s needs and excludes existing inputs, and not itself', (name, { needs = [], excludes = [] }) => {
  for (const other of [...needs, ...excludes]) {
    expect(inputNames).toContain(other)
    expect(other).not.toBe(name)
  }
})

test.each(rows.filter(([, row]) => row.default !== undefined))('the default of %s parses', (_, row) => {
  expect(row.parse(row.default ?? '')).toHaveProperty('value')
})

test('no input excludes everything that it needs', () => {
  const isUsable = (name: InputName) => {
    const { needs = [], excludes = [] } = rowOf(name)
    return needs.length === 0 || needs.some((other) => !excludes.includes(other))
  }
  expect(inputNames.filter((name) => !isUsable(name))).toEqual([])
})

test.each(rows)('the comment above the row of %s is at least one sentence', (name) => {
  expect(descriptions.get(name)).toMatch(/^\S.*\.$/)
})

test('the secrets in the inputs are found, also in tokens that are not valid JSON', () => {
  expect(rowOf('token').secretsIn?.('a-token')).toEqual(['a-token'])
  expect(rowOf('github-token').secretsIn?.('a-token')).toEqual(['a-token'])
  const tokens = '{"icfg_1":"a-token","icfg_2":7}'
  expect(rowOf('tokens').secretsIn?.(tokens)).toEqual([tokens, 'a-token'])
  expect(rowOf('tokens').secretsIn?.('{"icfg_1":')).toEqual(['{"icfg_1":'])
})
