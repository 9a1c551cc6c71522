// The summary of tracked invoices, read as GitHub and a browser do.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AttentionList } from '../../src/batch/tracking/attention-list.ts'
import { InvoiceTally } from '../../src/batch/tracking/invoice-tally.ts'
import type { TrackedInvoice } from '../../src/batch/tracking/tracked-invoice.ts'
import { trackingReport } from '../../src/batch/tracking/tracking-report.ts'
import { renderTracking, type TrackingSummary } from '../../src/report/summary/tracking.ts'
import { rowOf } from '../batch/tracking/rows.ts'
import { runs } from '../runs.ts'
import { unicodeText } from '../unicode-text.ts'
import { outline, ownText, see } from './read.ts'

const now = new Date('2025-03-31T12:00:00Z')

function render(rows: readonly TrackedInvoice[], change: Partial<TrackingSummary> = {}): string {
  const tally = new InvoiceTally()
  const attention = new AttentionList()
  for (const [index, row] of rows.entries()) {
    tally.add(row)
    attention.update(index, row)
  }
  const found = { tally, attention, now, hasAnswers: true, failure: undefined }
  const report = trackingReport({ ...found, journals: 1, withoutInvoice: 0, warnings: [] })
  return renderTracking({ ...report, sandbox: false, failure: undefined, warnings: [], ...change })
}

const invoice = (status: string, change: Partial<TrackedInvoice> = {}) =>
  rowOf({ status, invoiceId: 'inv_1', invoiceNumber: '2025-17', amount: '10.00', ...change })

const times = <T>(count: number, value: T) => Array.from({ length: count }, () => value)

test('the summary has count and amount by state, then what needs attention', () => {
  const { headings, paragraphs, tables } = see(
    render([
      ...times(3000, invoice('paid', { amount: '46.33' })),
      ...times(2, invoice('invoiced')),
      invoice('notpaid', { installation: 'icfg_2', invoiceDate: '2025-03-21T00:00:00Z' }),
      invoice('overdue', { installation: 'icfg_3', invoiceDate: '2025-03-01T00:00:00Z', amount: '1234.5' }),
      invoice('refunded', { refunded: '4.00' }),
      invoice('unreadable', { line: 7, message: 'Vercel refused getInvoice with 410 gone' }),
      rowOf({ line: 1200, status: 'unknown', externalId: 'ours-1', amount: '2.00', message: 'The response was lost' }),
    ]),
  )
  expect(headings).toEqual([
    '🔎 trackInvoices: attention',
    'Not paid, oldest first',
    'Refunded',
    'Could not be read',
    'Without an invoice id',
  ])
  expect(paragraphs).toEqual(['3,007 invoices in 1 journal.'])
  expect(tables).toEqual([
    [
      ['State', 'Invoices', 'Amount'],
      ['✅ paid', '3,000', '138,990.00'],
      ['🕓 invoiced (open)', '2', '20.00'],
      ['⚠️ not paid, will be tried again', '1', '10.00'],
      ['❌ overdue', '1', '1,234.50'],
      ['↩️ refunded', '1', '10.00'],
      ['❓ could not be read', '1', '10.00'],
      ['❓ without an invoice id', '1', '2.00'],
    ],
    [
      ['Installation', 'Invoice', 'Amount', 'Days', 'State', 'What it means'],
      ['icfg_3', '2025-17 inv_1', '1,234.50', '30', 'overdue', 'Not paid within 15 days: contact the customer'],
      [
        'icfg_2',
        '2025-17 inv_1',
        '10.00',
        '10',
        'notpaid',
        'A payment failed. Vercel tries again: payment is due 15 days after the invoice date',
      ],
    ],
    [
      ['Installation', 'Invoice', 'Amount', 'Refunded'],
      ['icfg_1', '2025-17 inv_1', '10.00', '4.00'],
    ],
    [
      ['Line', 'Installation', 'Invoice', 'Amount', 'Why'],
      ['7', 'icfg_1', '2025-17 inv_1', '10.00', 'Vercel refused getInvoice with 410 gone'],
    ],
    [
      ['Line', 'Installation', 'externalId', 'Amount', 'Why'],
      ['1,200', 'icfg_1', 'ours-1', '2.00', 'The response was lost'],
    ],
  ])
})

