import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { identify, readRecord } from '../../../src/batch/records/record.ts'
import { withKey } from '../../../src/delivery/idempotency-key.ts'
import type { OperationName } from '../../../src/operations/catalogue.ts'
import { type CheckSources, newCheck } from '../../payload/checking.ts'
import { invoice, readOne, recordContext, refund } from '../records.ts'

const secrets = {
  integrationConfigurationId: 'icfg_1',
  resourceId: 'db-1',
  secrets: [{ name: 'A', value: 'value-a' }],
  partial: true,
}

/** Reads a record that must be valid. */
function readValid(name: OperationName, value: unknown, change: Parameters<typeof readOne>[2] = {}) {
  const { record, errors } = readOne(name, value, change)
  if (!record) throw new Error(errors.join('\n'))
  return record
}

test('a record has a payload, a token and its own id', () => {
  expect(readValid('updateInvoice', { ...refund, id: 'r-1', token: 'own-token' })).toMatchObject({
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

test('an id that is missing is to be set in the record: a batch has no input for it', () => {
  const { integrationConfigurationId: _, ...without } = refund
  expect(readOne('updateInvoice', without).errors).toEqual([
    'integrationConfigurationId is missing: set it in the record',
  ])
})

test('a record without an id is identified by its digest', () => {
  const record = readValid('updateInvoice', refund)
  expect(identify(record)).toEqual({ id: expect.stringMatching(/^[0-9a-f]{32}$/) })
  const named = identify({ ...record, ownId: 'r-1' })
  expect(named).toEqual({ id: 'r-1', digest: identify(record).id })
})

test('the flat spelling and the one with requestBody give the same request', () => {
  const { integrationConfigurationId, ...requestBody } = invoice
  const flat = readValid('submitInvoice', { ...invoice, id: 'a' })
  const nested = readValid('submitInvoice', { integrationConfigurationId, requestBody, id: 'a' })
  const { redacted, ...request } = flat.request
  expect(nested.request).toMatchObject(request)
  expect(nested.request.redacted()).toEqual(redacted())
})

describe('the token', () => {
  const tokens = new Map([['icfg_1', 'list-token']])
  const tokenOf = (token: unknown, change: Parameters<typeof readOne>[2] = {}) =>
    readValid('updateInvoice', { ...refund, ...(token !== undefined && { token }) }, change).token

  test('is taken from the record, then from the list, then from the step', () => {
    expect(tokenOf('own-token', { tokens })).toBe('own-token')
    expect(tokenOf(undefined, { tokens })).toBe('list-token')
    expect(tokenOf(undefined, { tokens: new Map([['icfg_2', 'x']]) })).toBe('fallback-token')
  })

  test('may be a reference', () => {
    const surroundings: CheckSources = { env: { TOKEN: 'env-token' }, files: { 'token.txt': 'file-token\r\n' } }
    expect(tokenOf({ $env: 'TOKEN' }, { tokens, surroundings })).toBe('env-token')
    expect(tokenOf({ $file: 'token.txt' }, { tokens, surroundings })).toBe('file-token')
    const record = readValid('updateInvoice', { ...refund, token: { $env: 'TOKEN' } }, { surroundings })
    expect(record.token).toBe('env-token')
  })
})

const containsSpace = 'token contains a space. Pass the token alone'
const unexpanded = 'contains an unexpanded GitHub expression: GitHub expands expressions only in workflow files'
test.each<[what: string, change: object, errors: string[]]>([
  [
    'an id that is a number',
    { id: 7 },
    ['id must be text, because the journal identifies the record by it, not a number'],
  ],
  ['an id that is null', { id: null }, ['id must be text, because the journal identifies the record by it, not null']],
  ['an empty id', { id: '' }, ['id must be text, because the journal identifies the record by it; it is empty']],
  ['an id that is too long', { id: 'x'.repeat(1001) }, ['id must be text of 1,000 characters at most, not 1,001']],
  [
    'an installation id that is too long',
    { integrationConfigurationId: 'x'.repeat(1001) },
    ['integrationConfigurationId must be an id of 1,000 characters at most, not 1,001'],
  ],
  [
    'an id that is a reference',
    { id: { $env: 'A' } },
    ['id must be text, because the journal identifies the record by it, not a reference, which can only replace text'],
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
  ['a token with a space', { token: 'hunter 2' }, [containsSpace]],
  ['a token with a space, in a variable', { token: { $env: 'BAD' } }, [containsSpace]],
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
    'a record with several problems',
    { id: 1, token: 'hunter 2', invoiceDate: 5, external: 'x' },
    [
      'id must be text, because the journal identifies the record by it, not a number',
      'invoiceDate must be text, not a number, such as "2026-11-20T00:00:00Z"',
      'external is not a known field; did you mean `externalId`?',
      containsSpace,
    ],
  ],
])('%s is refused', (_, change, expected) => {
  const { record, errors } = readOne(
    'submitInvoice',
    { ...invoice, ...change },
    { surroundings: { env: { BAD: 'hunter 2', A: 'a' } } },
  )
  expect(errors).toEqual(expected)
  expect(record).toBeUndefined()
})

test.each([
  [[], 'a list'],
  ['x', 'text'],
  [null, 'null'],
  [7, 'a number'],
])('%j is not a record', (value, kind) => {
  expect(readOne('submitInvoice', value).errors).toEqual([
    `the record must be an object with the fields of the request, not ${kind}`,
  ])
})

test('an installation without a token is named, with the inputs that can hold one', () => {
  expect(readOne('updateInvoice', refund, { defaultToken: undefined }).errors).toEqual([
    'installation "icfg_1" has no token: add it to `tokens` or `tokens-file`, or set `token` for all records',
  ])
})

describe('revokeInstallationCredential, whose body has a token too', () => {
  const body = { token: 'old-token', clientId: 'oac_1', clientSecret: 'client-secret' }
  const record = { integrationConfigurationId: 'icfg_1', requestBody: body }

  test('has both tokens if the body is inside `requestBody`', () => {
    const { token, request } = readValid('revokeInstallationCredential', { ...record, token: 'new-token' })
    expect(token).toBe('new-token')
    expect(request.body?.token).toBe('old-token')
    expect(readValid('revokeInstallationCredential', record).token).toBe('fallback-token')
  })

  test('is refused in the flat spelling, where only one of the tokens can be given', () => {
    const { errors } = readOne('revokeInstallationCredential', { integrationConfigurationId: 'icfg_1', ...body })
    expect(errors).toEqual([
      'token is missing',
      'token at the top of a record is its access token; put the body inside `requestBody`',
    ])
  })
})

test('a token that only the request lacks is not taken for that of the record', () => {
  const { token: _, ...flat } = {
    integrationConfigurationId: 'icfg_1',
    token: '',
    clientId: 'oac_1',
    clientSecret: 's',
  }
  expect(readOne('revokeInstallationCredential', flat).errors).toEqual(['token is missing'])
})

test('the name of a field is the problem if it cannot be given there', () => {
  const check = newCheck()
  const flat = { integrationConfigurationId: 'icfg_1', token: 'old-token', clientId: 'oac_1', clientSecret: 's' }
  readRecord(1, flat, recordContext('revokeInstallationCredential'), check)
  expect(check.errors).toEqual([
    { path: ['token'], message: 'is missing' },
    {
      path: ['token'],
      message: 'at the top of a record is its access token; put the body inside `requestBody`',
      at: 'key',
    },
  ])
})

test('a problem of a value is at the value', () => {
  const check = newCheck()
  readRecord(1, { ...refund, id: '' }, recordContext('updateInvoice'), check)
  expect(check.errors).toStrictEqual([
    { path: ['id'], message: 'must be text, because the journal identifies the record by it; it is empty' },
  ])
})

test('a record that a rule refuses has only the error of the rule', () => {
  const period = { start: invoice.period.end, end: invoice.period.start }
  const { record, errors } = readOne('submitInvoice', { ...invoice, period })
  expect(record).toBeUndefined()
  expect(errors).toEqual([
    "period.end is before the period's start: 2025-03-01T00:00:00.000Z < 2025-04-01T00:00:00.000Z",
  ])
})

test('ids of a thousand characters are accepted', () => {
  const id = 'x'.repeat(1000)
  const record = readValid('updateInvoice', { ...refund, id, integrationConfigurationId: id })
  expect([record.ownId, record.installation]).toEqual([id, id])
})

test('a record without fields of its own is not copied', () => {
  const value = { ...refund }
  expect(readValid('updateInvoice', value).payload).toBe(value)
  expect(readValid('updateInvoice', { ...refund, id: 'a' }).payload).toEqual(refund)
  expect(readValid('updateInvoice', { ...refund, token: 'a' }).payload).toEqual(refund)
})

test('the externalId of another operation is not an idempotency key', () => {
  const change = { integrationConfigurationId: 'icfg_1', externalId: 'own' }
  expect(readOne('updateInstallation', change, { externalId: 'none' }).errors).toEqual([])
})

describe('the idempotency key of an invoice', () => {
  const keyOf = (change: object, externalId: string) => {
    const { record, errors } = readOne('submitInvoice', { ...invoice, ...change }, { externalId })
    return record ? withKey(record.request, externalId).request.body?.externalId : errors
  }

  test('is its own externalId, or derived from its content, or missing', () => {
    expect(keyOf({ externalId: 'own' }, 'auto')).toBe('own')
    expect(keyOf({}, 'auto')).toMatch(/^auto-[0-9a-f]{32}$/)
    expect(keyOf({}, 'none')).toBeUndefined()
  })

  test('must not be given with external-id: none', () => {
    expect(keyOf({ externalId: 'own' }, 'none')).toEqual([
      'externalId is set, but the input `external-id` is `none`: remove one of them',
    ])
  })

  test('does not depend on the id and the token of the record', () => {
    expect(keyOf({ id: 'a', token: 'b' }, 'auto')).toBe(keyOf({}, 'auto'))
  })
})

describe('the digest', () => {
  const digestOf = (name: OperationName, value: object, surroundings: CheckSources = {}) =>
    identify({ ...readValid(name, value, { surroundings }), ownId: undefined }).id

  const shuffled = (value: unknown): fc.Arbitrary<unknown> => {
    if (Array.isArray(value)) return fc.tuple(...value.map(shuffled))
    if (typeof value !== 'object' || value === null) return fc.constant(value)
    return fc
      .shuffledSubarray(Object.entries(value), { minLength: Object.keys(value).length })
      .chain((entries) => fc.tuple(...entries.map(([name, entry]) => shuffled(entry).map((part) => [name, part]))))
      .map((entries) => Object.fromEntries(entries as [string, unknown][]))
  }

  test('is the same in every version', () => {
    expect(digestOf('submitInvoice', invoice)).toBe('65fbfc8524c69a497973d2c6922f4a72')
    expect(digestOf('updateResourceSecretsById', secrets)).toBe('d1d5989abc8dde8cc481f768a1872ed4')
  })

  test('does not depend on the order of fields', () => {
    const expected = digestOf('submitInvoice', invoice)
    fc.assert(
      fc.property(shuffled(invoice), (value) => {
        expect(digestOf('submitInvoice', value as object)).toBe(expected)
      }),
      { numRuns: 50 },
    )
  })

  test('does not depend on the id, the token or the current time', () => {
    const billing = {
      integrationConfigurationId: 'icfg_1',
      eod: '2025-03-15T00:00:00Z',
      period: invoice.period,
      billing: [],
      usage: [],
    }
    const digest = digestOf('submitBillingData', billing, { now: new Date('2025-03-15T12:00:00Z') })
    const withIdAndToken = { ...billing, id: 'a', token: 'b' }
    expect(digestOf('submitBillingData', withIdAndToken, { now: new Date('2025-03-15T13:00:00Z') })).toBe(digest)
  })

  test('depends on the content', () => {
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
    const digests = changes.map((change) => digestOf('submitInvoice', { ...invoice, ...change }))
    expect(new Set(digests).size).toBe(changes.length)
  })

  test('depends on the secrets, inline or by reference', () => {
    const secretDigest = (value: unknown, env = {}) =>
      digestOf('updateResourceSecretsById', { ...secrets, secrets: [{ name: 'A', value }] }, { env })
    const digests = [
      secretDigest('value-a'),
      secretDigest('value-b'),
      secretDigest({ $env: 'A' }, { A: 'value-a' }),
      secretDigest({ $env: 'A' }, { A: 'value-b' }),
    ]
    expect(new Set(digests).size).toBe(4)
  })

  test('depends on the text of any other reference', () => {
    const memoDigest = (memo: string) =>
      digestOf('submitInvoice', { ...invoice, memo: { $env: 'M' } }, { env: { M: memo } })
    expect(memoDigest('one')).not.toBe(memoDigest('two'))
    expect(memoDigest('one')).toBe(memoDigest('one'))
  })

  // Nobody who reads a journal can check a guess of a secret without the token.
  test('of a record with secrets depends on its token', () => {
    const tokenDigest = (token: string) => digestOf('updateResourceSecretsById', { ...secrets, token })
    expect(tokenDigest('one')).not.toBe(tokenDigest('two'))
  })
})
