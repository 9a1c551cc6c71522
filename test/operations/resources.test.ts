import { describe, expect, test } from 'vitest'
import { checkBody } from './check-body.ts'

const clean = { errors: [], warnings: [] }
const secret = { name: 'DATABASE_URL', value: 'postgres://user:pass@host' }
const plan = { id: 'pro', type: 'subscription', name: 'Pro' }
const imported = { productId: 'db', name: 'Orders', status: 'ready' }

const withoutPartial =
  'partial is missing, so every other secret of the resource is deleted: set `partial: true` to keep them, or `false` to delete them'

describe('the secrets of a resource', () => {
  const replace = (body: object, env = {}) => checkBody('updateResourceSecretsById', body, { env })

  test.each([true, false])('are replaced without a warning if partial is %j', async (partial) => {
    expect(await replace({ secrets: [secret], partial })).toMatchObject(clean)
  })

  test.each(['updateResourceSecrets', 'updateResourceSecretsById'] as const)(
    '%s without `partial` gets the warning that it deletes the others',
    async (name) =>
      expect(await checkBody(name, { secrets: [secret] })).toMatchObject({ errors: [], warnings: [withoutPartial] }),
  )

  test('are masked, including overrides, references and invalid ones', async () => {
    const environmentOverrides = { development: 'dev-value', preview: { $env: 'PREVIEW' }, production: '***' }
    const { secrets, errors } = await replace(
      { secrets: [{ ...secret, prefix: 'DB', environmentOverrides }], partial: true },
      { PREVIEW: 'preview-value\n' },
    )
    expect(secrets).toEqual([secret.value, 'dev-value', 'preview-value\n', '***'])
    expect(errors).toEqual([
      expect.stringMatching(/^secrets\[0\]\.environmentOverrides\.preview is a single line that ends with a newline/),
      expect.stringMatching(/^secrets\[0\]\.environmentOverrides\.production is the literal \*\*\*/),
    ])
  })

  test('must be unique, except for their prefixes', async () => {
    const withoutPrefix = [{ ...secret, prefix: '' }, secret]
    expect((await replace({ secrets: withoutPrefix, partial: true })).warnings).toEqual([
      'secrets[1].name occurs twice; Vercel uses the later value',
    ])
    const secrets = [secret, { ...secret, prefix: 'A' }, { ...secret, prefix: 'B' }, { ...secret, prefix: 'A' }]
    expect((await replace({ secrets, partial: true })).warnings).toEqual([
      'secrets[3].name occurs twice; Vercel uses the later value',
    ])
  })

  test.each([
    [{ secrets: { DATABASE_URL: 'x' }, partial: true }, ['secrets must be a list, not an object']],
    [{ secrets: [secret], partial: 'true' }, ['partial must be true without quotes']],
    [{ secrets: [{ name: 'A', value: 1 }] }, ['secrets[0].value must be text, not a number']],
    [{ secrets: [{ name: 'A' }] }, ['secrets[0].value is missing']],
    [
      { secrets: [{ ...secret, environmentOverrides: { staging: 'x' } }] },
      ['secrets[0].environmentOverrides.staging is not a known field; known here: development, preview, production'],
    ],
  ])('are refused: %#', async (body, errors) => expect((await replace(body)).errors).toEqual(errors))
})

describe('an imported resource', () => {
  const run = (change: object) => checkBody('importResource', { ...imported, ...change })

  test('with every field is accepted', async () => {
    const all = {
      ownership: 'linked',
      metadata: { region: 'fra1', sizes: [1, null] },
      billingPlan: plan,
      notification: { level: 'info', title: 'Hello', message: 'x', href: 'https://example.com/a' },
      extras: { any: { thing: true } },
      secrets: [secret],
    }
    expect(await run(all)).toMatchObject({ value: { ...imported, ...all }, ...clean })
  })

  test.each([
    [{ status: 'Ready' }, /^status must be one of `ready`.* not "Ready"; did you mean `ready`\?$/],
    [{ metadata: [] }, /^metadata must be an object, not a list$/],
    [{ notification: null }, /^notification must be an object, not null$/],
    [{ notification: { level: 'info', title: 'x', href: 'example.com' } }, /^notification.href must be a URL/],
    [{ billingPlan: { ...plan, type: 'trial' } }, /^billingPlan.type must be one of `prepayment`, `subscription`/],
  ])('is refused with %j', async (change, message) => {
    expect((await run(change)).errors).toEqual([expect.stringMatching(message)])
  })

  test('with a duplicate secret gets a warning', async () => {
    expect((await run({ secrets: [secret, secret] })).warnings).toEqual([
      'secrets[1].name occurs twice; Vercel uses the later value',
    ])
  })
})

describe('an update of a resource', () => {
  const run = (change: object, env = {}) => checkBody('updateResource', change, { env })

  test('may have no field, or one', async () => {
    expect(await run({})).toMatchObject({ value: {}, ...clean })
    expect(await run({ name: 'Orders' })).toMatchObject({ value: { name: 'Orders' }, ...clean })
  })

  test.each<[name: string, notification: unknown]>([
    ['a message', { level: 'warn', title: 'Disk is full' }],
    ['null, which removes the current one', null],
    ['text', ''],
  ])('accepts a notification as %s', async (_, notification) => {
    expect(await run({ notification })).toMatchObject({ value: { notification }, ...clean })
  })

  test('accepts a notification from a variable', async () => {
    expect(await run({ notification: { $env: 'NOTE' } }, { NOTE: 'Hello' })).toMatchObject({
      value: { notification: 'Hello' },
      ...clean,
    })
  })

  test('refuses any other notification', async () => {
    expect((await run({ notification: { title: 'x' } })).errors).toEqual([
      'notification.level is missing (expected one of `info`, `warn`, `error`)',
    ])
    expect((await run({ notification: 1 })).errors).toEqual(['notification must be an object, not a number'])
  })

  test('accepts secrets as a list, or as an object with `partial`', async () => {
    expect(await run({ secrets: [secret] })).toMatchObject(clean)
    expect(await run({ secrets: { secrets: [secret], partial: true } })).toMatchObject(clean)
    expect((await run({ secrets: [secret, secret] })).warnings).toEqual([
      'secrets[1].name occurs twice; Vercel uses the later value',
    ])
    expect((await run({ secrets: { secrets: [secret, secret], partial: true } })).warnings).toEqual([
      'secrets.secrets[1].name occurs twice; Vercel uses the later value',
    ])
    expect((await run({ secrets: { secrets: [secret] } })).warnings).toEqual([`secrets.${withoutPartial}`])
    expect((await run({ secrets: { partial: true } })).errors).toEqual(['secrets.secrets is missing (expected a list)'])
  })

  test.each([
    ['beside the known ones', { ...plan, seats: 3 }],
    ['under additionalProperties', { ...plan, additionalProperties: { seats: 3 } }],
  ])('accepts a billing plan with additional fields %s', async (_, billingPlan) => {
    const value = { billingPlan: { ...plan, additionalProperties: { seats: 3 } } }
    expect(await run({ billingPlan })).toMatchObject({ value, ...clean })
  })

  test('checks the known fields of a billing plan', async () => {
    const billingPlan = { ...plan, details: [{ value: 'x' }], paymentMethodRequired: 'false', cost: 10 }
    expect((await run({ billingPlan })).errors).toEqual([
      'billingPlan.paymentMethodRequired must be false without quotes',
      'billingPlan.cost must be text, not a number',
      'billingPlan.details[0].label is missing',
    ])
  })
})
