import { expect, test } from 'vitest'
import { examine } from './examine.ts'

const item = { id: 'i1', slug: 'new-checkout', origin: 'https://example.com/i1' }
const create = (items: unknown) => examine('createExperimentationItems', { items })

test('fifty items go at once, and one more does not', async () => {
  expect((await create(Array(50).fill(item))).errors).toEqual([])
  expect((await create(Array(51).fill(item))).errors).toEqual(['items may have 50 entries, and has 51'])
})

test.each([
  ['id', 1024],
  ['slug', 1024],
  ['name', 1024],
  ['description', 1024],
  ['origin', 2048],
])("an item's %s has up to %d characters", async (name, most) => {
  expect((await create([{ ...item, [name]: 'x'.repeat(most) }])).errors).toEqual([])
  expect((await create([{ ...item, [name]: 'x'.repeat(most + 1) }])).errors).toEqual([
    `items[0].${name} may have ${most} characters, and has ${most + 1}`,
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
  expect((await examine('updateExperimentationItem', change)).errors).toEqual([])
  expect((await examine('updateExperimentationItem', { id })).errors).toEqual([
    'slug is missing',
    'origin is missing',
    expect.stringMatching(/^id is not a known field/),
  ])
})

test('a Global Config is any object', async () => {
  expect((await examine('replaceGlobalConfig', { data: { a: [1, { b: null }] } })).errors).toEqual([])
  expect((await examine('replaceGlobalConfig', { data: [] })).errors).toEqual(['data must be an object, not a list'])
})
