// The job summary of a plan, line by line.

import { expect, test } from 'vitest'
import { WarningKinds } from '../../src/batch/records/warning-kinds.ts'
import { Failure } from '../../src/failure.ts'
import { type Operation, operations } from '../../src/operations/catalogue.ts'
import { planSummary } from '../../src/report/plan-summary.ts'
import { type PlanSummary, renderPlan } from '../../src/report/summary/plan.ts'
import { Secrets } from '../../src/secrets.ts'

type Plan = PlanSummary['plan']
type Change = NonNullable<Plan['comparison']>['largest'][number]
type Broken = Plan['broken'][number]

const plain: Plan = {
  operation: operations.find(({ name }) => name === 'submitInvoice') as Operation,
  records: 3,
  installations: 2,
  digest: 'sha256:1',
  amount: '1241.50',
  positiveAmount: '1241.50',
  shardAmount: '1241.50',
  tests: 0,
  largest: [],
  aboveMaxAmount: { count: 0, first: [] },
  warnings: [],
  comparison: undefined,
  broken: [],
}

/** The lines of a summary. */
function linesOf(plan: Partial<Plan> = {}, change: Partial<PlanSummary> = {}): string[] {
  const context = { name: 'submitInvoice', total: 3, dryRun: true, sandbox: false }
  const texts = { failure: undefined, reportFile: undefined, warnings: [] }
  const markdown = renderPlan({ plan: { ...plain, ...plan }, ...context, ...texts, ...change })
  expect(markdown).toMatch(/^<h3>.*>\n\n$/s)
  return markdown.trimEnd().split('\n')
}

const groupOf = (installations: number, amount: string) => ({ installations, amount })
const changeOf = (
  line: number,
  kind: Change['kind'],
  amounts: Pick<Change, 'difference'> & Partial<Change>,
): Change => ({
  ...{ kind, line, slot: 0, installation: `icfg_${line}`, planned: undefined, earlier: undefined },
  ...amounts,
})
const groups = {
  unchanged: groupOf(1, '10.00'),
  up: groupOf(12, '490.00'),
  down: groupOf(2, '-8.00'),
  new: groupOf(1003, '3.00'),
  missing: groupOf(1, '-7.00'),
}
const comparison = {
  percent: '20',
  groups,
  largest: [
    changeOf(1200, 'up', { planned: '500.00', earlier: '10.00', difference: '490.00' }),
    changeOf(2, 'down', { planned: '30.00', earlier: '275.00', difference: '-245.00' }),
    changeOf(3, 'down', { earlier: '4.00', difference: '-4.00' }),
    changeOf(0, 'up', { planned: '4.00', difference: '4.00' }),
  ],
  newest: [changeOf(4, 'new', { planned: '3.00', difference: '3.00' })],
  missing: [changeOf(0, 'missing', { earlier: '7.00', difference: '-7.00' })],
}
const largest = [
  { line: 1001, installation: 'icfg_1', amount: '1240.00', installationAmount: '1241.00', earlier: '1000.00' },
  { line: 2, installation: 'icfg_2', amount: '0.50', installationAmount: '0.50' },
]
const broken: Broken = {
  code: 'amount_exceeded',
  guard: 'max-amount',
  limit: '5.00',
  statement: '1,002 invoices are above it',
  count: 1002,
  findings: [
    { line: 1001, installation: 'icfg_1', amount: '1200.00' },
    { line: 2, installation: 'icfg_2', amount: '6.00', earlier: '3.00' },
  ],
}

test('a plan says what it is about, and how to send exactly this', () => {
  expect(linesOf()).toEqual([
    '<h3>📋 Plan: submitInvoice</h3>',
    '<p><b>3 invoices · 2 installations · total 1,241.50</b> (currencies not distinguished)</p>',
    '<p>A dry run: every record of the file was checked, and nothing was sent.</p>',
    '<p>To send exactly this, set</p><pre>expect-digest: sha256:1</pre>',
  ])
})

test('a plan of a shard in the sandbox says so, and where the report is', () => {
  expect(linesOf({ tests: 2, amount: undefined }, { total: 1, sandbox: true, reportFile: '/r.csv' })).toEqual([
    '<h3>📋 Plan: submitInvoice</h3>',
    '<p><b>3 invoices · 2 installations</b></p>',
    '<p>2 of them are test invoices, which bill nobody. The plan counts test invoices like others.</p>',
    '<p>A dry run: every record of the file was checked, and nothing was sent. 1 of the records are in this shard. The step uses the sandbox.</p>',
    '<p>To send exactly this, set</p><pre>expect-digest: sha256:1</pre>',
    '<p>All records are in the report <code>/r.csv</code>.</p>',
  ])
})