test('an invoice that is not paid after its term will not be tried again', () => {
  const summary = render([invoice('notpaid', { invoiceDate: '2025-03-01T00:00:00Z' })])
  expect(see(summary).tables[0]?.[1]?.[0]).toBe('⚠️ not paid')
  expect(summary).toContain('the 15 days to pay are over')
})

test('30,000 invoices have a summary of a page, which says how many more there are', () => {
  const summary = render(times(30_000, invoice('overdue', { invoiceDate: '2025-03-01T00:00:00Z' })))
  const { tables, paragraphs } = see(summary)
  expect(tables[1]).toHaveLength(51)
  expect(paragraphs).toContain('and 29,950 more')
  expect(summary.length).toBeLessThan(50_000)
})

describe('the summary says', () => {
  test('why the step failed, and the warnings', () => {
    const { paragraphs, list } = see(
      render([invoice('overdue')], { failure: '`fail-on` applies: 1 invoice overdue', warnings: ['a warning'] }),
    )
    expect(paragraphs[0]).toBe('❌ fail-on applies: 1 invoice overdue')
    expect(list).toEqual(['⚠️ a warning'])
  })

  test('that it ran in the sandbox', () => {
    expect(see(render([], { sandbox: true })).paragraphs[0]).toContain('no customer was billed')
  })

  test('how many invoices are tests, which bill nobody', () => {
    const all = render([invoice('paid', { test: true })])
    expect(all).toContain('All are test invoices, which bill nobody: their 10.00 are not part of the amounts.')
    const some = render([invoice('paid', { test: true }), invoice('paid')])
    expect(see(some).tables[0]?.[1]).toEqual(['✅ paid', '2', '10.00'])
    expect(some).toContain('1 of them are test invoices')
  })
})

/** The lines of a summary. */
const linesOf = (rows: readonly TrackedInvoice[], change: Partial<TrackingSummary> = {}) =>
  render(rows, change).trim().split('\n')

