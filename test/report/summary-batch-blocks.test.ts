// The job summary of a batch, line by line.

import Big from 'big.js'
import { describe, expect, test } from 'vitest'
import { Ledger } from '../../src/batch/journal/ledger.ts'
import { type BatchReport, Tally } from '../../src/batch/journal/tally.ts'
import { Failure } from '../../src/failure.ts'
import { batchSummary } from '../../src/report/batch-report.ts'
import type { StepReport } from '../../src/report/step-report.ts'
import { type BatchSummary, renderBatch } from '../../src/report/summary/batch.ts'
import { batchDetails } from '../../src/report/summary/batch-details.ts'
import { outcomeChart } from '../../src/report/summary/outcome-chart.ts'
import { Secrets } from '../../src/secrets.ts'
import { outcome, sent, succeeded } from '../batch/journals.ts'

type Counts = Partial<Pick<Ledger, 'sent' | 'alreadyThere' | 'gone' | 'rejected' | 'unknown' | 'billed' | 'attempted'>>

const ledgerOf = (counts: Counts = {}): Ledger => Object.assign(new Ledger(), counts)
const tallyOf = (counts: Partial<Pick<Tally, 'succeeded' | 'failed' | 'gone' | 'retries'>> = {}): Tally =>
  Object.assign(new Tally(), counts)

function batchOf(change: Partial<BatchSummary> = {}): BatchSummary {
  const counts = { path: 'b.ndjson', operation: 'submitInvoice', total: 2, skipped: 0, tally: tallyOf() }
  const step = { name: 'submitInvoice', status: 'succeeded', sandbox: false, dryRun: false }
  return { ...counts, ...step, failure: undefined, problems: [], amountLabel: 'Billed', warnings: [], ...change }
}

/** The lines of a summary, before its chart and its details. */
const linesOf = (change: Partial<BatchSummary>): string[] =>
  (renderBatch(batchOf(change)).split('\n\n')[0] ?? '').trim().split('\n')

const money = (billed: string, attempted = billed) => ({ billed: new Big(billed), attempted: new Big(attempted) })