/** How a summary shows `comparison`. */
const comparisonTable = [
  '<table>',
  '<tr><th>Compared with the earlier batch</th><th align="right">Installations</th><th align="right">Amount</th></tr>',
  '<tr><td>Unchanged (within 20 %)</td><td align="right">1</td><td align="right">10.00</td></tr>',
  '<tr><td>Up</td><td align="right">12</td><td align="right">+490.00</td></tr>',
  '<tr><td>Down</td><td align="right">2</td><td align="right">−8.00</td></tr>',
  '<tr><td>New</td><td align="right">1,003</td><td align="right">3.00</td></tr>',
  '<tr><td>Missing</td><td align="right">1</td><td align="right">−7.00</td></tr>',
  '</table>',
]

test('a plan with a comparison shows the groups, and the largest changes and amounts', () => {
  expect(linesOf({ comparison, largest })).toEqual([
    '<h3>📋 Plan: submitInvoice</h3>',
    '<p><b>3 invoices · 2 installations · total 1,241.50</b> (currencies not distinguished)</p>',
    '<p>A dry run: every record of the file was checked, and nothing was sent.</p>',
    ...comparisonTable,
    '<h4>Largest changes</h4>',
    '<table>',
    '<tr><th align="right">Line</th><th>Installation</th><th align="right">Last time</th><th align="right">Now</th><th align="right">Change</th><th></th></tr>',
    '<tr><td align="right">1,200</td><td><code>icfg_1200</code></td><td align="right">10.00</td><td align="right">500.00</td><td align="right"><b>× 50</b></td><td>████████████████</td></tr>',
    '<tr><td align="right">2</td><td><code>icfg_2</code></td><td align="right">275.00</td><td align="right">30.00</td><td align="right"><b>−89 %</b></td><td>░░░░░░░░</td></tr>',
    '<tr><td align="right">3</td><td><code>icfg_3</code></td><td align="right">4.00</td><td align="right"></td><td align="right"><b>−100 %</b></td><td>░</td></tr>',
    '<tr><td align="right"></td><td><code>icfg_0</code></td><td align="right"></td><td align="right">4.00</td><td align="right"><b>from 0</b></td><td>█</td></tr>',
    '</table>',
    '<h4>Largest 2</h4>',
    '<table>',
    '<tr><th align="right">Line</th><th>Installation</th><th align="right">Amount</th><th align="right">Last time</th><th align="right">Change</th></tr>',
    '<tr><td align="right">1,001</td><td><code>icfg_1</code></td><td align="right">1,240.00<br><sub>of 1,241.00</sub></td><td align="right">1,000.00</td><td align="right">+24 %</td></tr>',
    '<tr><td align="right">2</td><td><code>icfg_2</code></td><td align="right">0.50</td><td align="right"></td><td align="right"></td></tr>',
    '</table>',
    '<details><summary>New installations: 1,003</summary>',
    '<table>',
    '<tr><th align="right">Line</th><th>Installation</th><th align="right">Amount</th></tr>',
    '<tr><td align="right">4</td><td><code>icfg_4</code></td><td align="right">3.00</td></tr>',
    '</table>',
    '<p>and 1,002 more</p></details>',
    '<details><summary>Missing installations: 1</summary>',
    '<table>',
    '<tr><th>Installation</th><th align="right">Last time</th></tr>',
    '<tr><td><code>icfg_0</code></td><td align="right">7.00</td></tr>',
    '</table>',
    '</details>',
    '<p>To send exactly this, set</p><pre>expect-digest: sha256:1</pre>',
  ])
})

