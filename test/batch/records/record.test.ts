import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { identify } from '../../../src/batch/records/record.ts'
import { withKey } from '../../../src/delivery/idempotency-key.ts'
import type { OperationName } from '../../../src/operations/catalogue.ts'
import type { CheckSources } from '../../payload/checking.ts'
import { invoice, read, refund } from '../records.ts'

const secrets = {
  integrationConfigurationId: 'icfg_1',
  resourceId: 'db-1',
  secrets: [{ name: 'A', value: 'value-a' }],
  partial: true,
}

async function good(name: OperationName, value: unknown, change: Parameters<typeof read>[2] = {}) {
  const { record, errors } = await read(name, value, change)
  if (!record) throw new Error(errors.join('\n'))
  return record
}

test('a record is a payload with a token and an id of its own', async () => {
  expect(await good('updateInvoice', { ...refund, id: 'r-1', token: 'own-token' })).toMatchObject({
    line: 1,
    ownId: 'r-1',
    installation: 'icfg_1',
    token: 'own-token',
    secrets: [],
    request: {
      params: { integrationConfigurationId: 'icfg_1', invoiceId: 'inv_1' },
      body: { action: 'refund', reason: 'r', total: '1.00' },
    },
  })
})

test('without an id its digest stands for it', async () => {
  const record = await good('updateInvoice', refund)
  expect(identify(record)).toEqual({ id: expect.stringMatching(/^[0-9a-f]{32}$/) })
  const named = identify({ ...record, ownId: 'r-1' })
  expect(named).toEqual({ id: 'r-1', digest: identify(record).id })
})

test('flat or with a requestBody, it is the same request', async () => {
  const { integrationConfigurationId, ...requestBody } = invoice
  const flat = await good('submitInvoice', { ...invoice, id: 'a' })
  const nested = await good('submitInvoice', { integrationConfigurationId, requestBody, id: 'a' })
  const { redacted: shown, ...request } = flat.request
  expect(nested.request).toMatchObject(request)
  expect(nested.request.redacted()).toEqual(shown())
})

describe('the token', () => {
  const tokens = new Map([['icfg_1', 'list-token']])
  const of = async (token: unknown, change: Parameters<typeof read>[2] = {}) =>
    (await good('updateInvoice', { ...refund, ...(token !== undefined && { token }) }, change)).token

  test('is the one of the record, then that of the list, then that of the step', async () => {
    expect(await of('own-token', { tokens })).toBe('own-token')
    expect(await of(undefined, { tokens })).toBe('list-token')
    expect(await of(undefined, { tokens: new Map([['icfg_2', 'x']]) })).toBe('fallback-token')
  })

  test('may be a reference', async () => {
    const surroundings: CheckSources = { env: { TOKEN: 'env-token' }, files: { 'token.txt': 'file-token\r\n' } }
    expect(await of({ $env: 'TOKEN' }, { tokens, surroundings })).toBe('env-token')
    expect(await of({ $file: 'token.txt' }, { tokens, surroundings })).toBe('file-token')
    const record = await good('updateInvoice', { ...refund, token: { $env: 'TOKEN' } }, { surroundings })
    expect(record.token).toBe('env-token')
  })
})

