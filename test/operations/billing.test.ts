import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fixedNow } from '../payload/checking.ts'
import { checkBody } from './check-body.ts'

const item = { billingPlanId: 'pro', name: 'Storage', price: '1.50', quantity: 2.5, units: 'GB', total: '3.75' }
const discount = { billingPlanId: 'pro', name: 'Welcome', amount: '1.00' }
const period = { start: '2025-03-01T00:00:00Z', end: '2025-03-31T00:00:00Z' }
const invoice = { invoiceDate: '2025-03-15T00:00:00Z', period, items: [item] }
const data = { eod: '2025-03-16T00:00:00Z', period, billing: { items: [item] }, usage: [] }

const submit = (change: object) => checkBody('submitInvoice', { ...invoice, ...change })
const report = (change: object) => checkBody('submitBillingData', { ...data, ...change })
const dayMs = 24 * 60 * 60 * 1000
const clean = { errors: [], warnings: [] }

describe('an invoice', () => {
  test('with every field passes', async () => {
    const own = { start: '2025-03-02T00:00:00Z', end: '2025-03-03T00:00:00Z', resourceId: 'db-1', details: 'x' }
    const all = {
      externalId: 'invoice-2041',
      memo: 'Thank you',
      items: [{ ...item, ...own }],
      discounts: [{ ...discount, ...own }],
      final: false,
      test: { validate: true, result: 'overdue' },
    }
    expect(await submit(all)).toMatchObject(clean)
  })

  test.each([
    ['before', '2025-02-28T23:59:59.999Z'],
    ['after', '2025-03-31T00:00:00.001Z'],
    ['before, by its offset', '2025-03-01T00:59:59+01:00'],
  ])('dated %s its period is refused', async (_, invoiceDate) => {
    const { errors } = await submit({ invoiceDate })
    expect(errors).toEqual([
      `invoiceDate ${new Date(invoiceDate).toISOString()} is outside the period, 2025-03-01T00:00:00.000Z to 2025-03-31T00:00:00.000Z`,
    ])
  })

  test.each([period.start, period.end, '2025-03-01T01:00:00+01:00'])('dated %s is within its period', async (at) => {
    expect(await submit({ invoiceDate: at })).toMatchObject(clean)
  })

  test('with a period that ends before it starts has only this problem', async () => {
    const { errors } = await submit({ period: { start: period.end, end: period.start } })
    expect(errors).toEqual([
      "period.end is before the period's start: 2025-03-01T00:00:00.000Z < 2025-03-31T00:00:00.000Z",
    ])
  })

  test('with an empty period is accepted', async () => {
    const at = '2025-03-15T00:00:00Z'
    expect(await submit({ period: { start: at, end: at } })).toMatchObject(clean)
  })

  test('of an old period is accepted with a warning', async () => {
    const old = { start: '2001-01-01T00:00:00Z', end: '2001-02-01T00:00:00Z' }
    expect(await submit({ period: old, invoiceDate: old.end })).toMatchObject({
      errors: [],
      warnings: [
        'period.start 2001-01-01T00:00:00.000Z is over 400 days ago: check the year',
        'invoiceDate 2001-02-01T00:00:00.000Z is over 400 days ago: check the year',
      ],
    })
  })

  test('gets no warning for times up to 400 days away', async () => {
    const start = new Date(fixedNow.getTime() - 400 * dayMs)
    const end = new Date(fixedNow.getTime() + 400 * dayMs)
    expect(await submit({ period: { start: start.toISOString(), end: end.toISOString() } })).toMatchObject(clean)
    const later = new Date(end.getTime() + 1).toISOString()
    expect(await submit({ period: { start: start.toISOString(), end: later }, invoiceDate: later })).toMatchObject({
      errors: [],
      warnings: [
        `period.end ${later} is more than 400 days ahead: check the year`,
        `invoiceDate ${later} is more than 400 days ahead: check the year`,
      ],
    })
    const earlier = new Date(start.getTime() - 1).toISOString()
    expect((await submit({ period: { start: earlier, end: end.toISOString() } })).warnings).toEqual([
      `period.start ${earlier} is over 400 days ago: check the year`,
    ])
  })

  test.each([
    ['0.50', [], []],
    ['0.49', [], ['0.49']],
    ['0', [], ['0.00']],
    ['10.00', ['9.50'], []],
    ['10.00', ['9.51'], ['0.49']],
    ['10.00', ['9.51', '0.49'], ['0.00']],
  ])('of %s less %j gets a warning if it is below 0.50', async (total, amounts, shown) => {
    const items = [{ ...item, price: total, quantity: 1, total }]
    const discounts = amounts.map((amount) => ({ ...discount, amount }))
    expect((await submit({ items, discounts })).warnings).toEqual(
      shown.map(
        (amount) =>
          `items add up to ${amount} after discounts; Vercel never sends an invoice below 0.50 to the customer`,
      ),
    )
  })

  test('gets a warning for each amount with a fraction of a cent', async () => {
    const amounts = { items: [{ ...item, price: '3.7501', quantity: 1, total: '3.7501' }] }
    const warning = 'which has more than two decimals; Vercel bills whole cents'
    expect((await submit({ ...amounts, discounts: [{ ...discount, amount: '0.001' }] })).warnings).toEqual([
      `items[0].total is 3.7501, ${warning}`,
      `discounts[0].amount is 0.001, ${warning}`,
    ])
    expect((await report({ billing: { ...amounts, discounts: [{ ...discount, amount: '0.010' }] } })).warnings).toEqual(
      [`billing.items[0].total is 3.7501, ${warning}`],
    )
    expect(await submit({ items: [{ ...item, total: '3.7500' }] })).toMatchObject(clean)
  })
})

