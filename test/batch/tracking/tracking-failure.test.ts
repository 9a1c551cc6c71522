import { describe, expect, test } from 'vitest'
import { AttentionList } from '../../../src/batch/tracking/attention-list.ts'
import { InvoiceTally } from '../../../src/batch/tracking/invoice-tally.ts'
import type { TrackedInvoice } from '../../../src/batch/tracking/tracked-invoice.ts'
import { trackingFailure } from '../../../src/batch/tracking/tracking-failure.ts'
import { rowOf } from './rows.ts'

type Change = Partial<Parameters<typeof trackingFailure>[1]>

/** The failure of tracking that ended with these rows: its code, message, hint and annotations. */
function failureOf(rows: readonly Partial<TrackedInvoice>[], change: Change = {}) {
  const [tally, attention] = [new InvoiceTally(), new AttentionList()]
  for (const [index, row] of rows.entries()) {
    tally.add(rowOf({ line: index + 1, ...row }))
    attention.update(index, rowOf({ line: index + 1, ...row }))
  }
  const failure = trackingFailure(
    { tally, attention, now: new Date('2025-03-31T12:00:00Z') },
    { failOn: [], wait: undefined, end: undefined, pending: 0, givenUp: undefined, ...change },
  )
  if (!failure) return undefined
  const { code, message, hint, diagnostics } = failure
  return { code, message, hint, annotations: diagnostics.map((diagnostic) => diagnostic.message) }
}

const times = (count: number, row: Partial<TrackedInvoice>) => Array.from({ length: count }, () => row)
const wait = { states: ['paid', 'refunded'], timeoutMs: 60_000, intervalMs: 10_000 }
const until = new Date('2025-03-31T13:00:00Z')

test('nothing fails if nothing was looked for', () => {
  expect(failureOf([{ status: 'overdue' }, { status: 'unknown' }, { status: 'not started' }])).toBeUndefined()
})

describe('tracking that ended early', () => {
  const again = 'Run the step again: it only reads'

  test.each<[string, readonly Partial<TrackedInvoice>[], Change, { code: string; message: string; hint: string }]>([
    [
      'was cancelled',
      [{ status: 'paid' }],
      { end: 'cancelled' },
      { code: 'cancelled', message: 'The step was cancelled', hint: again },
    ],
    [
      'was cancelled before it asked for an invoice',
      [{ status: 'not started' }],
      { end: 'cancelled' },
      { code: 'cancelled', message: 'The step was cancelled; 1 invoice was not asked for', hint: again },
    ],
    [
      'was cancelled before it asked for some invoices',
      [{ status: 'not started' }, { status: 'not started' }],
      { end: 'cancelled' },
      { code: 'cancelled', message: 'The step was cancelled; 2 invoices were not asked for', hint: again },
    ],
    [
      'had no connection',
      [{ status: 'not started' }],
      { end: 'unopened', givenUp: { reason: 'unopened', until, detail: 'connection refused' } },
      {
        code: 'unopened',
        message: 'No connection could be opened for `retry-timeout`: connection refused; 1 invoice was not asked for',
        hint: 'Run the step again when the host can be reached, or raise `retry-timeout`',
      },
    ],
    [
      'had no connection, for an unknown reason',
      [],
      { end: 'unopened', givenUp: { reason: 'unopened', until } },
      {
        code: 'unopened',
        message: 'No connection could be opened for `retry-timeout`',
        hint: 'Run the step again when the host can be reached, or raise `retry-timeout`',
      },
    ],
    [
      'had no connection, and nobody knows for how long',
      [],
      { end: 'unopened' },
      {
        code: 'unopened',
        message: 'No connection could be opened for `retry-timeout`',
        hint: 'Run the step again when the host can be reached, or raise `retry-timeout`',
      },
    ],
    [
      'was throttled, and nobody knows for how long',
      [],
      { end: 'throttled' },
      {
        code: 'throttled',
        message: "Vercel's rate limit lasts longer than retry-timeout",
        hint: 'Run the step again after that, or raise `retry-timeout`',
      },
    ],
    [
      'was throttled',
      [{ status: 'not started' }],
      { end: 'throttled', givenUp: { reason: 'throttled', until } },
      {
        code: 'throttled',
        message:
          "Vercel's rate limit lasts longer than retry-timeout, until 2025-03-31T13:00:00.000Z; 1 invoice was not asked for",
        hint: 'Run the step again after that, or raise `retry-timeout`',
      },
    ],
  ])('%s', (_, rows, change, expected) => {
    expect(failureOf(rows, { ...change, wait })).toEqual({
      ...expected,
      annotations: [`${expected.message}. ${expected.hint}`],
    })
  })
})

describe('invoices that could not be read', () => {
  const hint = 'Fix what the annotations and the summary report, then run the step again: it only reads'

  test('are listed with their reasons', () => {
    const rows = [
      { status: 'paid' },
      { status: 'unreadable', invoiceId: 'inv_2', message: 'Vercel answered 404' },
      { status: 'unreadable', message: 'no token' },
    ]
    expect(failureOf(rows)).toEqual({
      code: 'invoices_unreadable',
      message: '2 of 3 invoices could not be read',
      hint,
      annotations: [
        `2 of 3 invoices could not be read. ${hint}`,
        'line 2, "icfg_1", invoice "inv_2": Vercel answered 404',
        'line 3, "icfg_1": no token',
      ],
    })
  })

  test.each([
    [8, []],
    [9, ['and 1 more']],
    [60, ['and 52 more']],
  ])('are listed up to the eighth: of %i', (count, rest) => {
    const { annotations = [] } = failureOf(times(count, { status: 'unreadable', message: 'gone' })) ?? {}
    expect(annotations.slice(1)).toEqual([
      ...Array.from({ length: 8 }, (_, index) => `line ${index + 1}, "icfg_1": gone`),
      ...rest,
    ])
  })
})

