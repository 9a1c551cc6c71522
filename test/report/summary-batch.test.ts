// The job summary of a batch, as a reader sees it.

import fc from 'fast-check'
import MarkdownIt from 'markdown-it'
import { type DefaultTreeAdapterTypes as Dom, parseFragment } from 'parse5'
import { describe, expect, test } from 'vitest'
import type { JournalEvent } from '../../src/batch/journal/journal-format.ts'
import { Ledger } from '../../src/batch/journal/ledger.ts'
import { Tally } from '../../src/batch/journal/tally.ts'
import { type BatchSummary, renderBatch } from '../../src/report/summary/batch.ts'
import { begun, outcome, sent, succeeded } from '../batch/journals.ts'

const markdown = new MarkdownIt({ html: true, linkify: true })

/** A batch whose run had these events, all of which are its own. */
function batchOf(events: readonly JournalEvent[], change: Partial<BatchSummary> = {}): BatchSummary {
  const ledger = new Ledger()
  const tally = new Tally()
  for (const event of events) {
    ledger.apply(event)
    if (event.event !== 'begun' && event.event !== 'sent' && event.event !== 'not_sent') tally.add(event)
  }
  return {
    path: 'b.ndjson',
    operation: 'submitInvoice',
    name: 'submitInvoice',
    total: ledger.known,
    skipped: 0,
    tally,
    ledger,
    status: ledger.failed > 0 ? 'partial' : 'succeeded',
    sandbox: false,
    dryRun: false,
    failure: ledger.failed > 0 ? 'Some records failed. Run it again' : undefined,
    problems: [],
    amountLabel: 'Billed',
    warnings: [],
    ...change,
  }
}

/** The text of a summary's elements, and its chart. */
function see(summary: BatchSummary) {
  const text = renderBatch(summary)
  const tokens = markdown.parse(text, {})
  expect(tokens.filter(({ type }) => type !== 'html_block' && type !== 'fence')).toEqual([])
  const html = tokens.filter(({ type }) => type === 'html_block').map(({ content }) => content)
  const page = parseFragment(html.join('\n'))
  const chart = tokens.find(({ type }) => type === 'fence')?.content
  return { page, chart, blocks: html, text: textOf(page), rows: rowsOf(page) }
}

const textOf = (node: Dom.ParentNode): string =>
  node.childNodes
    .map((child) => ('value' in child ? child.value : 'childNodes' in child ? textOf(child) : ''))
    .join('')
    .replaceAll('\u200b', '')
    .replace(/\s+/g, ' ')

const elementsOf = (node: Dom.ParentNode): Dom.Element[] =>
  node.childNodes.flatMap((child) => ('tagName' in child ? [child, ...elementsOf(child)] : []))

const rowsOf = (node: Dom.ParentNode): string[][] =>
  elementsOf(node)
    .filter(({ tagName }) => tagName === 'tr')
    .map((row) =>
      elementsOf(row)
        .filter(({ tagName }) => /^t[hd]$/.test(tagName))
        .map((cell) => textOf(cell).trim()),
    )

const amount = '47.60'
const sentOk = (id: string, change = {}) => [sent(id, { amount }), succeeded(id, { amount, ...change })]
const hint = 'Store the current access token of the installation, then run the step again with `journal-file`'
const forbidden = (line: number) => [
  sent(`f${line}`, { line, amount }),
  outcome(`f${line}`, 'failed', {
    line,
    code: 'forbidden',
    httpStatus: 403,
    message: `Vercel refused submitInvoice with 403 forbidden: the token was revoked (request iad1::${line}). ${hint}`,
    hint,
  }),
]

test('the headline says how many of all records were sent, and the first line how much was billed', () => {
  const { text } = see(batchOf([...sentOk('a'), ...sentOk('b'), ...forbidden(88)]))
  expect(text).toMatch(/^ ?⚠️ submitInvoice: 2 of 3 sent Billed 95\.20 of 142\.80\. \(currencies not distinguished\)/)
})