describe('the summary of a batch', () => {
  test('has what was sent and billed, a chart, and the details', () => {
    const ledger = new Ledger()
    for (const event of [sent('a', { amount: '1000.50' }), succeeded('a'), sent('b', { line: 2, amount: '199.50' })])
      ledger.apply(event)
    ledger.apply(outcome('b', 'failed', { line: 2, code: 'forbidden', httpStatus: 403, message: 'No', hint: 'Log in' }))
    const tally = tallyOf({ succeeded: 1, failed: 1 })
    const markdown = renderBatch(
      batchOf({ ledger, tally, status: 'partial', failure: 'Run `submitInvoice` again', sandbox: true }),
    )
    expect(markdown.split('\n')).toEqual([
      '',
      '<h3>⚠️ submitInvoice: 1 of 2 sent</h3>',
      '<p>In the sandbox: no account was touched, and no customer was billed.</p>',
      '<p><b>Billed 1,000.50 of 1,200.00.</b> (currencies not distinguished)</p>',
      '<p>Run submitInvoice again</p>',
      '<table>',
      '<tr><th>What went wrong</th><th align="right">Records</th><th>First lines</th><th>Fix</th></tr>',
      '<tr><td><code>forbidden</code> (403) <code>icfg_1</code>: No</td><td align="right">1</td><td>2</td><td>Log in</td></tr>',
      '</table>',
      '',
      '',
      '```mermaid',
      '%%{init: {"theme":"base","themeVariables":{"pie1":"#1a7f37","pie2":"#cf222e","pieTitleTextColor":"#848d97","pieLegendTextColor":"#848d97","pieSectionTextColor":"#ffffff","pieStrokeColor":"#ffffff","pieOuterStrokeColor":"#848d97","pieOpacity":"1"}}}%%',
      'pie showData',
      '  "sent" : 1',
      '  "failed" : 1',
      '```',
      '',
      '<details><summary>Details</summary>',
      '<table><tr><th align="left">Batch</th><td><code>b.ndjson</code></td></tr><tr><th align="left">Records</th><td>2</td></tr><tr><th align="left">Sent</th><td>1</td></tr><tr><th align="left">Failed</th><td>1</td></tr></table>',
      '</details>',
      '',
      '',
    ])
  })

  test.each<[status: string, symbol: string]>([
    ['succeeded', '✅'],
    ['partial', '⚠️'],
    ['failed', '❌'],
  ])('that is %s has the symbol %s', (status, symbol) => {
    expect(linesOf({ status })).toEqual([`<h3>${symbol} submitInvoice: ${status}</h3>`])
  })

  test.each<[line: string, counts: Counts]>([
    ['1,000 of 1,001 sent', { sent: 1000 }],
    ['0 of 1,001 sent, 1,001 there already', { alreadyThere: 1001 }],
    ['0 of 1,001 sent, 1 there already, 1,000 gone', { alreadyThere: 1, gone: 1000 }],
    ['1 of 1,001 sent, 1 gone', { sent: 1, gone: 1 }],
  ])('has the headline %s', (line, counts) => {
    expect(linesOf({ total: 1001, ledger: ledgerOf(counts) })[0]).toBe(`<h3>✅ submitInvoice: ${line}</h3>`)
    expect(linesOf({ total: 1001, ledger: ledgerOf(counts), name: 'mergeJournals' })[0]).toBe(
      `<h3>✅ mergeJournals (submitInvoice): ${line}</h3>`,
    )
  })

  test('of a dry run says that nothing was sent, if nothing is wrong', () => {
    expect(linesOf({ dryRun: true, total: 1 })).toEqual([
      '<h3>✅ submitInvoice: 1 record checked, nothing was sent</h3>',
    ])
    expect(linesOf({ dryRun: true, status: 'failed', failure: 'No' })).toEqual([
      '<h3>❌ submitInvoice: failed</h3>',
      '<p>No</p>',
    ])
  })

  test.each<[sentence: string, counts: Counts, change?: Partial<BatchSummary>]>([
    // All was attempted.
    ['Billed 1,000.50 of 1,200.00.', { sent: 1, rejected: 1, ...money('1000.5', '1200') }],
    ['Billed 5.00.', { sent: 2, ...money('5.00') }],
    // One is not started, and the journal does not say what it is about.
    ['Billed 5.00.', { sent: 1, ...money('5.00', '6.00') }],
    ['Refunded 5.00 of 6.00.', { sent: 1, ...money('5.00') }, { plannedAmount: '6.00', amountLabel: 'Refunded' }],
    ['Billed 6.00.', { sent: 1, ...money('6.00') }, { plannedAmount: '6' }],
  ])('has the money: %s', (sentence, counts, change) => {
    const [, line] = linesOf({ ledger: ledgerOf(counts), tally: tallyOf({ succeeded: 9 }), ...change })
    expect(line).toBe(`<p><b>${sentence}</b> (currencies not distinguished)</p>`)
  })

  test('has the money of test invoices apart, and none of an operation without money', () => {
    const ledger = ledgerOf({ sent: 2, ...money('1.00') })
    Object.assign(ledger, { tests: { count: 1001, amount: new Big(1234) } })
    const tally = tallyOf({ succeeded: 2 })
    expect(linesOf({ ledger, tally }).slice(1)).toEqual([
      '<p><b>Billed 1.00.</b> (currencies not distinguished) Test invoices: 1,001, 1,234.00, which nobody pays.</p>',
    ])
    expect(linesOf({ ledger, tally, amountLabel: undefined }).slice(1)).toEqual([])
  })

  test.each<[line: string, tally: Parameters<typeof tallyOf>[0], skipped: number, counts: Counts]>([
    ['1,000 succeeded, 1 was done before', { succeeded: 1000 }, 1, { sent: 1001 }],
    ['0 succeeded, 1,000 failed, 1,001 gone', { failed: 1000, gone: 1001 }, 0, { gone: 1001, sent: 1002 }],
    // One of the skipped ones was gone before.
    ['1 succeeded, 1 gone, 1,000 were done before', { succeeded: 1, gone: 1 }, 1001, { gone: 2, sent: 1001 }],
    ['1 succeeded', { succeeded: 1 }, 1, { sent: 1, gone: 1 }],
  ])('says what was of this run: %s', (line, counts, skipped, all) => {
    const change = { tally: tallyOf(counts), skipped, ledger: ledgerOf(all), amountLabel: undefined }
    expect(linesOf(change)[1]).toBe(`<p>This run: ${line}.</p>`)
    expect(linesOf({ ...change, name: 'mergeJournals' }).join()).not.toContain('This run')
  })

  test('says nothing of this run if it is the only one', () => {
    const tally = tallyOf({ succeeded: 1, failed: 2, gone: 3 })
    const ledger = ledgerOf({ sent: 1, alreadyThere: 0, gone: 3, unknown: 2 })
    expect(linesOf({ tally, ledger }).join()).not.toContain('This run')
  })

  test('lists what is wrong, ten problems at most', () => {
    const problems = Array.from({ length: 12 }, (_, index) => `\`memo\` ${index}`)
    expect(linesOf({ problems, status: 'failed' })).toEqual([
      '<h3>❌ submitInvoice: failed</h3>',
      '<ul><li>memo 0</li><li>memo 1</li><li>memo 2</li><li>memo 3</li><li>memo 4</li><li>memo 5</li><li>memo 6</li><li>memo 7</li><li>memo 8</li><li>memo 9</li><li>and 2 more</li></ul>',
    ])
    expect(linesOf({ problems: problems.slice(0, 10) })[1]).not.toContain('more')
  })

  test('says which records are gone', () => {
    const linesWith = (gone: number, goneLines: readonly number[]) =>
      linesOf({
        ledger: Object.assign(ledgerOf({ gone }), { goneLines }),
        tally: tallyOf({ gone }),
        amountLabel: undefined,
      })[1]
    expect(linesWith(1, [7])).toBe(
      '<p>Vercel has deleted the installation or resource of 1 record (line 7), which is skipped.</p>',
    )
    expect(linesWith(1002, [7, 1001])).toBe(
      '<p>Vercel has deleted the installation or resource of 1,002 records (lines 7, 1,001 …), which are skipped.</p>',
    )
  })

  test('has no empty block in place of a chart or of details', () => {
    expect(renderBatch(batchOf())).toBe('\n<h3>✅ submitInvoice: succeeded</h3>\n\n\n')
    const ledger = ledgerOf({ sent: 2 })
    expect(renderBatch(batchOf({ ledger, amountLabel: undefined, tally: tallyOf({ succeeded: 2 }) }))).toMatch(
      /^\n<h3>✅ submitInvoice: 2 of 2 sent<\/h3>\n\n\n<details>.*<\/details>\n\n$/s,
    )
  })

  test('has the warnings', () => {
    expect(linesOf({ warnings: ['one'] })).toEqual(['<h3>✅ submitInvoice: succeeded</h3>', '<ul><li>⚠️ one</li></ul>'])
  })
})

