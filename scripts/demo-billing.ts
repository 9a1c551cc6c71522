// A month of billing in the sandbox, with 2,000 customers by default: a plan that finds an absurd amount, the corrected plan, a run that
// is killed halfway and resumed, and the state of the invoices. At the end it counts the invoices of each installation.
// `npm run demo:billing -- --customers 500`

import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { stateFile } from '../src/sandbox/transport.ts'
import { folder, printNext, printStep, printSummary, printTitle, runStep } from './demo-step.ts'

const { values } = parseArgs({ options: { customers: { type: 'string', default: '2000' } } })
const installationCount = Number(values.customers)
/** The size of the journal, in bytes, at which the first run is killed: about half of the records. */
const killAtBytes = 200 * installationCount
const journal = join(folder, 'invoices.journal.ndjson')

const month = (offset: number) => {
  const now = new Date()
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + offset, 1)).toISOString()
}
const [start, end] = [month(-1), month(0)]
const names = Array.from({ length: installationCount }, (_, index) => `icfg_demo${String(index + 1).padStart(4, '0')}`)

const invoiceOf = (integrationConfigurationId: string, total: string) => {
  const item = { billingPlanId: 'pro', name: 'Pro plan', price: total, quantity: 1, units: 'month', total }
  return { integrationConfigurationId, invoiceDate: end, period: { start, end }, items: [item] }
}
const amountAt = (index: number) => `${(index % 90) + 10}.00`

/** Writes the batch. @param mistake  the amount of one invoice, if it is not right */
function writeBatch(mistake?: string): void {
  const records = names.map((name, index) =>
    invoiceOf(name, index === Math.floor(installationCount / 2) && mistake !== undefined ? mistake : amountAt(index)),
  )
  writeFileSync(join(folder, 'invoices.ndjson'), records.map((record) => `${JSON.stringify(record)}\n`).join(''))
}

/** The number of invoices of each installation, from the sandbox's state file. */
function countInvoices(): Map<string, number> {
  const counts = new Map<string, number>()
  for (const line of readFileSync(join(folder, stateFile), 'utf8').split('\n')) {
    for (const [bucket] of line === '' ? [] : (JSON.parse(line) as [bucket: string][])) {
      const [kind, installation = ''] = bucket.split('/')
      if (kind === 'invoice') counts.set(installation, (counts.get(installation) ?? 0) + 1)
    }
  }
  return counts
}

writeFileSync(join(folder, 'tokens.json'), JSON.stringify(Object.fromEntries(names.map((name) => [name, `t-${name}`]))))
const batch = { operation: 'submitInvoice', 'batch-file': 'invoices.ndjson', 'tokens-file': 'tokens.json' }
const limits = { 'max-amount': '500', 'max-total': String(75 * installationCount) }

printTitle('Plan: a limit finds the invoice that somebody got wrong')
// More than all others together, however few customers there are.
writeBatch('120000.00')
const refused = await runStep({ ...batch, ...limits, 'dry-run': 'true' })
if (refused.isSuccess) throw new Error('The limit was not applied')
printStep('refused', 'submitInvoice, dry-run', 'max-amount 500')
printSummary(refused.summary, 6)

printTitle('Plan again, corrected')
writeBatch()
const plan = await runStep({ ...batch, ...limits, 'dry-run': 'true' })
const { digest = '', amount } = plan.outputs
printStep('done', 'submitInvoice, dry-run', `${amount} in total, to be approved`)
printSummary(plan.summary, 10)

printTitle('Send what was planned; the process is killed halfway')
const send = {
  ...batch,
  ...limits,
  'expect-digest': digest,
  'journal-file': journal,
  'report-file': 'invoices.csv',
}
const first = await runStep(send, { isKilled: () => existsSync(journal) && statSync(journal).size >= killAtBytes })
const billed = `${countInvoices().size} of ${installationCount} are billed`
if (first.isSuccess) printStep('done', 'submitInvoice, faster than the kill', billed)
else printStep('killed', 'submitInvoice, kill -9', billed)
const resumed = await runStep(send)
const { succeeded, skipped, status } = resumed.outputs
printStep('done', 'submitInvoice, same journal', `${status}: ${skipped} skipped, ${succeeded} sent`)
printSummary(resumed.summary)

const counts = countInvoices()
const once = names.filter((name) => counts.get(name) === 1).length
printStep('done', 'Counted at the sandbox', `${once} of ${installationCount} installations are billed exactly once`)
if (once !== installationCount || counts.size !== installationCount) process.exitCode = 1

printTitle('The report, a row per invoice')
const [head = '', ...rows] = readFileSync(join(folder, 'invoices.csv'), 'utf8').split('\r\n')
for (const row of [head, ...rows.slice(0, 3)]) console.log(`   ${row.slice(0, 110)}`)

printTitle('The state of the invoices')
const tracking = { operation: 'trackInvoices', 'journal-file': journal, 'tokens-file': 'tokens.json' }
for (let reads = 0; reads < 3; reads++) {
  const { outputs, summary } = await runStep(tracking)
  printStep('done', 'trackInvoices', `${outputs.status}: ${outputs.paid} of ${outputs.total} are paid`)
  if (reads === 2) printSummary(summary)
}

printNext([
  ['docs/plan.md', 'limits, digests and approval'],
  ['docs/batches.md', 'the journal, shards, tokens'],
  ['docs/follow-up.md', 'which invoices are paid'],
  ['examples/postgres/', 'all of it from a database'],
])