test('a plan whose earlier batch has nothing to compare with says so', () => {
  const none = groupOf(0, '0.00')
  const onlyNew = { ...comparison, groups: { ...groups, unchanged: none, up: none, down: none, missing: none } }
  expect(linesOf({ comparison: onlyNew })).toEqual([
    '<h3>📋 Plan: submitInvoice</h3>',
    '<p><b>3 invoices · 2 installations · total 1,241.50</b> (currencies not distinguished)</p>',
    '<p>A dry run: every record of the file was checked, and nothing was sent.</p>',
    '<p>Nothing succeeded in an earlier batch, so all installations are new.</p>',
    '<p>To send exactly this, set</p><pre>expect-digest: sha256:1</pre>',
  ])
  // The missing installation was credited.
  const credited = { ...groups, up: none, down: groupOf(0, '-0.00'), missing: groupOf(1, '7.00') }
  const noLists = { largest: [], newest: [], missing: [], groups: credited }
  expect(linesOf({ comparison: { ...comparison, ...noLists } })).toEqual([
    '<h3>📋 Plan: submitInvoice</h3>',
    '<p><b>3 invoices · 2 installations · total 1,241.50</b> (currencies not distinguished)</p>',
    '<p>A dry run: every record of the file was checked, and nothing was sent.</p>',
    '<table>',
    '<tr><th>Compared with the earlier batch</th><th align="right">Installations</th><th align="right">Amount</th></tr>',
    '<tr><td>Unchanged (within 20 %)</td><td align="right">1</td><td align="right">10.00</td></tr>',
    '<tr><td>Up</td><td align="right">0</td><td align="right">0.00</td></tr>',
    '<tr><td>Down</td><td align="right">0</td><td align="right">−0.00</td></tr>',
    '<tr><td>New</td><td align="right">1,003</td><td align="right">3.00</td></tr>',
    '<tr><td>Missing</td><td align="right">1</td><td align="right">+7.00</td></tr>',
    '</table>',
    '<p>To send exactly this, set</p><pre>expect-digest: sha256:1</pre>',
  ])
})

test('a broken guard is shown with what breaks it, how much more there is, and the fix', () => {
  const digest = { statement: 'the digest of the batch is sha256:1', count: 0, findings: [] }
  const other: Broken = { code: 'digest_mismatch', guard: 'expect-digest', limit: 'sha256:0', ...digest }
  const refused = { dryRun: false, failure: 'It is not shown' }
  expect(linesOf({ broken: [broken, other], amount: undefined, installations: 0 }, refused)).toEqual([
    '<h3>❌ submitInvoice: nothing was sent</h3>',
    '<p>❌ <code>max-amount</code> 5.00: 1,002 invoices are above it. Nothing was sent. Correct the amounts, or raise max-amount.</p>',
    '<table>',
    '<tr><th align="right">Line</th><th>Installation</th><th align="right">Amount</th><th align="right">Last time</th><th align="right">Change</th></tr>',
    '<tr><td align="right">1,001</td><td><code>icfg_1</code></td><td align="right">1,200.00</td><td align="right"></td><td align="right"></td></tr>',
    '<tr><td align="right">2</td><td><code>icfg_2</code></td><td align="right">6.00</td><td align="right">3.00</td><td align="right">× 2</td></tr>',
    '</table>',
    '<p>and 1,000 more</p><p>❌ <code>expect-digest</code> <code>sha256:0</code>: the digest of the batch is sha256:1. Nothing was sent. Compare the batch with the approved one. To approve this one, set expect-digest to its digest.</p>',
    '<p><b>3 invoices</b></p>',
  ])
  const all = { ...broken, count: 2, findings: broken.findings.slice(0, 1) }
  expect(linesOf({ broken: [all] }, { failure: 'It is not shown' })).toEqual([
    '<h3>❌ Plan: submitInvoice</h3>',
    '<p>❌ <code>max-amount</code> 5.00: 1,002 invoices are above it. Nothing was sent. Correct the amounts, or raise max-amount.</p>',
    '<table>',
    '<tr><th align="right">Line</th><th>Installation</th><th align="right">Amount</th></tr>',
    '<tr><td align="right">1,001</td><td><code>icfg_1</code></td><td align="right">1,200.00</td></tr>',
    '</table>',
    '<p>and 1 more</p>',
    '<p><b>3 invoices · 2 installations · total 1,241.50</b> (currencies not distinguished)</p>',
    '<p>A dry run: every record of the file was checked, and nothing was sent.</p>',
    '<p>The digest of this batch: <code>sha256:1</code></p>',
  ])
  const change: Broken = { ...broken, guard: 'max-change', limit: '20 %', count: 2 }
  const few = { ...comparison, newest: [], missing: [] }
  expect(linesOf({ broken: [change], comparison: few }, { failure: 'It is not shown' })).toEqual([
    '<h3>❌ Plan: submitInvoice</h3>',
    '<p>❌ <code>max-change</code> 20 %: 1,002 invoices are above it. Nothing was sent. Correct the amounts, or raise max-change.</p>',
    '<table>',
    '<tr><th align="right">Line</th><th>Installation</th><th align="right">Amount</th><th align="right">Last time</th><th align="right">Change</th></tr>',
    '<tr><td align="right">1,001</td><td><code>icfg_1</code></td><td align="right">1,200.00</td><td align="right"></td><td align="right"></td></tr>',
    '<tr><td align="right">2</td><td><code>icfg_2</code></td><td align="right">6.00</td><td align="right">3.00</td><td align="right">× 2</td></tr>',
    '</table>',
    '<p><b>3 invoices · 2 installations · total 1,241.50</b> (currencies not distinguished)</p>',
    '<p>A dry run: every record of the file was checked, and nothing was sent.</p>',
    ...comparisonTable,
    '<p>The digest of this batch: <code>sha256:1</code></p>',
  ])
})

