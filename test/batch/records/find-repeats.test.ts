// What is repeated in a batch file: found in the whole file, and reported with both lines.

import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { checkBatch } from '../../../src/batch/records/check-batch.ts'
import { deriveExternalId } from '../../../src/delivery/idempotency-key.ts'
import type { Diagnostic, Failure } from '../../../src/failure.ts'
import type { OperationName } from '../../../src/operations/catalogue.ts'
import { newCheck } from '../../payload/checking.ts'
import { newFolder, withFile } from '../files.ts'
import { invoice, readOne, recordContext, refund } from '../records.ts'

interface Options {
  externalId?: string
  shard?: { index: number; count: number }
}

/** Checks a batch. @returns its errors and warnings, each with its line */
async function findingsIn(
  operation: OperationName,
  records: readonly (object | string)[],
  { externalId = 'auto', shard = { index: 1, count: 1 } }: Options = {},
) {
  const content = records.map((record) => `${typeof record === 'string' ? record : JSON.stringify(record)}\n`).join('')
  const context = recordContext(operation, { externalId })
  const { signal } = new AbortController()
  const shown = (found: readonly Diagnostic[]) =>
    found.map(({ position, message }) => [position?.line, message] as const)
  return withFile(join(newFolder(), 'batch.ndjson'), content, async (descriptor) => {
    const file = { context, source: descriptor, path: 'batch.ndjson', newCheck: () => newCheck() }
    try {
      const { warnings } = await checkBatch(file, shard, { isResumed: false, signal })
      return { errors: [], warnings: shown(warnings) }
    } catch (error) {
      return { errors: shown((error as Failure).diagnostics), warnings: [] }
    }
  })
}

const none = { errors: [], warnings: [] }
const [item] = invoice.items

/** An invoice with a plan of its own, so that only what a test repeats is repeated. */
let plans = 0
const newInvoice = (change: object = {}) => ({
  ...invoice,
  items: [{ ...item, billingPlanId: `plan-${++plans}` }],
  ...change,
})

describe('the externalId of an invoice', () => {
  const repeated = (line: number) =>
    `externalId "a" is also that of line ${line}, and Vercel accepts it once for each installation: remove one of the two, or give each its own`

  test('must not occur twice in an installation', async () => {
    const records = [
      newInvoice({ externalId: 'a' }),
      newInvoice({ externalId: 'b' }),
      newInvoice({ externalId: 'a', id: 'one' }),
      newInvoice({ externalId: 'a', id: 'two' }),
    ]
    const { errors } = await findingsIn('submitInvoice', records)
    expect(errors).toEqual([
      [3, repeated(1)],
      [4, repeated(1)],
    ])
  })

  test('is compared with that of a record with errors too', async () => {
    const { period } = invoice
    const records = [
      newInvoice({ externalId: 'a', period: { start: period.end, end: period.start } }),
      newInvoice({ externalId: 'a' }),
      newInvoice({ externalId: 'a' }),
    ]
    expect((await findingsIn('submitInvoice', records)).errors).toEqual([
      [1, "is before the period's start: 2025-03-01T00:00:00.000Z < 2025-04-01T00:00:00.000Z"],
      [2, repeated(1)],
      [3, repeated(1)],
    ])
  })

  test('may occur in another installation', async () => {
    const records = [
      newInvoice({ externalId: 'a' }),
      newInvoice({ externalId: 'a', integrationConfigurationId: 'icfg_2' }),
    ]
    expect(await findingsIn('submitInvoice', records)).toEqual(none)
  })

  test('is compared in every shard', async () => {
    const records = [newInvoice({ externalId: 'a' }), newInvoice({ externalId: 'a' })]
    for (const index of [1, 2]) {
      const { errors } = await findingsIn('submitInvoice', records, { shard: { index, count: 2 } })
      expect(errors).toEqual([[2, repeated(1)]])
    }
  })

  test('of two equal invoices is the same, also if they are written differently or have ids', async () => {
    const same = newInvoice()
    const records = [
      { ...same, id: 'one' },
      newInvoice(),
      {
        ...same,
        id: 'two',
        invoiceDate: '2025-03-15T01:00:00+01:00',
        items: same.items.map((item) => ({ ...item, price: '1.5' })),
      },
    ]
    const { errors } = await findingsIn('submitInvoice', records)
    expect(errors).toEqual([
      [
        3,
        'the record is the same invoice as line 1, so both get the same `externalId`, which Vercel accepts once: remove one, or give each its own `externalId` to bill both',
      ],
    ])
  })

  test('that one invoice derives must not be the own one of another', async () => {
    const { record } = readOne('submitInvoice', invoice)
    if (!record) throw new Error('no record')
    const records = [invoice, newInvoice({ externalId: deriveExternalId(record.request) })]
    expect((await findingsIn('submitInvoice', records)).errors.map(([line]) => line)).toEqual([2])
  })
})

