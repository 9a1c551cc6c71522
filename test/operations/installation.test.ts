import { describe, expect, test } from 'vitest'
import { checkBody } from './check-body.ts'

describe('an event', () => {
  const both = 'one of `installation.updated`, `resource.updated`'

  test.each([
    [{ type: 'installation.updated' }],
    [{ type: 'installation.updated', billingPlanId: 'pro' }],
    [{ type: 'resource.updated', resourceId: 'db-1' }],
    [{ type: 'resource.updated', resourceId: 'db-1', productId: 'db' }],
    [{ type: { $env: 'TYPE' }, resourceId: 'db-1' }],
  ])('%j is one', async (event) => {
    expect(await checkBody('createEvent', { event }, { env: { TYPE: 'resource.updated' } })).toMatchObject({
      errors: [],
    })
  })

  test.each<[event: unknown, errors: string[]]>([
    [{ type: 'resource.updated' }, ['event.resourceId is missing']],
    [
      { type: 'resource.update', resourceId: 'a' },
      [`event.type must be ${both}, not "resource.update"; did you mean \`resource.updated\`?`],
    ],
    [{ type: 'deleted' }, [`event.type must be ${both}, not "deleted"`]],
    [
      { type: 'installation.updated', resourceId: 'a' },
      ['event.resourceId is not a known field; known here: type, billingPlanId'],
    ],
    [
      { type: 'resource.updated', resourceId: 'a', billingPlanId: 'b' },
      ['event.billingPlanId is not a known field; known here: type, productId, resourceId'],
    ],
    [{ resourceId: 'a' }, [`event.type is missing (expected ${both})`]],
    [{}, [`event.type is missing (expected ${both})`]],
    [null, ['event must be an object, not null']],
  ])('%j is refused', async (event, errors) => {
    expect((await checkBody('createEvent', { event })).errors).toEqual(errors)
  })
})

test('one field of an installation can be changed, and its notification removed', async () => {
  const billingPlan = { id: 'pro', type: 'prepayment', name: 'Pro', seats: 3 }
  for (const change of [{}, { status: 'suspended' }, { externalId: 'x' }, { billingPlan }, { notification: null }]) {
    expect((await checkBody('updateInstallation', change)).errors).toEqual([])
  }
  expect((await checkBody('updateInstallation', { status: 'deleted' })).errors).toEqual([
    expect.stringMatching(/^status must be one of `ready`, .*, not "deleted"/),
  ])
})

test('credentials are secret, valid or not', async () => {
  const client = { clientId: 'oac_1', clientSecret: 'client-secret' }
  expect(await checkBody('rotateInstallationCredential', client)).toMatchObject({
    value: client,
    errors: [],
    secrets: ['client-secret'],
  })
  const { errors, secrets } = await checkBody('revokeInstallationCredential', { ...client, token: 'old-token\n' })
  expect(errors).toEqual([expect.stringMatching(/^token is a single line that ends with a newline/)])
  expect(secrets).toEqual(['old-token\n', 'client-secret'])
})
