import { expect, test } from 'vitest'
import { formatCount } from '../../src/format.ts'
import { checkBody } from './check-body.ts'

const item = { id: 'i1', slug: 'new-checkout', origin: 'https://example.com/i1' }
const create = (items: unknown) => checkBody('createExperimentationItems', { items })

test('fifty items are accepted, and one more is not', async () => {
  expect((await create(Array(50).fill(item))).errors).toEqual([])
  expect((await create(Array(51).fill(item))).errors).toEqual(['items must have at most 50 entries, not 51'])
})

test.each([
  ['id', 1024],
  ['slug', 1024],
  ['name', 1024],
  ['description', 1024],
  ['origin', 2048],
])("an item's %s has up to %d characters", async (name, max) => {
  expect((await create([{ ...item, [name]: 'x'.repeat(max) }])).errors).toEqual([])
  expect((await create([{ ...item, [name]: 'x'.repeat(max + 1) }])).errors).toEqual([
    `items[0].${name} must have at most ${formatCount(max)} characters (Unicode code points), not ${formatCount(max + 1)}`,
  ])
})

test('an item is an experiment or a flag', async () => {
  const all = { category: 'flag', name: 'n', description: 'd', isArchived: true, createdAt: 1, updatedAt: 2 }
  expect((await create([{ ...item, ...all }])).errors).toEqual([])
  expect((await create([{ ...item, category: 'flags' }])).errors).toEqual([
    'items[0].category must be one of `experiment`, `flag`, not "flags"; did you mean `flag`?',
  ])
})

test('a change of an item names its slug and origin, and not its id', async () => {
  const { id, ...change } = item
  expect((await checkBody('updateExperimentationItem', change)).errors).toEqual([])
  expect((await checkBody('updateExperimentationItem', { id })).errors).toEqual([
    'slug is missing',
    'origin is missing',
    expect.stringMatching(/^id is not a known field/),
  ])
})

test('a Global Config is any object', async () => {
  expect((await checkBody('replaceGlobalConfig', { data: { a: [1, { b: null }] } })).errors).toEqual([])
  expect((await checkBody('replaceGlobalConfig', { data: [] })).errors).toEqual(['data must be an object, not a list'])
})