test('what was there already, and what is gone, is not called sent', () => {
  const events = [...sentOk('a'), ...sentOk('b', { status: 'duplicate' }), sent('c', { amount }), outcome('c', 'gone')]
  const { text } = see(batchOf(events))
  expect(text).toMatch(/✅ submitInvoice: 1 of 3 sent, 1 there already, 1 gone Billed 47\.60 of 142\.80\./)
})

test('test invoices are shown apart, and an operation without money shows no amount', () => {
  const events = [...sentOk('a'), sent('t', { amount, test: true }), succeeded('t', { amount, test: true })]
  expect(see(batchOf(events)).text).toContain(
    'Billed 47.60. (currencies not distinguished) Test invoices: 1, 47.60, which nobody pays.',
  )
  expect(see(batchOf(events, { amountLabel: undefined })).text).not.toMatch(/Billed|currencies/)
})

test('the whole amount is that of all records, also of those that are not started', () => {
  const events = [...sentOk('a'), ...forbidden(3)]
  const textWith = (plannedAmount?: string) => see(batchOf(events, { total: 9, plannedAmount })).text
  expect(textWith('12345678901234567890.00')).toContain('Billed 47.60 of 12,345,678,901,234,567,890.00. (')
  expect(textWith('47.60')).toContain('Billed 47.60. (')
  // Journals of earlier versions do not tell.
  expect(textWith()).toContain('Billed 47.60. (')
})

test('failures are shown by cause: the cause once, with its whole fix, how many, and the first lines', () => {
  const events = [...[340, 88, 91, 700, 650, 1200, 900].flatMap(forbidden), sent('u', { line: 5 })]
  const { rows, text } = see(batchOf([begun(8), ...events, begun(8)]))
  expect(rows.slice(0, 3)).toEqual([
    ['What went wrong', 'Records', 'First lines', 'Fix'],
    [
      'forbidden (403): Vercel refused submitInvoice with 403 forbidden: the token was revoked',
      '7',
      '88, 91, 340 …',
      hint.replaceAll('`', ''),
    ],
    [
      'outcome_unknown icfg_1: It was sent, and the journal ends before its outcome',
      '1',
      '5',
      'Run the step again with this journal',
    ],
  ])
  expect(text.split('the token was revoked')).toHaveLength(2)
})

test('a resumed batch counts all runs, and says what was of this one', () => {
  const earlier = [begun(4), ...sentOk('a'), ...sentOk('b'), ...sentOk('c'), ...forbidden(4)]
  const tally = new Tally()
  tally.add(outcome('f4', 'failed'))
  const summary = batchOf([...earlier, begun(4), ...forbidden(4)], { tally, skipped: 3, total: 4 })
  expect(see(summary).text).toMatch(/3 of 4 sent.*This run: 0 succeeded, 1 failed, 3 were done before\./)
  expect(see(batchOf(earlier)).text).not.toContain('This run')
})

test('a dry run says that nothing was sent', () => {
  const { ledger: _, ...dryRun } = batchOf([], { total: 3, dryRun: true, status: 'validated', sandbox: true })
  const { text, rows } = see(dryRun)
  expect(text).toContain('✅ submitInvoice: 3 records checked, nothing was sent')
  expect(rows).toEqual([])
})

test('merged journals of the sandbox say so', () => {
  const { text } = see(batchOf(sentOk('a'), { name: 'mergeJournals', path: '2 journals', sandbox: true }))
  expect(text).toContain('mergeJournals (submitInvoice): 1 of 1 sent')
  expect(text).toContain('In the sandbox: no account was touched')
  expect(text).toContain('2 journals')
})

