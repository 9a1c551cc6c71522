import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { documents, generated, operationIndex } from '../scripts/docs.ts'
import { payloadSchema } from '../scripts/schemas.ts'
import { inputNames, rowOf } from '../src/inputs/table.ts'
import { operations } from '../src/operations/catalogue.ts'
import { outputNames } from '../src/report/outputs.ts'

const read = (path: string) => readFileSync(join(import.meta.dirname, '..', path), 'utf8')
const manifest = parse(read('action.yml'))

test('action.yml declares exactly the inputs that the action reads, with their defaults', () => {
  const declared = Object.entries(manifest.inputs as Record<string, { default?: string }>)
  expect(Object.fromEntries(declared.map(([name, input]) => [name, input.default ?? '']))).toEqual(
    Object.fromEntries(inputNames.map((name) => [name, rowOf(name).default ?? ''])),
  )
})

test('action.yml declares exactly the outputs that the action sets', () => {
  expect(Object.keys(manifest.outputs)).toEqual([...outputNames])
})

test.each(documents)('the generated parts of %s are up to date', (path) => {
  expect(read(path)).toBe(generated(read(path)))
})

test.each(operations.map((operation) => [operation.name, operation] as const))(
  'schemas/%s.json is up to date',
  async (name, operation) => {
    expect(JSON.parse(read(`schemas/${name}.json`))).toEqual(JSON.parse(JSON.stringify(await payloadSchema(operation))))
  },
)

/** The paths of the fields in a JSON Schema that have no description. */
function undescribed(schema: unknown, path = ''): string[] {
  if (typeof schema !== 'object' || schema === null) return []
  const { properties = {}, ...rest } = schema as { properties?: Record<string, { description?: string }> }
  return [
    ...Object.entries(properties).flatMap(([name, field]) => [
      ...(field.description || name === '$schema' ? [] : [`${path}.${name}`]),
      ...undescribed(field, `${path}.${name}`),
    ]),
    ...Object.values(rest).flatMap((part) => undescribed(part, path)),
  ]
}

test.each(operations.map(({ name }) => name))('every field in schemas/%s.json has a description', (name) => {
  expect(undescribed(JSON.parse(read(`schemas/${name}.json`)))).toEqual([])
})

test('the index of operations is up to date: npm run docs', () => {
  expect(read('src/operations/index.generated.ts')).toBe(operationIndex())
})