describe("a line's total", () => {
  const totals = async (price: string, quantity: number, total: string) =>
    (await submit({ items: [{ ...item, price, quantity, total }] })).warnings.filter((warning) =>
      warning.includes('price × quantity'),
    )

  test.each<[price: string, quantity: number, total: string]>([
    ['0.1', 3, '0.3'],
    ['0.1', 3, '0.30'],
    ['0.07', 100, '7'],
    ['1.005', 1000, '1005.00'],
    ['0.000001', 1234567, '1.23'],
    ['0.000001', 1234567, '1.24'],
    ['10', 0, '0.009'],
    ['10', 0.333333, '3.34'],
    ['99999999999999999999.99', 1, '99999999999999999999.99'],
    ['1', 1e21, '1000000000000000000000'],
  ])('%s × %d is %s to the cent', async (price, quantity, total) => {
    expect(await totals(price, quantity, total)).toEqual([])
  })

  test.each<[price: string, quantity: number, total: string, shown: string]>([
    ['0.1', 3, '0.31', '0.3'],
    ['0.1', 3, '0.29', '0.3'],
    ['10', 0, '0.01', '0'],
    ['10', -1, '10', '-10'],
    ['99999999999999999999.99', 1, '99999999999999999999.98', '99999999999999999999.99'],
    ['0.33333', 3, '1.01', '1'],
  ])('%s × %d is not %s', async (price, quantity, total, shown) => {
    expect(await totals(price, quantity, total)).toEqual([
      `items[0].total is ${total}, but price × quantity is ${shown}`,
    ])
  })

  test('is compared exactly, without floats', async () => {
    const cents = fc.bigInt({ min: 0n, max: 10n ** 15n })
    const spelled = (value: bigint) => `${value / 100n}.${String(value % 100n).padStart(2, '0')}`
    await fc.assert(
      fc.asyncProperty(
        cents,
        fc.nat({ max: 100_000 }),
        fc.integer({ min: -3, max: 3 }),
        async (price, quantity, off) => {
          const total = price * BigInt(quantity) + BigInt(off)
          fc.pre(total >= 0n)
          expect(await totals(spelled(price), quantity, spelled(total))).toHaveLength(off === 0 ? 0 : 1)
        },
      ),
    )
  })
})

describe('discounts', () => {
  const discounts = (...amounts: string[]) => amounts.map((amount) => ({ ...discount, amount }))
  const items = ['1.10', '2.20'].map((total) => ({ ...item, price: total, quantity: 1, total }))

  test('may be as large as the items, to the last digit', async () => {
    const { errors, warnings } = await submit({ items, discounts: discounts('1.1', '1.1', '1.1') })
    expect(errors).toEqual([])
    expect(warnings.join()).not.toContain('discounts add up to')
  })
  test('above the sum of the items get a warning', async () => {
    const { errors, warnings } = await submit({ items, discounts: discounts('1.1', '1.1', '1.11') })
    expect(errors).toEqual([])
    expect(warnings).toEqual(["discounts add up to 3.31, which is more than the items' 3.3"])
  })
  test('without items get a warning', async () => {
    expect((await submit({ items: [], discounts: discounts('0.01') })).warnings).toEqual([
      "discounts add up to 0.01, which is more than the items' 0",
    ])
  })
})

test('an item that ends before it starts gets a warning', async () => {
  const span = { start: '2025-03-03T00:00:00Z', end: '2025-03-02T00:00:00Z' }
  const { warnings } = await submit({ items: [item, { ...item, ...span }], discounts: [{ ...discount, ...span }] })
  expect(warnings).toEqual(['items[1].end is before its start', 'discounts[0].end is before its start'])
})