const noBlank = 'token holds a blank or a character that no token has'
const unexpanded = 'contains an unexpanded GitHub expression: GitHub expands expressions only in workflow files'
test.each<[what: string, change: object, errors: string[]]>([
  ['an id that is a number', { id: 7 }, ['id must be text, by which the journal knows the record, not a number']],
  ['an id that is null', { id: null }, ['id must be text, by which the journal knows the record, not null']],
  ['an empty id', { id: '' }, ['id must be text, by which the journal knows the record, not an empty one']],
  [
    'an id that would fill the journal',
    { id: 'x'.repeat(1001) },
    ['id must be text of 1,000 characters at most, not 1,001'],
  ],
  [
    'an installation that would fill the journal',
    { integrationConfigurationId: 'x'.repeat(1001) },
    ['integrationConfigurationId must be an id of 1,000 characters at most, not 1,001'],
  ],
  [
    'an id that is a reference',
    { id: { $env: 'A' } },
    ['id must be text, by which the journal knows the record, not a reference, which can only replace text'],
  ],
  ['a token that is a number', { token: 7 }, ['token must be text or a reference, not a number']],
  ['a token that is null', { token: null }, ['token must be text or a reference, not null']],
  ['an empty token', { token: '' }, ['token is empty; is the secret that fills it set?']],
  [
    'a token that a log has masked',
    { token: '***' },
    ['token is the literal ***, which logs show in place of a masked value; use the secret itself'],
  ],
  ['a token that is not filled in', { token: '${{ secrets.T }}' }, [`token ${unexpanded}; put the value itself here`]],
  ['an id that is not filled in', { id: '${{ github.run_id }}' }, [`id ${unexpanded}; put the value itself here`]],
  [
    'a field that is not filled in',
    { memo: '${{ github.run_id }}' },
    [`memo ${unexpanded}; set the value with \`env:\` on the step and write {"$env": "NAME"} here`],
  ],
  ['a token with a blank', { token: 'hunter 2' }, [noBlank]],
  ['a token in a variable with a blank', { token: { $env: 'BAD' } }, [noBlank]],
  [
    'a token in a variable that is not set',
    { token: { $env: 'NONE' } },
    ['token refers to the environment variable "NONE", which is not set; set it with `env:` on the step'],
  ],
  [
    'a token in a file that is not there',
    { token: { $file: 'none' } },
    ['token refers to the file "none", which cannot be read: the file does not exist'],
  ],
  [
    'several things wrong at once',
    { id: 1, token: 'hunter 2', invoiceDate: 5, external: 'x' },
    [
      'id must be text, by which the journal knows the record, not a number',
      'invoiceDate must be text, not a number, such as "2026-11-20T00:00:00Z"',
      'external is not a known field; did you mean `externalId`?',
      noBlank,
    ],
  ],
])('%s is refused', async (_, change, errors) => {
  const { record, errors: told } = await read(
    'submitInvoice',
    { ...invoice, ...change },
    { surroundings: { env: { BAD: 'hunter 2', A: 'a' } } },
  )
  expect(told).toEqual(errors)
  expect(record).toBeUndefined()
})

test.each([
  [[], 'a list'],
  ['x', 'text'],
  [null, 'null'],
  [7, 'a number'],
])('%j is no record', async (value, kind) => {
  expect((await read('submitInvoice', value)).errors).toEqual([
    `must be an object with the fields of the request, not ${kind}`,
  ])
})

test('a record for which there is no token says where one may be given', async () => {
  expect((await read('updateInvoice', refund, { defaultToken: undefined })).errors).toEqual([
    'there is no token for "icfg_1": give it in the record, in `tokens` or `tokens-file`, or for all as `token`',
  ])
})

describe('revokeInstallationCredential, whose body has a token too', () => {
  const body = { token: 'old-token', clientId: 'oac_1', clientSecret: 'client-secret' }
  const record = { integrationConfigurationId: 'icfg_1', requestBody: body }

  test('keeps the two apart within `requestBody`', async () => {
    const { token, request } = await good('revokeInstallationCredential', { ...record, token: 'new-token' })
    expect(token).toBe('new-token')
    expect(request.body?.token).toBe('old-token')
    expect((await good('revokeInstallationCredential', record)).token).toBe('fallback-token')
  })

  test('flat, the token that is sent with cannot be told from that of the body', async () => {
    const { errors } = await read('revokeInstallationCredential', { integrationConfigurationId: 'icfg_1', ...body })
    expect(errors).toEqual([
      'token is missing',
      'token beside the fields of a record is what it is sent with; put the body inside `requestBody`',
    ])
  })
})