test('a failure without a broken guard is shown as it is, with warnings by kind', () => {
  const warnings = Array.from({ length: 12 }, (_, index) => ({ example: `kind ${index}`, count: 12, lines: [1, 2] }))
  const texts = { failure: 'Set `max-total`, for example', warnings: ['of the file'] }
  expect(linesOf({ warnings }, texts)).toEqual([
    '<h3>❌ Plan: submitInvoice</h3>',
    '<p>Set max-total, for example</p>',
    '<p><b>3 invoices · 2 installations · total 1,241.50</b> (currencies not distinguished)</p>',
    '<p>A dry run: every record of the file was checked, and nothing was sent.</p>',
    '<h4>Warnings</h4>',
    '<ul><li>⚠️ of the file</li><li>⚠️ 12 × kind 0 (lines 1, 2 …)</li><li>⚠️ 12 × kind 1 (lines 1, 2 …)</li><li>⚠️ 12 × kind 2 (lines 1, 2 …)</li><li>⚠️ 12 × kind 3 (lines 1, 2 …)</li><li>⚠️ 12 × kind 4 (lines 1, 2 …)</li><li>⚠️ 12 × kind 5 (lines 1, 2 …)</li><li>⚠️ 12 × kind 6 (lines 1, 2 …)</li><li>⚠️ 12 × kind 7 (lines 1, 2 …)</li><li>⚠️ 12 × kind 8 (lines 1, 2 …)</li><li>⚠️ 12 × kind 9 (lines 1, 2 …)</li><li>and 2 more</li></ul>',
    '<p>The digest of this batch: <code>sha256:1</code></p>',
  ])
  expect(linesOf({ warnings: warnings.slice(0, 10) }).slice(3, 5)).toEqual([
    '<h4>Warnings</h4>',
    '<ul><li>⚠️ 12 × kind 0 (lines 1, 2 …)</li><li>⚠️ 12 × kind 1 (lines 1, 2 …)</li><li>⚠️ 12 × kind 2 (lines 1, 2 …)</li><li>⚠️ 12 × kind 3 (lines 1, 2 …)</li><li>⚠️ 12 × kind 4 (lines 1, 2 …)</li><li>⚠️ 12 × kind 5 (lines 1, 2 …)</li><li>⚠️ 12 × kind 6 (lines 1, 2 …)</li><li>⚠️ 12 × kind 7 (lines 1, 2 …)</li><li>⚠️ 12 × kind 8 (lines 1, 2 …)</li><li>⚠️ 12 × kind 9 (lines 1, 2 …)</li></ul>',
  ])
  expect(linesOf({}, { warnings: ['of the file'] }).slice(3, 5)).toEqual([
    '<h4>Warnings</h4>',
    '<ul><li>⚠️ of the file</li></ul>',
  ])
  const many = Array.from({ length: 13 }, (_, index) => `${index}`)
  expect(linesOf({ warnings }, { warnings: many })[4]).toBe(
    `<ul>${many
      .slice(0, 10)
      .map((text) => `<li>⚠️ ${text}</li>`)
      .join('')}${warnings
      .slice(0, 10)
      .map(({ example }) => `<li>⚠️ 12 × ${example} (lines 1, 2 …)</li>`)
      .join('')}<li>and 5 more</li></ul>`,
  )
})