describe('the causes of failures', () => {
  /** The rows of the causes. */
  function rowsOf(...failures: Parameters<typeof outcome>[2][]): string[] {
    const ledger = new Ledger()
    for (const [index, failure] of failures.entries()) {
      ledger.apply(sent(`r${index}`, { line: index + 1 }))
      ledger.apply(outcome(`r${index}`, failure?.event ?? 'failed', { line: index + 1, ...failure }))
    }
    const tally = tallyOf({ failed: failures.length })
    return linesOf({ ledger, tally, total: failures.length, amountLabel: undefined }).slice(1)
  }

  test('have code, status, record, message, lines and fix', () => {
    expect(
      rowsOf({ code: 'forbidden', httpStatus: 403, message: 'Refused. Use `token`', hint: 'Use `token`' }),
    ).toEqual([
      '<table>',
      '<tr><th>What went wrong</th><th align="right">Records</th><th>First lines</th><th>Fix</th></tr>',
      '<tr><td><code>forbidden</code> (403) <code>icfg_1</code>: Refused</td><td align="right">1</td><td>1</td><td>Use token</td></tr>',
      '</table>',
    ])
  })

  test('have no status if the code has it, and say that an outcome is unknown once', () => {
    const failures = [
      { code: 'http_422', httpStatus: 422, message: 'No' },
      { event: 'unknown', code: 'timeout', message: 'Late' },
      { event: 'unknown', code: 'outcome_unknown', message: 'Lost' },
      { code: '', message: 'Odd' },
    ] as const
    expect(rowsOf(...failures).slice(2, -1)).toEqual([
      '<tr><td><code>http_422</code> <code>icfg_1</code>: No</td><td align="right">1</td><td>1</td><td>Correct the record</td></tr>',
      '<tr><td><b>outcome unknown</b>, <code>timeout</code> <code>icfg_1</code>: Late</td><td align="right">1</td><td>2</td><td>Run the step again, or raise attempt-timeout</td></tr>',
      '<tr><td><code>outcome_unknown</code> <code>icfg_1</code>: Lost</td><td align="right">1</td><td>3</td><td>Find out at Vercel whether the request arrived before you run the step again; the message says where</td></tr>',
      '<tr><td><code>various</code> <code>icfg_1</code>: Odd</td><td align="right">1</td><td>4</td><td></td></tr>',
    ])
  })

  test('are twenty at most, with how many records have others', () => {
    const texts = Array.from({ length: 22 }, (_, index) => ({
      code: `code_${String.fromCharCode(97 + index)}`,
      message: 'No',
    }))
    const rows = rowsOf(...texts, texts[21])
    expect(rows).toHaveLength(24)
    expect(rows.at(-1)).toBe('<p>and 2 records with other causes, which the journal has</p>')
    expect(rowsOf(...texts.slice(0, 20)).at(-1)).toBe('</table>')
  })
})

