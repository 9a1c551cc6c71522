// The job summary of a plan, read as GitHub and a browser do.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { main } from '../../src/main.ts'
import { segmentProblem } from '../../src/payload/text-problems.ts'
import { newFolder } from '../batch/files.ts'
import { begun, header, journalText, sent, succeeded } from '../batch/journals.ts'
import { billOf, linesOf } from '../batch/plan/batch-step.ts'
import { runs } from '../runs.ts'
import { testRuntime } from '../test-runner.ts'
import { outline, see } from './read.ts'

/** Plans a batch. @returns its job summary and its log */
async function plan(
  records: readonly object[],
  inputs: Record<string, string> = {},
  earlier: Readonly<Record<string, string>> = {},
) {
  const folder = newFolder()
  const summary = join(folder, 'summary')
  writeFileSync(summary, '')
  writeFileSync(join(folder, 'batch.ndjson'), linesOf(records))
  const events = Object.entries(earlier).flatMap(([installation, amount], index) => {
    const id = `key-${index}`
    return [sent(id, { installation, amount }), succeeded(id, { installation })]
  })
  writeFileSync(join(folder, 'last.ndjson'), journalText(header, begun(events.length / 2), ...events))
  const runtime = testRuntime(
    {
      operation: 'submitInvoice',
      token: 'a-token',
      'api-url': 'sandbox',
      'batch-file': 'batch.ndjson',
      'dry-run': 'true',
      ...inputs,
    },
    { folder, env: { RUNNER_TEMP: folder, GITHUB_STEP_SUMMARY: summary } },
  )
  await main(runtime)
  const markdown = readFileSync(summary, 'utf8')
  return { ...see(markdown), markdown, ...runtime.runner }
}

const compared = { 'compare-with': 'last.ndjson' }

test('a plan shows records, installations, the total, and how to send exactly this', async () => {
  const records = [billOf('icfg_1', '1000.50'), billOf('icfg_1', '1.00', { test: {} }), billOf('icfg_2', '240.00')]
  const { headings, paragraphs, tables, outputs, lines, markdown } = await plan(records, { 'report-file': 'plan.csv' })
  expect(headings).toEqual(['📋 Plan: submitInvoice', 'Largest 3'])
  expect(paragraphs).toEqual([
    '3 invoices · 2 installations · total 1,241.50 (currencies not distinguished)',
    '1 of them is a test invoice, which bills nobody. The plan counts test invoices like others.',
    'A dry run: every record of the file was checked, and nothing was sent. The step uses the sandbox.',
    'To send exactly this, set',
    expect.stringMatching(/^All records are in the report .*plan\.csv\.$/),
  ])
  expect(markdown).toContain(`<pre>expect-digest: ${outputs.digest}</pre>`)
  expect(tables).toEqual([
    [
      ['Line', 'Installation', 'Amount'],
      ['1', 'icfg_1', '1,000.50 / of 1,001.50'],
      ['3', 'icfg_2', '240.00'],
      ['2', 'icfg_1', '1.00 / of 1,001.50'],
    ],
  ])
  expect(outputs).toMatchObject({ amount: '1241.50', total: '3', status: 'validated' })
  expect(lines).toContain('plan: 1 of them is a test invoice, which bills nobody')
  expect(lines).toContain('plan: 3 invoices, 2 installations, total 1,241.50 (currencies not distinguished)')
  expect(lines).toContain(`digest ${outputs.digest}: to send exactly this, set expect-digest`)
})

test('a plan shows what changed since the earlier batch', async () => {
  const earlier = { icfg_same: '10.00', icfg_up: '10.00', icfg_down: '10.00', icfg_gone: '7.00' }
  const records = [
    billOf('icfg_same', '12.00'),
    billOf('icfg_up', '500.00'),
    billOf('icfg_down', '2.00'),
    billOf('icfg_new', '3.00'),
  ]
  const { tables, lines, markdown } = await plan(records, { ...compared }, earlier)
  expect(tables[0]).toEqual([
    ['Compared with the earlier batch', 'Installations', 'Amount'],
    ['Unchanged (within 100 %)', '2', '14.00'],
    ['Up', '1', '+490.00'],
    ['Down', '0', '0.00'],
    ['New', '1', '3.00'],
    ['Missing', '1', '−7.00'],
  ])
  expect(tables[1]?.map((row) => row.slice(0, 5))).toEqual([
    ['Line', 'Installation', 'Last time', 'Now', 'Change'],
    ['2', 'icfg_up', '10.00', '500.00', '× 50'],
  ])
  expect(tables[2]?.slice(1)).toEqual([
    ['2', 'icfg_up', '500.00', '10.00', '× 50'],
    ['1', 'icfg_same', '12.00', '10.00', '+20 %'],
    ['4', 'icfg_new', '3.00', '', ''],
    ['3', 'icfg_down', '2.00', '10.00', '−80 %'],
  ])
  expect(markdown).toContain('<summary>New installations: 1</summary>')
  expect(markdown).toContain('<code>icfg_gone</code>')
  expect(lines.join('\n')).toMatch(
    /: 2 unchanged \(within 100 %\), 1 up \(\+490\.00\), 0 down \(0\.00\), 1 new \(3\.00\), 1 missing \(−7\.00\)/,
  )
})

