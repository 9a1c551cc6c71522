import { expect, test } from 'vitest'
import type { OperationName } from '../../src/operations/catalogue.ts'
import { droppedSecretsWarning } from '../../src/operations/dropped-secrets.ts'
import { requestOf } from '../delivery/requests.ts'

const of = async (name: OperationName, change: object) =>
  droppedSecretsWarning(await requestOf(name, { resourceId: 'db-1' }, change))
const named = (...names: string[]) => names.map((name) => ({ name, value: `value of ${name}` }))
const warning = (left: string) =>
  `replacing all secrets of db-1 with ${left}. Every other secret of the resource is deleted; Vercel does not say which ones`

test.each<[OperationName, object, string]>([
  ['updateResourceSecretsById', { secrets: named('A', 'B'), partial: false }, '2 secrets: A, B'],
  ['updateResourceSecretsById', { secrets: named('A'), partial: undefined }, '1 secret: A'],
  ['updateResourceSecretsById', { secrets: [], partial: false }, 'none'],
  [
    'updateResourceSecretsById',
    { secrets: named('A\x1b[2K\u202eB'), partial: false },
    '1 secret: "A\\u001b[2K\\u202eB"',
  ],
  ['updateResourceSecrets', { secrets: named('A'), partial: false }, '1 secret: A'],
  ['updateResource', { secrets: named('A') }, '1 secret: A'],
  ['updateResource', { secrets: { secrets: named('A'), partial: false } }, '1 secret: A'],
])('%s with %j names the remaining secrets', async (name, change, left) => {
  expect(await of(name, change)).toBe(warning(left))
})

test('of many secrets only some are named', async () => {
  const names = Array.from({ length: 22 }, (_, index) => `S_${index}`)
  const change = { secrets: named(...names), partial: false }
  expect(await of('updateResourceSecretsById', change)).toContain('22 secrets: S_0, S_1')
  expect(await of('updateResourceSecretsById', change)).toContain(', S_19 and 2 more.')
  const all = { secrets: named(...names.slice(0, 20)), partial: false }
  expect(await of('updateResourceSecretsById', all)).toContain(', S_19. Every other secret')
})

test.each<[OperationName, object]>([
  ['updateResourceSecretsById', { secrets: named('A'), partial: true }],
  ['updateResource', { secrets: { secrets: named('A'), partial: true } }],
  ['updateResource', { name: 'other' }],
  ['importResource', { secrets: named('A') }],
])('%s with %j has no warning', async (name, change) => {
  expect(await of(name, change)).toBeUndefined()
})