describe('the details', () => {
  const reportOf = (change: Partial<BatchReport> = {}): BatchReport => ({
    ...{ path: 'b.ndjson', operation: 'submitInvoice', total: 2000, skipped: 0, tally: tallyOf() },
    ...change,
  })

  test('have the counts that are not zero', () => {
    expect(batchDetails(reportOf(), ledgerOf(), 0).markup.split('\n')).toEqual([
      '<details><summary>Details</summary>',
      '<table><tr><th align="left">Batch</th><td><code>b.ndjson</code></td></tr><tr><th align="left">Records</th><td>2,000</td></tr><tr><th align="left">Sent</th><td>0</td></tr></table>',
      '</details>',
    ])
    const ledger = ledgerOf({ sent: 1001, alreadyThere: 1002, gone: 1003, rejected: 1004, unknown: 1005 })
    const tally = tallyOf({ succeeded: 1, failed: 2, gone: 3, retries: 1006 })
    const report = reportOf({ tally, journalFile: '/j', ms: 3000 })
    expect(batchDetails(report, ledger, 1007).markup.split('\n')).toEqual([
      '<details><summary>Details</summary>',
      '<table><tr><th align="left">Batch</th><td><code>b.ndjson</code></td></tr><tr><th align="left">Records</th><td>2,000</td></tr><tr><th align="left">Sent</th><td>1,001</td></tr><tr><th align="left">There already</th><td>1,002</td></tr><tr><th align="left">Gone</th><td>1,003</td></tr><tr><th align="left">Failed</th><td>1,004</td></tr><tr><th align="left">Outcome unknown</th><td>1,005</td></tr><tr><th align="left">Not started</th><td>1,007</td></tr><tr><th align="left">Retries in this run</th><td>1,006</td></tr><tr><th align="left">Time</th><td>3 s, 2/s</td></tr><tr><th align="left">Journal</th><td><code>/j</code></td></tr></table>',
      '</details>',
    ])
  })

  test.each<[ms: number | undefined, counts: Parameters<typeof tallyOf>[0], time: string | undefined]>([
    [0, { succeeded: 1 }, '0 ms, 1,000/s'],
    [1500, { succeeded: 3000, failed: 1500, gone: 1500 }, '1.5 s, 4,000/s'],
    [1500, {}, undefined],
    [undefined, { succeeded: 1 }, undefined],
  ])('of a run of %s ms with %j have the time %s', (ms, counts, time) => {
    const { markup } = batchDetails(
      reportOf({ tally: tallyOf(counts), ...(ms !== undefined && { ms }) }),
      ledgerOf(),
      0,
    )
    expect(/Time<\/th><td>([^<]*)/.exec(markup)?.[1]).toBe(time)
  })

  test('have the times from the first class to the last one, and the slowest records', () => {
    const timed = (...times: number[]) => {
      const tally = tallyOf()
      for (const [index, ms] of times.entries()) tally.addTimes(outcome('r', 'succeeded', { ms, line: 1000 + index }))
      return batchDetails(reportOf({ tally }), ledgerOf(), 0).markup.split('\n').slice(1)
    }
    expect(timed(20, 90, 400, 10)).toEqual([
      '<table><tr><th align="left">Batch</th><td><code>b.ndjson</code></td></tr><tr><th align="left">Records</th><td>2,000</td></tr><tr><th align="left">Sent</th><td>0</td></tr></table>',
      '<table>',
      '<tr><th align="right">Time per record</th><th align="right">Records</th></tr>',
      '<tr><td align="right">up to 50 ms</td><td align="right">2</td></tr>',
      '<tr><td align="right">up to 100 ms</td><td align="right">1</td></tr>',
      '<tr><td align="right">up to 250 ms</td><td align="right">0</td></tr>',
      '<tr><td align="right">up to 500 ms</td><td align="right">1</td></tr>',
      '</table>',
      '<table>',
      '<tr><th align="right">Slowest: line</th><th>Installation</th><th align="right">Time</th></tr>',
      '<tr><td align="right">1,002</td><td><code>icfg_1</code></td><td align="right">400 ms</td></tr>',
      '<tr><td align="right">1,001</td><td><code>icfg_1</code></td><td align="right">90 ms</td></tr>',
      '<tr><td align="right">1,000</td><td><code>icfg_1</code></td><td align="right">20 ms</td></tr>',
      '<tr><td align="right">1,003</td><td><code>icfg_1</code></td><td align="right">10 ms</td></tr>',
      '</table>',
      '</details>',
    ])
    expect(timed(9000, 11_000)).toEqual([
      '<table><tr><th align="left">Batch</th><td><code>b.ndjson</code></td></tr><tr><th align="left">Records</th><td>2,000</td></tr><tr><th align="left">Sent</th><td>0</td></tr></table>',
      '<table>',
      '<tr><th align="right">Time per record</th><th align="right">Records</th></tr>',
      '<tr><td align="right">up to 10 s</td><td align="right">1</td></tr>',
      '<tr><td align="right">more than 10 s</td><td align="right">1</td></tr>',
      '</table>',
      '<table>',
      '<tr><th align="right">Slowest: line</th><th>Installation</th><th align="right">Time</th></tr>',
      '<tr><td align="right">1,001</td><td><code>icfg_1</code></td><td align="right">11 s</td></tr>',
      '<tr><td align="right">1,000</td><td><code>icfg_1</code></td><td align="right">9 s</td></tr>',
      '</table>',
      '</details>',
    ])
    expect(timed(400, 450).slice(1, 3)).toEqual([
      '<table>',
      '<tr><th align="right">Slowest: line</th><th>Installation</th><th align="right">Time</th></tr>',
    ])
    expect(timed(20, 30)).toEqual([
      '<table><tr><th align="left">Batch</th><td><code>b.ndjson</code></td></tr><tr><th align="left">Records</th><td>2,000</td></tr><tr><th align="left">Sent</th><td>0</td></tr></table>',
      '<table>',
      '<tr><th align="right">Slowest: line</th><th>Installation</th><th align="right">Time</th></tr>',
      '<tr><td align="right">1,001</td><td><code>icfg_1</code></td><td align="right">30 ms</td></tr>',
      '<tr><td align="right">1,000</td><td><code>icfg_1</code></td><td align="right">20 ms</td></tr>',
      '</table>',
      '</details>',
    ])
  })
})