describe('the key of an invoice', () => {
  const keyOf = async (change: object, externalId: string) => {
    const { record, errors } = await read('submitInvoice', { ...invoice, ...change }, { externalId })
    return record ? withKey(record.request, externalId).request.body?.externalId : errors
  }

  test('is its own, or made from its content, or none', async () => {
    expect(await keyOf({ externalId: 'mine' }, 'auto')).toBe('mine')
    expect(await keyOf({}, 'auto')).toMatch(/^auto-[0-9a-f]{32}$/)
    expect(await keyOf({}, 'none')).toBeUndefined()
  })

  test('of its own is refused where there is to be none', async () => {
    expect(await keyOf({ externalId: 'mine' }, 'none')).toEqual([
      'externalId input `external-id` is none, but the payload has one: take one of the two away',
    ])
  })

  test('does not depend on the id and the token of the record', async () => {
    expect(await keyOf({ id: 'a', token: 'b' }, 'auto')).toBe(await keyOf({}, 'auto'))
  })
})

describe('the digest', () => {
  const digestOf = async (name: OperationName, value: object, surroundings: CheckSources = {}) =>
    identify({ ...(await good(name, value, { surroundings })), ownId: undefined }).id

  const shuffled = (value: unknown): fc.Arbitrary<unknown> => {
    if (Array.isArray(value)) return fc.tuple(...value.map(shuffled))
    if (typeof value !== 'object' || value === null) return fc.constant(value)
    return fc
      .shuffledSubarray(Object.entries(value), { minLength: Object.keys(value).length })
      .chain((entries) => fc.tuple(...entries.map(([name, entry]) => shuffled(entry).map((part) => [name, part]))))
      .map((entries) => Object.fromEntries(entries as [string, unknown][]))
  }

  test('is the same in every version', async () => {
    expect(await digestOf('submitInvoice', invoice)).toBe('65fbfc8524c69a497973d2c6922f4a72')
    expect(await digestOf('updateResourceSecretsById', secrets)).toBe('d1d5989abc8dde8cc481f768a1872ed4')
  })

  test('does not depend on the order of fields', async () => {
    const expected = await digestOf('submitInvoice', invoice)
    await fc.assert(
      fc.asyncProperty(shuffled(invoice), async (value) => {
        expect(await digestOf('submitInvoice', value as object)).toBe(expected)
      }),
      { numRuns: 50 },
    )
  })

  test('does not depend on id and token, nor on the present time', async () => {
    const billing = {
      integrationConfigurationId: 'icfg_1',
      eod: '2025-03-15T00:00:00Z',
      period: invoice.period,
      billing: [],
      usage: [],
    }
    const one = await digestOf('submitBillingData', billing, { now: new Date('2025-03-15T12:00:00Z') })
    const other = { ...billing, id: 'a', token: 'b' }
    expect(await digestOf('submitBillingData', other, { now: new Date('2025-03-15T13:00:00Z') })).toBe(one)
  })

  test('differs where the content does', async () => {
    const [item] = invoice.items
    const changes = [
      {},
      { integrationConfigurationId: 'icfg_2' },
      { externalId: 'x' },
      { items: [] },
      { items: [item, item] },
      { items: [{ ...item, quantity: 3 }] },
      { memo: '' },
    ]
    const digests = await Promise.all(changes.map((change) => digestOf('submitInvoice', { ...invoice, ...change })))
    expect(new Set(digests).size).toBe(changes.length)
  })

  test('differs where a secret does, written or referred to', async () => {
    const of = (value: unknown, env = {}) =>
      digestOf('updateResourceSecretsById', { ...secrets, secrets: [{ name: 'A', value }] }, { env })
    const digests = await Promise.all([
      of('value-a'),
      of('value-b'),
      of({ $env: 'A' }, { A: 'value-a' }),
      of({ $env: 'A' }, { A: 'value-b' }),
    ])
    expect(new Set(digests).size).toBe(4)
  })

  test('differs where any other text does that a reference stands for', async () => {
    const of = (memo: string) => digestOf('submitInvoice', { ...invoice, memo: { $env: 'M' } }, { env: { M: memo } })
    expect(await of('one')).not.toBe(await of('two'))
    expect(await of('one')).toBe(await of('one'))
  })

  // Whoever reads a journal and guesses a value has to know the token too.
  test('of a record with secrets depends on its token', async () => {
    const of = (token: string) => digestOf('updateResourceSecretsById', { ...secrets, token })
    expect(await of('one')).not.toBe(await of('two'))
  })
})
