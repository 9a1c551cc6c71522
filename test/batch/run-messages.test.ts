// What a batch logs and warns of, and what its result has.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type BatchInputs, runBatch } from '../../src/batch/run.ts'
import type { OperationName } from '../../src/operations/catalogue.ts'
import { ImmediateClock, journalOf, testBatchContext, testBatchInputs } from './batch-runner.ts'
import { countOpenFiles, newFolder } from './files.ts'
import { linesOf } from './plan/batch-step.ts'
import { invoice } from './records.ts'

/** A clock that has run before. */
class RunningClock extends ImmediateClock {
  override readonly monotonic = () => 5000
}

/** Runs a batch. Installations whose id contains `gone` are deleted. */
async function run(
  workspace: string,
  records: readonly object[],
  change: Partial<BatchInputs> & { name?: OperationName } = {},
) {
  writeFileSync(join(workspace, 'batch.ndjson'), linesOf(records))
  const log: string[] = []
  const { name = 'submitInvoice', ...inputs } = change
  const send = async ({ url }: { url: URL }) => {
    const isGone = url.pathname.includes('gone')
    return {
      status: isGone ? 410 : 200,
      headers: { 'content-type': 'application/json' },
      text: isGone ? '{}' : '{"invoiceId":"inv_1"}',
    }
  }
  const result = await runBatch(
    testBatchInputs(name, { onGone: 'skip', ...inputs }),
    testBatchContext(
      { workspace, clock: new RunningClock(), send },
      { env: { RUNNER_TEMP: workspace }, log: { info: (line) => void log.push(line) } },
    ),
  )
  return { ...result, log }
}

const bills = (...installations: readonly string[]) =>
  installations.map((id) => ({ ...invoice, integrationConfigurationId: id }))

test('a first run says what it has checked, and nothing about a plan or another run', async () => {
  const { log, report, warnings, failure } = await run(newFolder(), bills('icfg_1', 'icfg_2'))
  expect(failure).toBeUndefined()
  expect(log[0]).toBe('batch.ndjson: 2 records, all checked')
  expect(log.filter((line) => /^(plan|digest|resuming)/.test(line))).toEqual([])
  expect(warnings).toEqual([])
  expect(report).toMatchObject({ total: 2, skipped: 0, ms: 0 })
  expect(report).not.toHaveProperty('reportFile')
})

test('a shard is named', async () => {
  const { log } = await run(newFolder(), bills('icfg_1'), { shard: { index: 1, count: 2 } })
  expect(log[0]).toBe('batch.ndjson: 0 records in shard 1/2, all checked')
})

test.each([
  [['icfg_1'], '1 succeeded before and is skipped'],
  [['icfg_1', 'icfg_2'], '2 succeeded before and are skipped'],
  [['icfg_1', 'icfg_gone'], '1 succeeded before and is skipped, 1 no longer exists'],
  [['gone_1', 'gone_2'], '0 succeeded before and are skipped, 2 no longer exist'],
])('a resumed run of %j says what is skipped', async (installations, skipped) => {
  const workspace = newFolder()
  await run(workspace, bills(...installations))
  const { log } = await run(workspace, bills(...installations))
  expect(log[1]).toBe(`resuming ${journalOf(workspace)}: ${skipped}`)
})

test('a dry run logs its plan and digest, with a use for it unless a guard is broken, and reads no journal', async () => {
  const workspace = newFolder()
  writeFileSync(journalOf(workspace), 'not a journal\n')
  const plan = await run(workspace, bills('icfg_1'), { dryRun: true })
  expect(plan.log).toEqual([
    'batch.ndjson: 1 record, all checked',
    'plan: 1 invoice, 1 installation, total 3.00 (currencies not distinguished)',
    `digest ${plan.plan?.digest}: to send exactly this, set expect-digest`,
  ])
  expect(plan.failure).toBeUndefined()
  expect(plan.report).not.toHaveProperty('reportFile')
  const refused = await run(workspace, bills('icfg_1'), { dryRun: true, maxTotal: '0.50' })
  expect(refused.log.at(-1)).toBe(`digest ${refused.plan?.digest}`)
  expect(refused.failure?.code).toBe('total_exceeded')
})

test('a plan has the warnings of the file as a whole', async () => {
  const { plan } = await run(newFolder(), [...bills('icfg_1'), { ...invoice, memo: 'another one' }], { dryRun: true })
  expect(plan?.warnings).toEqual([
    {
      example:
        '1 item has the same resource, plan and period as an item of an earlier invoice of the installation, and Vercel bills these once: items[0] of line 2 (as in line 1). Remove it, or correct its period',
      count: 1,
      lines: [2],
    },
  ])
})

test('a batch that fails says that its journal is deleted with the job, unless the step names a journal', async () => {
  const failureOf = async (change: Partial<BatchInputs>) =>
    (await run(newFolder(), bills('icfg_1', 'icfg_gone'), { onGone: 'fail', ...change })).failure?.text
  const failed =
    '1 of 2 submitInvoice records failed. It is of an installation or resource that Vercel has deleted (410): set `on-gone: skip`. Run it again'
  const resumes = 'it resumes where it stopped, and sends nothing twice'
  expect(await failureOf({})).toBe(`${failed} with the same batch file and journal: ${resumes}`)
  expect(await failureOf({ journalFile: undefined })).toBe(
    `${failed} in this job: ${resumes}. The journal is deleted with the job: to resume in a later one, set \`journal-file\` and keep the file as an artifact. Without the journal, run the batch again with \`on-duplicate: succeed\`: the externalId keeps invoices from being billed twice`,
  )
})

test('a file that is refused has no warnings, and no file stays open', async () => {
  const before = process.platform === 'linux' ? countOpenFiles() : 0
  const { log: _, failure, ...result } = await run(newFolder(), [{ integrationConfigurationId: 'icfg_1' }])
  expect(failure?.code).toBe('invalid_payload')
  expect(result).toEqual({ warnings: [] })
  await run(newFolder(), bills('icfg_1'))
  if (process.platform === 'linux') expect(countOpenFiles()).toBe(before)
})
