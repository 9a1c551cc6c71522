// The guards of a batch: nothing is sent if a record, the total, or the change of an installation is above its limit.

import { rmSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { batchScene, billOf } from './batch-step.ts'

const records = [billOf('icfg_1', '10.00'), billOf('icfg_2', '20.00'), billOf('icfg_3', '30.01')]

test.each<[inputs: Record<string, string>, errorCode: string, message: RegExp]>([
  [
    { 'max-amount': '30' },
    'amount_exceeded',
    /installation "icfg_3": the amount 30\.01 is above `max-amount` \(30\.00\)/,
  ],
  [{ 'max-total': '60' }, 'total_exceeded', /`max-total` 60\.00: the batch adds up to 60\.01, which is above it/],
])('%j refuses the batch, in runs of any shard and in dry runs', async (inputs, errorCode, message) => {
  const { run, server } = await batchScene()
  for (const mode of [{}, { 'dry-run': 'true' }, { shard: '1/3' }, { shard: '2/3' }, { shard: '3/3' }]) {
    const { code, outputs, errors } = await run(records, { ...inputs, ...mode })
    expect({ code, status: outputs.status, errorCode: outputs.errorCode }).toEqual({
      code: 1,
      status: 'failed',
      errorCode,
    })
    expect(errors).toEqual([expect.stringMatching(message)])
    expect(errors[0]).toMatch(/nothing was sent/i)
    expect(outputs.errorMessage).toMatch(message)
  }
  expect(server.arrivals).toEqual([])
})

test('limits that are just reached let the batch through', async () => {
  const { run, server } = await batchScene()
  const { code, errors } = await run(records, { 'max-amount': '30.01', 'max-total': '60.010' })
  expect({ code, errors }).toEqual({ code: 0, errors: [] })
  expect(server.arrivals).toHaveLength(3)
})

test('a finding names its line, and test invoices and discounts count', async () => {
  const { run } = await batchScene()
  const discounts = [{ billingPlanId: 'pro', name: 'Discount', amount: '6.00' }]
  const batch = [billOf('icfg_1', '15.00', { discounts }), billOf('icfg_2', '10.01', { test: {} })]
  const { errors } = await run(batch, { 'max-amount': '10', 'dry-run': 'true' })
  expect(errors).toEqual([expect.stringMatching(/"icfg_2": the amount 10\.01 .*\(batch\.ndjson, line 2, column 1\)$/)])
})

test('an invoice with larger discounts than items does not lower the total', async () => {
  const { run } = await batchScene()
  const discounts = [{ billingPlanId: 'pro', name: 'Discount', amount: '1000.00' }]
  const batch = [...records, billOf('icfg_4', '15.00', { discounts })]
  const { errors, outputs } = await run(batch, { 'max-total': '60', 'dry-run': 'true' })
  expect(outputs.amount).toBe('-924.99')
  expect(errors).toEqual([
    expect.stringMatching(
      /`max-total` 60\.00: without negative amounts the batch adds up to 60\.01, which is above it/,
    ),
  ])
})

test('many findings are ten annotations at most, with the count of the rest; all broken guards are reported', async () => {
  const { run } = await batchScene()
  const many = Array.from({ length: 300 }, (_, index) => billOf(`icfg_${index}`, '5.00'))
  const { errors } = await run(many, { 'max-amount': '4', 'max-total': '1000' })
  expect(errors.length).toBeLessThanOrEqual(10)
  expect(errors).toContainEqual(expect.stringMatching(/^and 296 more\. `max-amount` 4\.00: 300 invoices are above it/))
  expect(errors).toContainEqual(expect.stringMatching(/^`max-total` 1,000\.00: the batch adds up to 1,500\.00/))
})

/** Decimals with up to five decimals, of up to 25 digits. */
const amounts = fc
  .tuple(fc.oneof(fc.nat(100), fc.bigInt({ min: 0n, max: 10n ** 20n })), fc.option(fc.nat(99_999), { nil: undefined }))
  .map(([whole, fraction]) => `${whole}${fraction === undefined ? '' : `.${String(fraction).padStart(5, '0')}`}`)

/** A decimal as a whole number of 1/100,000. */
const exact = (amount: string) => {
  const [whole = '', fraction = ''] = amount.split('.')
  return BigInt(whole + fraction.padEnd(5, '0'))
}

test('the guards are exact: they compare decimals, not numbers', async () => {
  const { run } = await batchScene()
  await fc.assert(
    fc.asyncProperty(
      fc.array(amounts, { minLength: 1, maxLength: 4 }),
      amounts,
      fc.boolean(),
      async (totals, limit, same) => {
        const total = totals.reduce((sum, amount) => sum + exact(amount), 0n)
        const text = `${total / 100_000n}.${String(total % 100_000n).padStart(5, '0')}`
        const inputs = {
          'dry-run': 'true',
          'max-total': same ? text : limit,
          'max-amount': same ? (totals[0] ?? '') : limit,
        }
        const batch = totals.map((amount, index) => billOf(`icfg_${index}`, amount))
        const { outputs } = await run(batch, inputs)
        const isAmountAbove = totals.some((amount) => exact(amount) > exact(inputs['max-amount']))
        const isTotalAbove = total > exact(inputs['max-total'])
        expect(outputs.errorCode).toBe(isAmountAbove ? 'amount_exceeded' : isTotalAbove ? 'total_exceeded' : undefined)
        expect(exact(outputs.amount ?? '')).toBe(total)
      },
    ),
    { numRuns: 30 },
  )
})

describe('max-change', () => {
  /** Runs the batch of a first month, and then plans a second one. */
  async function months(first: readonly object[], second: readonly object[], inputs: Record<string, string> = {}) {
    const scene = await batchScene()
    await scene.run(first, { 'journal-file': 'last.ndjson', operation: inputs.operation ?? 'submitInvoice' })
    const sent = scene.server.arrivals.length
    const result = await scene.run(second, { 'compare-with': 'last.ndjson', 'journal-file': 'now.ndjson', ...inputs })
    return { ...scene, ...result, sent: scene.server.arrivals.length - sent }
  }

  test('refuses an installation that differs by more, up or down, and names both amounts', async () => {
    const second = [billOf('icfg_1', '12.01'), billOf('icfg_2', '15.99'), billOf('icfg_3', '30.01')]
    const { code, outputs, errors, sent } = await months(records, second, { 'max-change': '20' })
    expect({ code, errorCode: outputs.errorCode, sent }).toEqual({ code: 1, errorCode: 'change_exceeded', sent: 0 })
    expect(errors).toEqual([
      expect.stringMatching(
        /^installation "icfg_2": the amount 15\.99 instead of 20\.00 last time differs by more than `max-change` \(20 %\)\. .*; nothing was sent \(batch\.ndjson, line 2, column 1\)$/,
      ),
      expect.stringMatching(
        /^installation "icfg_1": the amount 12\.01 instead of 10\.00 last time .*line 1, column 1\)$/,
      ),
    ])
  })

  test('lets exactly the limit through', async () => {
    const second = [billOf('icfg_1', '12.00'), billOf('icfg_2', '16.00'), billOf('icfg_3', '30.01', { memo: 'x' })]
    const { code, sent } = await months(records, second, { 'max-change': '20' })
    expect({ code, sent }).toEqual({ code: 0, sent: 3 })
  })

  test('compares sums of an installation, and does not refuse new and missing ones', async () => {
    const second = [billOf('icfg_1', '4.00'), billOf('icfg_1', '6.00'), billOf('icfg_new', '500.00')]
    const { code, sent } = await months(records, second, { 'max-change': '0' })
    expect({ code, sent }).toEqual({ code: 0, sent: 3 })
  })

  test('an installation whose earlier records all failed is new', async () => {
    const scene = await batchScene()
    scene.server.faults = ({ path }) => (path.includes('icfg_1/') ? { type: 'replace', status: 422 } : undefined)
    await scene.run([billOf('icfg_1', '1.00'), billOf('icfg_2', '10.00')], { 'journal-file': 'last.ndjson' })
    const { code, lines } = await scene.run([billOf('icfg_1', '9.00'), billOf('icfg_2', '10.00')], {
      'compare-with': 'last.ndjson',
      'max-change': '10',
      'dry-run': 'true',
    })
    expect(code).toBe(0)
    expect(lines.join('\n')).toMatch(/1 unchanged \(within 10 %\), 0 up \(\+0\.00\), 0 down \(0\.00\), 1 new \(9\.00\)/)
  })

  test('a glob that matches nothing is a warning, and every installation is new', async () => {
    const { run } = await batchScene()
    const { code, warnings } = await run(records, {
      'compare-with': 'last/*.ndjson',
      'max-change': '1',
      'fail-on-warning': 'true',
    })
    expect(code).toBe(0)
    expect(warnings).toEqual([expect.stringMatching(/^`compare-with` "last\/\*\.ndjson" matches no journal/)])
  })

  test.each([
    [
      'a path that does not exist',
      'missing.ndjson',
      /"[^"]*missing\.ndjson" does not exist: paths are relative to the workspace; nothing was sent/,
    ],
    ['a file that is not a journal', 'batch.ndjson', /"[^"]*batch\.ndjson" was not written by this action/],
  ])('%s is an error', async (_, path, message) => {
    const { run, server } = await batchScene()
    const { code, outputs, errors } = await run(records, { 'compare-with': path })
    expect({ code, errorCode: outputs.errorCode }).toEqual({ code: 1, errorCode: 'comparison_unusable' })
    expect(errors[0]).toMatch(message)
    expect(server.arrivals).toEqual([])
  })

  test('a journal of another operation is an error, and a missing shard a warning', async () => {
    const period = { start: billOf('', '1').period.start, end: billOf('', '1').period.end }
    const usage = { integrationConfigurationId: 'icfg_1', eod: period.end, period, billing: [], usage: [] }
    const scene = await batchScene()
    await scene.run([usage], { operation: 'submitBillingData', 'journal-file': 'usage.ndjson' })
    const { errors } = await scene.run(records, { 'compare-with': 'usage.ndjson' })
    expect(errors[0]).toMatch(/is of "submitBillingData", not of submitInvoice/)

    await scene.run(records, { 'journal-file': 'shard-2.ndjson', shard: '2/3' })
    const { warnings } = await scene.run(records, { 'compare-with': 'shard-*.ndjson', 'dry-run': 'true' })
    expect(warnings).toEqual([expect.stringMatching(/has no journal of shard 1\/3, 3\/3/)])
  })

  test('a record that is in the journals of two attempts counts once', async () => {
    const scene = await batchScene()
    await scene.run(records.slice(0, 2), { 'journal-file': 'a-1.ndjson' })
    rmSync(join(scene.folder, 'a-2.ndjson'), { force: true })
    await scene.run(records, { 'journal-file': 'a-2.ndjson', 'on-duplicate': 'succeed' })
    const plan = { 'compare-with': 'a-*.ndjson', 'max-change': '0', 'dry-run': 'true' }
    expect((await scene.run(records, plan)).errors).toEqual([])
  })
})