describe('equal records', () => {
  const repeated = (line: number) =>
    `the record is the same as line ${line}, and both would take effect: remove one, or give each its own \`id\` to send both`

  test('without a key are an error unless each has an id', async () => {
    const same = newInvoice()
    const { items, ...rest } = same
    const options = { externalId: 'none' }
    const found = async (...records: object[]) => (await findingsIn('submitInvoice', records, options)).errors
    expect(await found(same, newInvoice(), { items, ...rest })).toEqual([[3, repeated(1)]])
    expect(await found({ ...same, id: 'a' }, same)).toEqual([[2, repeated(1)]])
    expect(await found({ ...same, id: 'a' }, { ...same, id: 'b' })).toEqual([])
  })

  test('that rotate a credential are an error', async () => {
    const rotation = { integrationConfigurationId: 'icfg_1', clientId: 'oac_1', clientSecret: 'client-secret' }
    const records = [rotation, { ...rotation, integrationConfigurationId: 'icfg_2' }, rotation]
    expect((await findingsIn('rotateInstallationCredential', records)).errors).toEqual([[3, repeated(1)]])
  })

  test('of an operation that may be repeated are not reported', async () => {
    const member = { integrationConfigurationId: 'icfg_1', memberId: 'one' }
    expect(await findingsIn('getMember', [member, member])).toEqual(none)
  })
})

describe('a refund of the same invoice with the same reason and total', () => {
  const repeated = (line: number) =>
    `the record refunds the same invoice with the same reason and total as line ${line}: remove one, or give each its own \`id\` to send both`
  const found = async (...records: object[]) => (await findingsIn('updateInvoice', records)).errors

  test('is an error at any distance, unless both have ids', async () => {
    expect(await found(refund, { ...refund, total: '5.00' }, refund)).toEqual([[3, repeated(1)]])
    expect(await found({ ...refund, total: '1.50' }, { ...refund, total: '1.5' })).toEqual([[2, repeated(1)]])
    expect(await found({ ...refund, id: 'a' }, refund)).toEqual([[2, repeated(1)]])
    expect(await found({ ...refund, id: 'a' }, { ...refund, id: 'b' })).toEqual([])
  })

  test('differs from one with another reason, total or invoice', async () => {
    const others = [
      { total: '2.00' },
      { invoiceId: 'inv_9' },
      { reason: 'x' },
      { integrationConfigurationId: 'icfg_2' },
    ]
    expect(await found(refund, ...others.map((change) => ({ ...refund, ...change })))).toEqual([])
  })

  test('is reported together with other problems', async () => {
    expect(await found(refund, refund, { ...refund, total: 1 })).toHaveLength(2)
  })
})

describe('what an invoice bills', () => {
  const warningsOf = async (...records: object[]) => (await findingsIn('submitInvoice', records)).warnings

  test('is a warning if an earlier invoice of the installation bills it too', async () => {
    const items = [
      { ...item, name: 'Compute', billingPlanId: 'other' },
      { ...item, name: 'Transfer' },
    ]
    expect(await warningsOf(invoice, { ...invoice, items })).toEqual([
      [
        2,
        '1 item has the same resource, plan and period as an item of an earlier invoice of the installation, and Vercel bills these once: items[1] of line 2 (as in line 1). Remove it, or correct its period',
      ],
    ])
  })

  test.each<[what: string, change: object]>([
    ['another resource', { items: [{ ...item, resourceId: 'db-2' }] }],
    ['another plan', { items: [{ ...item, billingPlanId: 'free' }] }],
    ['an own period', { items: [{ ...item, start: '2025-03-02T00:00:00Z' }] }],
    ['another period', { period: { start: '2025-03-01T00:00:00Z', end: '2025-03-31T00:00:00Z' } }],
    ['another installation', { integrationConfigurationId: 'icfg_2' }],
    ['a test', { test: { validate: true } }],
  ])('differs for %s', async (_, change) => {
    expect(await warningsOf(invoice, { ...invoice, externalId: 'b', ...change })).toEqual([])
  })

  test('is the same without a resource and with an empty one', async () => {
    const items = [{ ...item, resourceId: '' }]
    expect(await warningsOf(invoice, { ...invoice, externalId: 'b', items })).toHaveLength(1)
  })

  test('may occur twice within one invoice', async () => {
    expect(await warningsOf({ ...invoice, items: [item, { ...item, name: 'Transfer' }] }, newInvoice())).toEqual([])
  })

  test('is one warning with a count and the first lines, however often it occurs', async () => {
    const records = Array.from({ length: 1000 }, (_, number) => ({ ...invoice, externalId: `invoice-${number}` }))
    const warnings = await warningsOf(...records)
    expect(warnings).toHaveLength(1)
    const places = [2, 3, 4, 5, 6].map((line) => `items[0] of line ${line} (as in line 1)`).join(', ')
    expect(warnings[0]?.[1]).toBe(
      `999 items have the same resource, plan and period as an item of an earlier invoice of the installation, and Vercel bills these once: ${places}, 994 more. Remove them, or correct their periods`,
    )
  })
})

test('lines that are not records do not hide what is repeated', async () => {
  const { errors } = await findingsIn('updateInvoice', [refund, '{"a":', '', refund, '[]'])
  expect(errors.map(([line]) => line).sort()).toEqual([2, 4, 5])
})

test('at most a thousand errors are reported', async () => {
  const { errors } = await findingsIn('updateInvoice', Array(3000).fill(refund))
  expect(errors).toHaveLength(1000)
})