test.each([
  ['20.00', '10.00', '× 2'],
  ['19.99', '10.00', '+100 %'],
  ['25.49', '10.00', '× 2.5'],
  ['99.40', '10.00', '× 9.9'],
  ['100.00', '10.00', '× 10'],
  ['104.00', '10.00', '× 10'],
  ['12000.00', '10.00', '× 1,200'],
  ['10.00', '10.0', '±0 %'],
  ['5.00', '0.00', 'from 0.00'],
  ['5.00', '-1.50', 'from −1.50'],
  ['10.06', '10.00', '+1 %'],
  ['10.04', '10.00', '&lt; +1 %'],
  ['9.96', '10.00', '&lt; −1 %'],
  ['9.94', '10.00', '−1 %'],
  ['7.00', '10.00', '−30 %'],
  ['0.04', '10.00', '−99.6 %'],
  ['0.001', '10.00', '−99.9 %'],
  ['0.00', '10.00', '−100 %'],
  ['-3.00', '10.00', '−130 %'],
])('%s instead of %s is %s', (amount, earlier, change) => {
  const row = linesOf({ largest: [{ line: 1, installation: 'icfg_1', amount, earlier }] }).at(-3)
  expect(row?.split('<td align="right">').at(-1)).toBe(`${change}</td></tr>`)
})

test.each<[difference: string, kind: Change['kind'], bar: string]>([
  ['160.00', 'up', '█'.repeat(16)],
  ['-155.00', 'down', '░'.repeat(16)],
  ['-154.00', 'down', '░'.repeat(15)],
  ['0.01', 'up', '█'],
])('a difference of %s, where 160.00 is the largest, has a bar', (difference, kind, bar) => {
  const all = [changeOf(1, kind, { difference }), changeOf(2, 'up', { difference: '160.00' })]
  expect(linesOf({ comparison: { ...comparison, largest: all } })[14]).toMatch(new RegExp(`<td>${bar}</td></tr>$`))
})

test('changes whose amounts are the same have the shortest bar', () => {
  const all = [changeOf(1, 'up', { difference: '0.00' })]
  expect(linesOf({ comparison: { ...comparison, largest: all } })[14]).toMatch(/<b>±0 %<\/b><\/td><td>█<\/td><\/tr>$/)
})

test('the plan of a step is shown without secrets, and with the warnings that are not about records', () => {
  const secrets = new Secrets()
  secrets.add(['hunter2-token'])
  const kinds = new WarningKinds()
  kinds.add({ message: 'is hunter2-token' }, 1)
  const plan = {
    ...plain,
    warnings: kinds.list(),
    largest: [{ line: 1, installation: 'hunter2-token', amount: '1.00' }],
  }
  const warnings = [
    { message: 'of a record', file: 'b.ndjson' },
    { message: 'Not hunter2-token', path: ['memo'] },
  ]
  const failure = new Failure('invalid_payload', 'It has hunter2-token', { hint: 'Remove it' })
  const batch = { path: 'b', operation: 'submitInvoice', total: 2, reportFile: '/hunter2-token.csv' }
  const step = { name: 'submitInvoice', plan, warnings, failure, batch, sandbox: true, dryRun: true } as never
  expect(planSummary(step, plan, secrets).trimEnd().split('\n')).toEqual([
    '<h3>❌ Plan: submitInvoice</h3>',
    '<p>It has ***. Remove it</p>',
    '<p><b>3 invoices · 2 installations · total 1,241.50</b> (currencies not distinguished)</p>',
    '<p>A dry run: every record of the file was checked, and nothing was sent. 2 of the records are in this shard. The step uses the sandbox.</p>',
    '<h4>Largest</h4>',
    '<table>',
    '<tr><th align="right">Line</th><th>Installation</th><th align="right">Amount</th></tr>',
    '<tr><td align="right">1</td><td><code>***</code></td><td align="right">1.00</td></tr>',
    '</table>',
    '<h4>Warnings</h4>',
    '<ul><li>⚠️ memo Not ***</li><li>⚠️ 1 × is *** (line 1)</li></ul>',
    '<p>The digest of this batch: <code>sha256:1</code></p>',
    '<p>All records are in the report <code>/***.csv</code>.</p>',
  ])
})

test('the plan of a step has the little that is known', () => {
  expect(planSummary({}, plain, new Secrets()).trimEnd().split('\n')).toEqual([
    '<h3>📋 : nothing was sent</h3>',
    '<p><b>3 invoices · 2 installations · total 1,241.50</b> (currencies not distinguished)</p>',
    '<p>To send exactly this, set</p><pre>expect-digest: sha256:1</pre>',
  ])
})

test('the plan of a step outside the sandbox names none', () => {
  expect(planSummary({ dryRun: true }, plain, new Secrets())).not.toContain('sandbox')
})