describe('billing data', () => {
  test('have the current time by default', async () => {
    expect((await report({})).value).toMatchObject({ timestamp: fixedNow })
    expect((await report({ timestamp: '2025-03-15T01:00:00Z' })).value).toMatchObject({
      timestamp: new Date('2025-03-15T01:00:00Z'),
    })
  })

  test('get a warning for an eod or a period more than 400 days away', async () => {
    const end = '2027-01-01T00:00:00Z'
    expect((await report({ period: { ...period, end }, eod: end })).warnings).toEqual([
      'period.end 2027-01-01T00:00:00.000Z is more than 400 days ahead: check the year',
      'eod 2027-01-01T00:00:00.000Z is more than 400 days ahead: check the year',
    ])
  })

  test.each([period.start, period.end])('may have an eod at an end of the period: %s', async (eod) => {
    expect(await report({ eod })).toMatchObject({ errors: [] })
  })

  test('with an eod outside the period are refused', async () => {
    expect((await report({ eod: '2025-04-01T00:00:00Z' })).errors).toEqual([
      'eod 2025-04-01T00:00:00.000Z is outside the period, 2025-03-01T00:00:00.000Z to 2025-03-31T00:00:00.000Z',
    ])
  })

  test('get a warning after more than 24 hours', async () => {
    const end = '2025-03-14T12:00:00Z'
    const old = 'is over 24 hours ago; Vercel refuses data that old'
    expect((await report({ period: { ...period, end }, eod: end })).warnings).toEqual([])
    const earlier = '2025-03-14T11:59:59.999Z'
    expect((await report({ period: { ...period, end: earlier }, eod: earlier })).warnings).toEqual([
      `period.end ${old}`,
      `eod ${old}`,
    ])
    expect((await report({ eod: earlier })).warnings).toEqual([`eod ${old}`])
  })

  test('accept charges as a list of items, or with discounts', async () => {
    expect(await report({ billing: [item] })).toMatchObject(clean)
    expect(await report({ billing: [] })).toMatchObject(clean)
    expect(await report({ billing: { items: [item], discounts: [discount] } })).toMatchObject(clean)
  })

  test.each([
    ['a list', [{ ...item, total: '1' }], ['billing[0].total is 1, but price × quantity is 3.75']],
    [
      'an object',
      { items: [{ ...item, total: '1' }], discounts: [{ ...discount, amount: '2' }] },
      [
        'billing.items[0].total is 1, but price × quantity is 3.75',
        "billing.discounts add up to 2, which is more than the items' 1",
      ],
    ],
  ])('have warnings with their paths if the charges are %s', async (_, billing, warnings) => {
    expect((await report({ billing })).warnings).toEqual(warnings)
  })

  test('with invalid charges are refused', async () => {
    expect((await report({ billing: 'x' })).errors).toEqual(['billing must be an object, not text'])
    expect((await report({ billing: [{ ...item, price: 1.5 }] })).errors).toEqual([
      'billing[0].price must be a decimal as text: quote it, "1.5"',
    ])
  })

  test('accept three types of usage', async () => {
    const usage = { resourceId: 'db-1', name: 'Storage', units: 'GB', dayValue: 1, periodValue: 2, planValue: 3 }
    for (const type of ['total', 'interval', 'rate']) {
      expect(await report({ usage: [{ ...usage, type }] })).toMatchObject(clean)
    }
    expect((await report({ usage: [{ ...usage, type: 'rates' }] })).errors).toEqual([
      'usage[0].type must be one of `total`, `interval`, `rate`, not "rates"; did you mean `rate`?',
    ])
  })
})

describe('a refund', () => {
  test.each<[change: object, errors: string[]]>([
    [{}, []],
    [{ total: 12.5 }, ['total must be a decimal as text: quote it, "12.5"']],
    [{ total: '-1' }, ['total must be a decimal such as "12.50": must not be negative']],
    [{ action: 'cancel' }, ['action must be `refund`, not "cancel"']],
    [{ amount: '1' }, ['amount is not a known field; known here: action, reason, total']],
  ])('with %j', async (change, errors) => {
    const refund = { action: 'refund', reason: 'Outage', total: '12.50', ...change }
    expect((await checkBody('updateInvoice', refund)).errors).toEqual(errors)
  })
})

test('a refund of a fraction of a cent gets a warning', async () => {
  const refund = { action: 'refund', reason: 'Outage', total: '12.505' }
  expect(await checkBody('updateInvoice', refund)).toMatchObject({
    errors: [],
    warnings: ['total is 12.505, which has more than two decimals; Vercel bills whole cents'],
  })
  expect(await checkBody('updateInvoice', { ...refund, total: '12.500' })).toMatchObject(clean)
})

test.each(['0', '0.00'])('a refund of %s gets a warning', async (total) => {
  expect(await checkBody('updateInvoice', { action: 'refund', reason: 'Outage', total })).toMatchObject({
    errors: [],
    warnings: [`total is ${total}, so nothing is refunded`],
  })
})

test('balances have the current time by default, and a value in cents', async () => {
  const balances = [{ resourceId: 'db-1', credit: '2,000 Tokens', nameLabel: 'Tokens', currencyValueInCents: 1000 }]
  expect(await checkBody('submitPrepaymentBalances', { balances })).toMatchObject({
    value: { timestamp: fixedNow, balances },
    ...clean,
  })
  expect((await checkBody('submitPrepaymentBalances', { balances: [{ currencyValueInCents: '10' }] })).errors).toEqual([
    'balances[0].currencyValueInCents must be a number: remove the quotes',
  ])
})
