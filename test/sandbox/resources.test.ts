// Resources, their secrets and experiments, as a deployment sees them.

import { expect, test } from 'vitest'
import { openStore } from '../../src/sandbox/store.ts'
import { icfg, openTestSandbox, resource } from './sandbox.ts'

const db = `${icfg}/resources/db-1`

async function imported(change: object = {}) {
  const store = openStore()
  const sandbox = openTestSandbox(store)
  expect(await sandbox.ask('PUT', db, { body: { ...resource, ...change } })).toMatchObject({
    status: 200,
    body: { name: 'orders' },
  })
  const secretNames = () => (store.get('resource/icfg_1', 'db-1') as { secretNames: string[] }).secretNames
  return { ...sandbox, secretNames }
}

test.each([
  ['GET', db],
  ['PATCH', db, {}],
  ['DELETE', db],
  ['PUT', `${db}/secrets`, { secrets: [] }],
  ['PUT', `${icfg}/products/pg/resources/db-1/secrets`, { secrets: [] }],
  ['POST', `${db}/experimentation/items`, { items: [] }],
  ['GET', `${db}/experimentation/global-config`],
])('%s %s of a resource that was not imported says how to create it', async (method, path, body?: object) => {
  const answer = await openTestSandbox().ask(method, path, { body })
  expect(answer.status).toBe(404)
  expect(answer.body.error.message).toMatch(/db-1 not found.*importResource/)
})

test('a resource is returned as it was imported, and is in the list', async () => {
  const billingPlan = { id: 'pro', type: 'subscription', name: 'Pro', seats: 5 }
  const notification = { level: 'warn', title: 'Nearly full' }
  const metadata = { region: 'fra1', sizes: [1, 2], tags: ['a'], big: true }
  const { ask } = await imported({ billingPlan, notification, metadata, extras: { a: 1 } })
  const seen = { ...resource, metadata, notification, billingPlanId: 'pro', internalId: expect.any(String) }
  expect((await ask('GET', db)).body).toEqual({ id: 'db-1', ...seen })
  expect((await ask('GET', `${icfg}/resources`)).body).toEqual({ resources: [{ partnerId: 'db-1', ...seen }] })
  expect((await ask('GET', '/v1/installations/icfg_2/resources')).body).toEqual({ resources: [] })
})

test('an import of the same resource changes it and keeps its internal id', async () => {
  const { ask } = await imported()
  const { internalId } = (await ask('GET', db)).body
  await ask('PUT', db, { body: { ...resource, status: 'suspended' } })
  expect((await ask('GET', db)).body).toMatchObject({ internalId, status: 'suspended' })
  expect((await ask('GET', `${icfg}/resources`)).body.resources).toHaveLength(1)
})

test('an update changes the given fields, and null removes a notification', async () => {
  const { ask } = await imported({ notification: { level: 'info', title: 'Hello' }, metadata: { a: 1 } })
  expect(await ask('PATCH', db, { body: { status: 'suspended' } })).toMatchObject({
    status: 200,
    body: { name: 'orders' },
  })
  expect((await ask('GET', db)).body).toMatchObject({
    status: 'suspended',
    notification: { title: 'Hello' },
    metadata: { a: 1 },
  })
  await ask('PATCH', db, { body: { notification: null } })
  expect((await ask('GET', db)).body.notification).toBeUndefined()
})

test('metadata that a response cannot contain is refused', async () => {
  const { ask } = await imported()
  for (const odd of [null, {}, ['a', 1], [[1]]]) {
    const answer = await ask('PATCH', db, { body: { metadata: { odd } } })
    expect([answer.status, answer.body?.error?.message]).toEqual([400, expect.stringContaining('metadata.odd must be')])
  }
})

test('a deleted resource is gone, and is empty when it is imported again', async () => {
  const { ask } = await imported()
  const items = [{ id: 'f-1', slug: 'checkout', origin: 'o' }]
  await ask('POST', `${db}/experimentation/items`, { body: { items } })
  await ask('PUT', `${db}/experimentation/global-config`, { body: { data: { a: 1 } } })
  expect(await ask('DELETE', db)).toMatchObject({ status: 204 })
  expect((await ask('GET', db)).status).toBe(404)
  expect((await ask('DELETE', db)).status).toBe(404)
  expect((await ask('GET', `${icfg}/resources`)).body.resources).toEqual([])
  await ask('PUT', db, { body: resource })
  expect((await ask('GET', `${db}/experimentation/global-config`)).body.items).toEqual({})
  expect((await ask('DELETE', `${db}/experimentation/items/f-1`)).status).toBe(404)
})

test('all secrets are replaced, or with partial only the named ones', async () => {
  const { ask, secretNames } = await imported({ secrets: [{ name: 'A', value: 'a-1' }] })
  const put = (secrets: object[], partial?: boolean) => ask('PUT', `${db}/secrets`, { body: { secrets, partial } })
  expect(secretNames()).toEqual(['A'])
  expect(await put([{ name: 'B', value: 'b-1' }], true)).toMatchObject({ status: 201 })
  expect(secretNames()).toEqual(['A', 'B'])
  await put([{ name: 'C', value: 'c-1', prefix: 'P' }])
  expect(secretNames()).toEqual(['P_C'])
  await ask('PATCH', db, { body: { secrets: { secrets: [{ name: 'D', value: 'd-1' }], partial: true } } })
  expect(secretNames()).toEqual(['P_C', 'D'])
  await ask('PATCH', db, { body: { secrets: [{ name: 'E', value: 'e-1' }] } })
  expect(secretNames()).toEqual(['E'])
  const byProduct = `${icfg}/products/pg/resources/db-1/secrets`
  expect(await ask('PUT', byProduct, { body: { secrets: [] } })).toMatchObject({ status: 201 })
  expect(secretNames()).toEqual([])
})

test('an experimentation item can be changed and deleted after it was created', async () => {
  const { ask } = await imported()
  const path = `${db}/experimentation/items`
  const flag = { slug: 'checkout', origin: 'https://example.com/f' }
  expect((await ask('PATCH', `${path}/f-1`, { body: flag })).status).toBe(404)
  expect((await ask('POST', path, { body: { items: [{ id: 'f-1', ...flag }] } })).status).toBe(204)
  expect((await ask('PATCH', `${path}/f-1`, { body: { ...flag, isArchived: true } })).status).toBe(204)
  expect((await ask('DELETE', `${path}/f-1`)).status).toBe(204)
  expect((await ask('DELETE', `${path}/f-1`)).status).toBe(404)
})

test('a Global Config is empty until it is replaced, and HEAD has no body', async () => {
  const { ask, clock } = await imported()
  const path = `${db}/experimentation/global-config`
  const empty = (await ask('GET', path)).body
  expect(empty).toMatchObject({ items: {}, updatedAt: clock.now.getTime(), purpose: 'experimentation' })
  clock.now = new Date('2025-02-02T00:00:00Z')
  const replaced = (await ask('PUT', path, { body: { data: { a: [1, null] } } })).body
  expect(replaced).toMatchObject({ items: { a: [1, null] }, updatedAt: clock.now.getTime() })
  expect(replaced.digest).not.toBe(empty.digest)
  expect((await ask('GET', path)).body).toEqual(replaced)
  expect(await ask('HEAD', path)).toEqual({ status: 200, headers: expect.anything() })
  const refused = await ask('HEAD', path.replace('db-1', 'db-2'))
  expect([refused.status, refused.body]).toEqual([404, undefined])
})