test.each([
  ['no journal matches', { 'compare-with': 'none/*.ndjson' }],
  ['nothing succeeded in the earlier batch', compared],
])('a plan has no comparison if %s', async (_, inputs) => {
  const { headings, paragraphs, tables, lines } = await plan([billOf('icfg_1', '1.00')], inputs)
  const sentence = 'othing succeeded in an earlier batch, so all installations are new'
  expect(paragraphs).toContain(`N${sentence}.`)
  expect(lines).toContain(`plan: n${sentence}`)
  expect(tables).toHaveLength(1)
  expect(headings).not.toContain('Largest changes')
})

test('a broken guard comes first and in words, and the list of changes is not shown twice', async () => {
  const inputs = { ...compared, 'max-amount': '5000', 'max-change': '20' }
  const { headings, paragraphs, tables } = await plan([billOf('icfg_up', '12000.00')], inputs, { icfg_up: '240.00' })
  expect(headings[0]).toBe('❌ Plan: submitInvoice')
  expect(headings).not.toContain('Largest changes')
  expect(paragraphs.slice(0, 2)).toEqual([
    '❌ max-amount 5,000.00: 1 invoice is above it. Nothing was sent. Correct the amounts, or raise max-amount.',
    '❌ max-change 20 %: the amount of 1 installation differs by more. Nothing was sent. Correct the amounts, or raise max-change.',
  ])
  expect(tables.slice(0, 2)).toEqual([
    [
      ['Line', 'Installation', 'Amount'],
      ['1', 'icfg_up', '12,000.00'],
    ],
    [
      ['Line', 'Installation', 'Amount', 'Last time', 'Change'],
      ['1', 'icfg_up', '12,000.00', '240.00', '× 50'],
    ],
  ])
})

test('only an amount of zero has changed by −100 %', async () => {
  const earlier = { icfg_a: '210.00', icfg_b: '99999.00', icfg_c: '5.00' }
  const records = [billOf('icfg_a', '0.60'), billOf('icfg_b', '0.50'), billOf('icfg_c', '0.00')]
  const { tables } = await plan(records, compared, earlier)
  expect(tables[1]?.slice(1).map((row) => row.at(-1))).toEqual(['−99.7 %', '−99.9 %', '−100 %'])
})

test('a run that a guard refuses says that nothing was sent, and is not called a dry run', async () => {
  const digest = `sha256:${'0'.repeat(64)}`
  const { headings, paragraphs, outputs } = await plan([billOf('icfg_1', '1.00')], {
    'dry-run': 'false',
    'expect-digest': digest,
  })
  expect(headings).toEqual(['❌ submitInvoice: nothing was sent'])
  expect(paragraphs[0]).toBe(
    `❌ expect-digest ${digest}: the digest of the batch is ${outputs.digest}. Nothing was sent. Compare the batch with the approved one. To approve this one, set expect-digest to its digest.`,
  )
  expect(paragraphs.join(' ')).not.toMatch(/dry run/i)
})

test('warnings are shown by kind, with the number of each and its first lines', async () => {
  const wrong = { ...billOf('', '1.00').items[0], price: '9.00' }
  const records = Array.from({ length: 2000 }, (_, index) =>
    billOf(`icfg_${index}`, '1.00', index < 1500 ? { items: [wrong] } : {}),
  )
  const { list, lines } = await plan([...records, billOf('icfg_small', '0.10')])
  expect(list).toEqual([
    '⚠️ 1,500 × items[0].total is 1.00, but price × quantity is 9 (lines 1, 2, 3 …)',
    expect.stringMatching(/^⚠️ 1 × items add up to 0\.10 after discounts; .* \(line 2,001\)$/),
  ])
  expect(lines).toContainEqual(expect.stringMatching(/^plan: warning 1,500 × items\[0\]\.total/))
})

test('an operation without money has a plan too', async () => {
  const member = { integrationConfigurationId: 'icfg_1', memberId: 'one' }
  const { headings, paragraphs, outputs } = await plan([member], { operation: 'getMember' })
  expect(headings).toEqual(['📋 Plan: getMember'])
  expect(paragraphs[0]).toBe('1 record · 1 installation')
  expect(outputs.amount).toBeUndefined()
})

describe('hostile names', () => {
  const pieces = [
    '<b>',
    '</td>',
    '</table>',
    '-->',
    '`',
    '|',
    '"',
    "'",
    '&lt;',
    '@octocat',
    '#12',
    '](x)',
    ':smile:',
    'www.a.example',
    '```mermaid',
    '=1+1',
    '😀',
    'x'.repeat(80),
  ]
  const hostile = fc
    .array(fc.constantFrom(...pieces), { minLength: 1, maxLength: 5 })
    .map((parts) => parts.join('').replaceAll('/', ''))
    .filter((name) => segmentProblem(`${name}2`) === undefined)

  test('create no element, and leave none', async () => {
    const page = (name: string) =>
      plan(
        [billOf(name, '50.00'), billOf(`${name}2`, '0.10')],
        { ...compared, 'max-change': '1', 'max-amount': '40' },
        { [name]: '1.00', [`${name}3`]: '2.00' },
      )
    const { all } = await page('harmless')
    await fc.assert(
      fc.asyncProperty(hostile, async (name) => {
        const is = await page(name)
        expect(is.all.map(outline)).toEqual(all.map(outline))
        expect(is.markdown).not.toMatch(/@(?=octocat)|#(?=12)|www(?=\.)/)
      }),
      runs(25),
    )
  })
})