describe('the chart', () => {
  test('has a slice for each outcome, the largest first', () => {
    const ledger = ledgerOf({ sent: 1, alreadyThere: 2, gone: 3, rejected: 4, unknown: 5 })
    expect(outcomeChart(ledger, 6)?.split('\n')).toEqual([
      '```mermaid',
      '%%{init: {"theme":"base","themeVariables":{"pie1":"#59636e","pie2":"#bf8700","pie3":"#cf222e","pie4":"#8250df","pie5":"#0969da","pie6":"#1a7f37","pieTitleTextColor":"#848d97","pieLegendTextColor":"#848d97","pieSectionTextColor":"#ffffff","pieStrokeColor":"#ffffff","pieOuterStrokeColor":"#848d97","pieOpacity":"1"}}}%%',
      'pie showData',
      '  "not started" : 6',
      '  "unknown" : 5',
      '  "failed" : 4',
      '  "gone" : 3',
      '  "there already" : 2',
      '  "sent" : 1',
      '```',
    ])
    expect(
      outcomeChart(ledgerOf({ sent: 9, gone: 1 }), 0)
        ?.split('\n')
        .slice(2),
    ).toEqual(['pie showData', '  "sent" : 9', '  "gone" : 1', '```'])
  })

  test('needs two slices', () => {
    expect(outcomeChart(ledgerOf({ sent: 9 }), 0)).toBeUndefined()
    expect(outcomeChart(ledgerOf(), 0)).toBeUndefined()
  })
})