describe('line by line', () => {
  test('without invoices there is no table', () => {
    expect(linesOf([])).toEqual(['<h3>🔎 trackInvoices: settled</h3>', '<p><b>0 invoices</b> in 1 journal.</p>'])
  })

  test('rows have what is known of an invoice', () => {
    const bare = ['notpaid', 'overdue', 'refunded', 'unreadable', 'unknown', 'state_of_tomorrow'].map((status) =>
      rowOf({ status, line: 7 }),
    )
    expect(linesOf(bare, { withoutInvoice: 1002 })).toEqual([
      '<h3>🔎 trackInvoices: attention</h3>',
      '<p><b>6 invoices</b> in 1 journal. 1,002 records of their batches without an invoice.</p>',
      '<table>',
      '<tr><th>State</th><th align="right">Invoices</th><th align="right">Amount</th></tr>',
      '<tr><td>⚠️ not paid, will be tried again</td><td align="right">1</td><td align="right">0.00</td></tr>',
      '<tr><td>❌ overdue</td><td align="right">1</td><td align="right">0.00</td></tr>',
      '<tr><td>↩️ refunded</td><td align="right">1</td><td align="right">0.00</td></tr>',
      '<tr><td>🕓 state_of_tomorrow</td><td align="right">1</td><td align="right">0.00</td></tr>',
      '<tr><td>❓ could not be read</td><td align="right">1</td><td align="right">0.00</td></tr>',
      '<tr><td>❓ without an invoice id</td><td align="right">1</td><td align="right">0.00</td></tr>',
      '</table>',
      '<h4>Not paid, oldest first</h4>',
      '<table>',
      '<tr><th>Installation</th><th>Invoice</th><th>State</th><th>What it means</th></tr>',
      '<tr><td><code>icfg_1</code></td><td></td><td>notpaid</td><td>A payment failed. Vercel tries again: payment is due 15 days after the invoice date</td></tr>',
      '<tr><td><code>icfg_1</code></td><td></td><td>overdue</td><td>Not paid within 15 days: contact the customer</td></tr>',
      '</table>',
      '<h4>Refunded</h4>',
      '<table>',
      '<tr><th>Installation</th><th>Invoice</th></tr>',
      '<tr><td><code>icfg_1</code></td><td></td></tr>',
      '</table>',
      '<h4>Could not be read</h4>',
      '<table>',
      '<tr><th align="right">Line</th><th>Installation</th></tr>',
      '<tr><td align="right">7</td><td><code>icfg_1</code></td></tr>',
      '</table>',
      '<h4>Without an invoice id</h4>',
      '<table>',
      '<tr><th align="right">Line</th><th>Installation</th></tr>',
      '<tr><td align="right">7</td><td><code>icfg_1</code></td></tr>',
      '</table>',
    ])
  })

  test('more rows than a table has are counted', () => {
    const more = (status: string) => linesOf(times(1052, invoice(status))).at(-1)
    expect(['notpaid', 'overdue', 'refunded', 'unreadable', 'unknown'].map(more)).toEqual(
      Array(5).fill('<p>and 1,002 more</p>'),
    )
    expect(linesOf(times(50, invoice('refunded'))).at(-1)).toBe('</table>')
  })

  test('an invoice is tried again until its term is over, and the state says so if that holds for all', () => {
    const [within, over] = ['2025-03-17T12:00:00Z', '2025-03-16T12:00:00Z'].map((invoiceDate) =>
      invoice('notpaid', { invoiceDate }),
    ) as [TrackedInvoice, TrackedInvoice]
    const labelOf = (...rows: TrackedInvoice[]) => see(render(rows)).tables[0]?.[1]?.[0]
    expect(labelOf(within)).toBe('⚠️ not paid, will be tried again')
    expect(labelOf(over)).toBe('⚠️ not paid')
    expect(labelOf(within, over)).toBe('⚠️ not paid')
    expect(see(render([over])).tables[1]?.[1]?.at(-1)).toBe(
      'A payment failed, and the 15 days to pay are over: contact the customer',
    )
  })
})

const pieces = [
  ...[
    '# ',
    '|',
    '`',
    '```\n',
    '\n\n',
    '<b>',
    '</td>',
    '</table>',
    '<!--',
    '-->',
    '<img src=x onerror=a()>',
    '<script>',
  ],
  ...['&lt;', '::error::', '##[error]', '\r', '\0', '\x1b[31m', '\u2028', '\u202e', '\u200b', '\ud83d', '😀', 'é'],
  ...['@octocat', '#12', 'GH-12', 'https://a.example', 'www.a.example', ':smile:', 'x'.repeat(300), '[a](b)'],
]
const hostile = fc
  .array(fc.oneof(fc.constantFrom(...pieces), unicodeText({ maxLength: 5 })), {
    minLength: 1,
    maxLength: 8,
  })
  .map((parts) => parts.join(''))
  .filter((text) => text !== '')

const rowsWith = (text: string) => {
  const texts = { installation: text, invoiceId: text, invoiceNumber: text, externalId: text, message: text }
  return ['overdue', 'refunded', 'unreadable', 'unknown'].map((status) =>
    rowOf({ ...texts, status, invoiceDate: text }),
  )
}
const steps = { failure: 'x', warnings: ['x'] }

test('no text of a journal or a response creates an element, a link or a command', () => {
  const expected = see(render(rowsWith('x'), steps)).all.map(outline)
  const property = fc.property(hostile, (text) => {
    const summary = render(rowsWith(text), { failure: text, warnings: [text] })
    const { all } = see(summary)
    expect(all.map(outline)).toEqual(expected)
    for (const element of all) expect(ownText(element)).not.toMatch(/@\w|#\d|gh-\d|:\/\/|www\.|:[\w+-]+:/i)
    expect(summary).not.toMatch(/[^\P{Cc}\n]|\p{Bidi_Control}|\p{Cs}/u)
  })
  fc.assert(property, runs(50))
})