describe('`fail-on`', () => {
  const hint = 'The summary lists the invoices that need attention. Do not submit them again'

  test('lists overdue invoices first, then the other kinds', () => {
    const invoiceDate = '2025-03-01T00:00:00Z'
    const rows = [
      { status: 'unknown', message: 'no id' },
      { status: 'refunded', invoiceId: 'inv_2', invoiceNumber: '2025-2', amount: '4.00' },
      { status: 'notpaid', invoiceId: 'inv_3', amount: '5.00', invoiceDate },
      { status: 'overdue', invoiceId: 'inv_4', amount: '6.00', invoiceDate: '2025-03-30T00:00:00Z' },
      { status: 'paid', invoiceId: 'inv_5' },
    ]
    const message =
      '`fail-on` applies: 1 invoice paid, 1 invoice notpaid, 1 invoice overdue, 1 invoice refunded, 1 invoice unknown'
    expect(failureOf(rows, { failOn: ['overdue', 'notpaid', 'refunded', 'unknown', 'paid', 'draft'] })).toEqual({
      code: 'state_found',
      message,
      hint,
      annotations: [
        `${message}. ${hint}`,
        'line 4, "icfg_1", invoice "inv_4": overdue, 6.00, 1 day old',
        'line 3, "icfg_1", invoice "inv_3": notpaid, 5.00, 30 days old',
        'line 2, "icfg_1", invoice "2025-2" ("inv_2"): refunded, 4.00',
        'line 1, "icfg_1": no id',
        'and 1 more',
      ],
    })
  })

  test('lists only the statuses that it has', () => {
    const rows = [{ status: 'overdue' }, { status: 'notpaid' }, { status: 'refunded' }]
    expect(failureOf(rows, { failOn: ['notpaid'] })?.annotations).toEqual([
      `\`fail-on\` applies: 1 invoice notpaid. ${hint}`,
      'line 2, "icfg_1": notpaid',
    ])
  })

  test('counts paid invoices and does not list them', () => {
    expect(failureOf(times(12, { status: 'paid' }), { failOn: ['paid'] })?.annotations).toEqual([
      `\`fail-on\` applies: 12 invoices paid. ${hint}`,
    ])
  })
})

describe('waiting', () => {
  const still = 'Do not submit them again. To keep waiting, run trackInvoices again or raise `wait-timeout`'
  const never = 'Do not submit them again: look at their states in the summary'

  test('that ends before all invoices are in a wanted state', () => {
    const rows = [{ status: 'paid' }, { status: 'invoiced' }, ...times(2, { status: 'pending' })]
    const message = '3 invoices did not become paid or refunded within 1 min: 2 pending, 1 invoiced'
    expect(failureOf(rows, { wait, pending: 3 })).toEqual({
      code: 'wait_timeout',
      message,
      hint: still,
      annotations: [`${message}. ${still}`],
    })
  })

  test('for what cannot come any more', () => {
    const onlyPaid = { ...wait, states: ['notpaid'] }
    const message = '1 invoice cannot become notpaid any more: 1 refunded'
    expect(failureOf([{ status: 'refunded' }], { wait: onlyPaid, pending: 0 })).toEqual({
      code: 'state_unreachable',
      message,
      hint: never,
      annotations: [`${message}. ${never}`],
    })
  })

  test('does not fail for invoices whose state is not known', () => {
    const rows = [{ status: 'paid' }, { status: 'unknown' }, { status: 'not started' }]
    expect(failureOf(rows, { wait, pending: 1 })).toBeUndefined()
  })

  test('that ended early is not reported as too short', () => {
    expect(failureOf([{ status: 'pending' }], { wait, pending: 1, end: 'cancelled' })?.message).toBe(
      'The step was cancelled',
    )
  })
})

test('all reasons are in the message, and equal advice is given once', () => {
  const reading = 'Fix what the annotations and the summary report, then run the step again: it only reads'
  const found = 'The summary lists the invoices that need attention. Do not submit them again'
  const rows = [
    { status: 'not started' },
    ...times(6, { status: 'unreadable', message: 'gone' }),
    ...times(5, { status: 'overdue' }),
  ]
  expect(failureOf(rows, { end: 'cancelled', failOn: ['overdue'] })).toEqual({
    code: 'cancelled',
    message:
      'The step was cancelled; 1 invoice was not asked for. 6 of 12 invoices could not be read. `fail-on` applies: 5 invoices overdue',
    hint: `Run the step again: it only reads. ${reading}. ${found}`,
    annotations: [
      'The step was cancelled; 1 invoice was not asked for. Run the step again: it only reads',
      `6 of 12 invoices could not be read. ${reading}`,
      `\`fail-on\` applies: 5 invoices overdue. ${found}`,
      ...Array.from({ length: 6 }, (_, index) => `line ${index + 2}, "icfg_1": gone`),
      'line 8, "icfg_1": overdue',
      'line 9, "icfg_1": overdue',
      'and 3 more',
    ],
  })
})
