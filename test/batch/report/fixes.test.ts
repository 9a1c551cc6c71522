// What the job summary, the log and the outputs of a batch say about causes and their fixes, as a user reads them.

import { readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { TokensFile } from '../../../src/credentials/tokens-file.ts'
import { answer, runTestBatch } from '../batch-runner.ts'
import { newFolder } from '../files.ts'
import { batchScene, billOf, linesOf } from '../plan/batch-step.ts'
import { readCsv } from './csv.ts'

const journal = { 'journal-file': 'journal.ndjson' }
const bills = (count: number) => Array.from({ length: count }, (_, index) => billOf(`icfg_${index + 1}`, '1.00'))

describe('the job summary has the whole fix', () => {
  test('of a journal that cannot be used', async () => {
    const scene = await batchScene()
    await scene.run(bills(2), journal)
    const path = join(scene.folder, 'journal.ndjson')
    writeFileSync(path, readFileSync(path, 'utf8').replace('"line":1', '"line":7'))
    const { outputs } = await scene.run(bills(2), journal)
    expect(outputs.errorCode).toBe('journal_unusable')
    const [, fix] = /(Restore .*)$/.exec(outputs.errorMessage ?? '') ?? []
    expect(fix).toContain('intact copy')
    expect(scene.summary()).toContain(fix?.replaceAll('`', ''))
  })

  test('of records that have changed since they were sent', async () => {
    const scene = await batchScene()
    await scene.run([billOf('icfg_1', '1.00', { id: 'a' })], journal)
    await scene.run([billOf('icfg_1', '2.00', { id: 'a' })], journal)
    expect(scene.summary()).toMatch(
      /Records of the journal have changed.*the record "a" has changed.*give the new record/,
    )
  })

  test('of a file of new tokens that another run uses', async () => {
    const scene = await batchScene()
    const file = await TokensFile.open(scene.folder, 'new.json')
    const rotation = { integrationConfigurationId: 'icfg_1', clientId: 'a', clientSecret: 'b-secret' }
    const inputs = { ...journal, operation: 'rotateInstallationCredential', 'new-tokens-file': 'new.json' }
    const { outputs } = await scene.run([rotation], inputs)
    file.close()
    expect(outputs.errorCode).toBe('file_in_use')
    expect(scene.server.arrivals).toEqual([])
    expect(scene.summary()).toContain('Wait until that run has ended, or give each run its own file')
  })

  test('of a guard', async () => {
    const scene = await batchScene()
    await scene.run(bills(1), { ...journal, 'max-amount': '0.50' })
    expect(scene.summary()).toContain('Correct the amounts, or raise max-amount.')
  })

  test('of a payment that Vercel requires, and of a deleted installation', async () => {
    const scene = await batchScene()
    scene.server.faults = ({ path }) => ({ type: 'answer', status: path.includes('icfg_1/') ? 402 : 410, body: {} })
    const { outputs } = await scene.run(bills(2), journal)
    expect(scene.summary()).toMatch(/402.*settle the payment with the customer/)
    expect(scene.summary()).toMatch(/remove it from your list, or in a batch that sends requests set on-gone: skip/)
    expect(outputs.errorMessage).toMatch(
      /1 of them is of an installation .* \(410\): set `on-gone: skip`\. Run it again/,
    )
  })
})

test("Vercel's sentence is shown as it is, if all records have the same", async () => {
  const scene = await batchScene()
  const message = 'Period "2026-10" was closed on 2026-11-05; the limit of 5,000.00 USD is reached'
  scene.server.faults = () => ({ type: 'answer', status: 403, body: { error: { code: 'forbidden', message } } })
  const { outputs, errors } = await scene.run(bills(3), journal)
  for (const text of [outputs.errorMessage, errors.join(), scene.summary()]) expect(text).toContain(message)
})

describe('records that no longer exist', () => {
  test('are called gone when the batch is resumed, with their lines, and so in the result', async () => {
    const scene = await batchScene()
    scene.server.faults = ({ path }) =>
      /icfg_[24]\//.test(path) ? { type: 'answer', status: 410, body: {} } : undefined
    const skip = { ...journal, 'on-gone': 'skip' }
    await scene.run(bills(5), skip)
    const { outputs, lines } = await scene.run(bills(5), skip)
    expect(lines.at(-1)).toContain('0 of 5 records succeeded, 3 were done before, 2 no longer exist')
    expect(JSON.parse(outputs.result ?? '')).toEqual({ total: 5, succeeded: 0, failed: 0, skipped: 5, gone: 2 })
    const summary = scene.summary()
    expect(summary).toContain('deleted the installation or resource of 2 records (lines 2, 4), which are skipped.')
    expect(summary).toContain('This run: 0 succeeded, 3 were done before.')
  })
})

test('a failed refund has its invoice in the report', async () => {
  const scene = await batchScene()
  const refund = {
    integrationConfigurationId: 'icfg_1',
    invoiceId: 'inv_none',
    action: 'refund',
    reason: 'x',
    total: '1.00',
  }
  await scene.run([refund], { ...journal, operation: 'updateInvoice', 'report-file': 'report.csv' })
  const [row] = readCsv(readFileSync(join(scene.folder, 'report.csv'), 'utf8'))
  expect(row).toMatchObject({ status: 'failed', invoiceId: 'inv_none' })
})

test('a batch file that changes says how many records were not started, and how to continue', async () => {
  const workspace = newFolder()
  const records = bills(3)
  const { failure } = await runTestBatch({
    workspace,
    name: 'submitInvoice',
    records,
    respond() {
      truncateSync(join(workspace, 'batch.ndjson'), linesOf(records.slice(0, 1)).length)
      return answer(200, { invoiceId: 'inv_1' })
    },
    inputs: { concurrency: 1 },
  })
  expect(failure?.code).toBe('batch_changed')
  expect(failure?.message).toMatch(
    /^The batch file was changed while it was read, .*; \d records? (was|were) not started\. Restore the file .* Run it again with the same batch file and journal: it resumes/,
  )
})