describe('the summary of a step with a batch', () => {
  const secrets = new Secrets()
  secrets.add(['hunter2-token'])
  const summaryOf = async (report: StepReport, change: Partial<BatchReport> = {}, warnings: string[] = []) => {
    const counts = {
      path: 'b.ndjson',
      operation: 'submitInvoice',
      total: 1,
      skipped: 0,
      tally: tallyOf({ succeeded: 1 }),
    }
    const batch = { ...counts, ...change }
    const markdown = await batchSummary({ report, batch, status: 'failed', warnings, secrets })
    return (markdown.split('\n\n')[0] ?? '').trim().split('\n')
  }
  const diagnostics = [
    { message: 'is hunter2-token', path: ['memo'], file: 'b.ndjson', position: { line: 2, column: 3 } },
    { message: 'It has hunter2-token' },
    { message: 'It has hunter2-token. Remove it' },
  ]
  const failure = new Failure('invalid_payload', 'It has hunter2-token', { hint: 'Remove it', diagnostics })
  const named = { name: 'submitInvoice' }

  test('lists the problems of a batch that was not started, without secrets and without the message itself', async () => {
    expect(await summaryOf({ ...named, failure, sandbox: true }, {}, ['a warning'])).toEqual([
      '<h3>❌ submitInvoice: failed</h3>',
      '<p>In the sandbox: no account was touched, and no customer was billed.</p>',
      '<p>It has ***. Remove it</p>',
      '<ul><li>memo is *** (b.ndjson, line 2, column 3)</li></ul>',
      '<ul><li>⚠️ a warning</li></ul>',
    ])
  })

  test('lists none once a journal was opened, and labels the money by the operation', async () => {
    const ledger = ledgerOf({ sent: 1, ...money('5.00') })
    expect(await summaryOf({ ...named, failure }, { ledger })).toEqual([
      '<h3>❌ submitInvoice: 1 of 1 sent</h3>',
      '<p><b>Billed 5.00.</b> (currencies not distinguished)</p>',
      '<p>It has ***. Remove it</p>',
    ])
    expect(await summaryOf({ name: 'mergeJournals' }, { ledger, operation: 'getMember' })).toEqual([
      '<h3>❌ mergeJournals (getMember): 1 of 1 sent</h3>',
    ])
    expect(await summaryOf({ name: 'mergeJournals' }, { ledger, operation: 'various' })).toEqual([
      '<h3>❌ mergeJournals (various): 1 of 1 sent</h3>',
    ])
  })

  test('says that a dry run sent nothing', async () => {
    expect(await summaryOf({ ...named, dryRun: true })).toEqual([
      '<h3>❌ submitInvoice: 1 record checked, nothing was sent</h3>',
    ])
    expect(await summaryOf(named)).toEqual(['<h3>❌ submitInvoice: failed</h3>'])
    expect(await summaryOf({})).toEqual(['<h3>❌ (submitInvoice): failed</h3>'])
  })

  test('is that of the plan if there is one', async () => {
    const plan = {
      operation: {},
      records: 7,
      installations: 1,
      digest: 'sha256:1',
      tests: 0,
      largest: [],
      warnings: [],
      broken: [],
    }
    expect((await summaryOf({ ...named, plan: plan as never, dryRun: true })).slice(0, 2)).toEqual([
      '<h3>📋 Plan: submitInvoice</h3>',
      '<p><b>7 records · 1 installation</b></p>',
    ])
  })
})