describe('the chart', () => {
  test("has GitHub's colours, the largest slice first, as Mermaid assigns them", () => {
    const events = [...sentOk('a'), ...forbidden(2), ...forbidden(3), sent('x'), outcome('x', 'unknown')]
    const { chart = '' } = see(batchOf(events, { total: 10 }))
    const [init = '', ...lines] = chart.trim().split('\n')
    const { theme, themeVariables } = JSON.parse(init.replace(/^%%\{init: /, '').replace(/\}%%$/, ''))
    expect(theme).toBe('base')
    expect(lines).toEqual(['pie showData', '  "not started" : 6', '  "failed" : 2', '  "sent" : 1', '  "unknown" : 1'])
    expect([1, 2, 3, 4].map((index) => themeVariables[`pie${index}`])).toEqual([
      '#59636e',
      '#cf222e',
      '#1a7f37',
      '#bf8700',
    ])
  })

  test('is left out if everything ended alike', () => {
    expect(see(batchOf(sentOk('a'))).chart).toBeUndefined()
  })
})

test('the details are folded: counts, times, the slowest records, the journal', () => {
  const events = Array.from({ length: 30 }, (_, index) =>
    sentOk(`r${index}`, { ms: 10 * index, line: index + 1 }),
  ).flat()
  const { page, rows } = see(batchOf(events, { journalFile: '/tmp/j.ndjson', ms: 2000 }))
  const details = elementsOf(page).find(({ tagName }) => tagName === 'details') as Dom.Element
  expect(textOf(details)).toContain('/tmp/j.ndjson')
  expect(rows).toContainEqual(['Time', '2 s, 15/s'])
  expect(rows).toContainEqual(['30', 'icfg_1', '290 ms'])
  expect(rows).toContainEqual(['up to 50 ms', '6'])
})

test('2,000 records with as many messages are a summary of less than 64 KiB', () => {
  const ledger = new Ledger()
  for (let line = 1; line <= 2000; line++) {
    const id = `r${line}`
    ledger.apply(sent(id, { line, amount }))
    const text = `${[...String(line)].map((digit) => 'abcdefghij'[Number(digit)]).join('')} `.repeat(50)
    ledger.apply(outcome(id, 'failed', { line, code: text, httpStatus: 422, message: text, hint: text }))
  }
  const summary = batchOf([], { ledger, total: 2000, status: 'failed', failure: 'All failed' })
  expect(renderBatch(summary).length).toBeLessThan(64 * 1024)
  expect(see(summary).text).toContain('0 of 2,000 sent')
})

const pieces = [
  '<',
  '>',
  '&',
  '"',
  "'",
  '`',
  '```\n',
  '</td>',
  '</table>',
  '</details>',
  '<script>',
  '<img src=x>',
  '|',
]
const more = [
  '\n\n',
  '\r',
  '# ',
  '@octocat',
  '#12',
  ':tada:',
  'https://a.example',
  '![a](b)',
  '<!--',
  '\u202e',
  'x'.repeat(90),
]
const hostile = fc.array(fc.constantFrom(...pieces, ...more, '%%{init: {}}%%', '"] : 5'), {
  minLength: 1,
  maxLength: 30,
})

test('hostile texts have the elements of harmless ones', () => {
  const summaryWith = (text: string) => {
    const failure = outcome('f', 'failed', { line: 2, installation: text, code: text, message: text, hint: text })
    const events = [
      sent('a', { installation: text }),
      succeeded('a', { installation: text, ms: 5 }),
      sent('f', { line: 2 }),
      failure,
    ]
    const texts = { path: text, journalFile: text, failure: text, warnings: [text] }
    return see(batchOf(events, { total: 3, ...texts }))
  }
  const outline = (page: Dom.ParentNode) => elementsOf(page).map(({ tagName, attrs }) => [tagName, attrs])
  const harmless = summaryWith('Ｘ')
  fc.assert(
    fc.property(hostile, (parts) => {
      // Several sentences, and messages that end with their hint, are shown in parts, which are no elements.
      const { page, chart, blocks } = summaryWith(`Ｘ${parts.join('')}Ｘ`)
      expect(outline(page)).toEqual(outline(harmless.page))
      expect(chart).toBe(harmless.chart)
      for (const block of blocks) expect(block.trim()).not.toMatch(/\n\s*\n|@octocat|#12|:tada:|:\/\/a/)
    }),
  )
})
