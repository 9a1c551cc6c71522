// Runs whole batches over a transport that responds at once.

import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type BatchInputs, runBatch } from '../../src/batch/run.ts'
import type { OperationName } from '../../src/operations/catalogue.ts'
import { answer, runTestBatch, testBatchContext, testBatchInputs } from './batch-runner.ts'
import { newFolder } from './files.ts'
import { invoice, refund } from './records.ts'
import { TestClock } from './test-clock.ts'

/** Runs a batch in a workspace. @returns its failure, and the paths of the requests */
async function run(
  workspace: string,
  name: OperationName,
  records: readonly object[],
  change: Partial<BatchInputs> & { signal?: AbortSignal; onLog?: (line: string) => void } = {},
) {
  writeFileSync(join(workspace, 'batch.ndjson'), records.map((record) => `${JSON.stringify(record)}\n`).join(''))
  const clock = new TestClock()
  const sent: string[] = []
  const { signal, onLog, ...inputChange } = change
  const limits = { maxAttempts: 1, attemptTimeoutMs: 1000, retryTimeoutMs: 60_000 }
  const send = async ({ url }: { url: URL }) => {
    if (url.pathname.endsWith('/actions') || !url.pathname.includes('/invoices/')) sent.push(url.pathname)
    const text = url.pathname.endsWith('/actions') ? '' : '{"state":"paid","total":"9.00"}'
    return { status: 200, headers: {}, text }
  }
  const { failure } = await runBatch(
    testBatchInputs(name, { limits, concurrency: 2, ...inputChange }),
    testBatchContext({ workspace, clock, send }, { ...(signal && { signal }), ...(onLog && { log: { info: onLog } }) }),
  )
  return { failure, sent }
}

test('a dry run checks everything, sends nothing and creates no journal', async () => {
  const workspace = newFolder()
  expect(await run(workspace, 'updateInvoice', [refund], { dryRun: true })).toEqual({ failure: undefined, sent: [] })
  expect(() => readFileSync(join(workspace, 'journal.ndjson'))).toThrow('ENOENT')
  const { failure } = await run(workspace, 'updateInvoice', [{ ...refund, total: 1 }], { dryRun: true })
  expect(failure?.code).toBe('invalid_payload')
})

test('a second run skips the records that succeeded and sends the added ones', async () => {
  const workspace = newFolder()
  const added = { ...refund, invoiceId: 'inv_2' }
  expect((await run(workspace, 'updateInvoice', [refund])).sent).toHaveLength(1)
  expect((await run(workspace, 'updateInvoice', [refund, added])).sent).toEqual([expect.stringContaining('inv_2')])
  expect((await run(workspace, 'updateInvoice', [refund, added])).sent).toEqual([])
})

test.each<[what: string, name: OperationName, before: object, after: object]>([
  ['body', 'updateInvoice', refund, { ...refund, total: '2.00' }],
  ['invoice', 'updateInvoice', refund, { ...refund, invoiceId: 'inv_2' }],
  ['installation', 'updateInvoice', refund, { ...refund, integrationConfigurationId: 'icfg_2' }],
  [
    'path, for a request without a body',
    'getMember',
    { integrationConfigurationId: 'icfg_1', memberId: 'one' },
    { integrationConfigurationId: 'icfg_1', memberId: 'two' },
  ],
])(
  'a record that has another %s under its id is refused, and both versions are shown',
  async (_, name, before, after) => {
    const workspace = newFolder()
    await run(workspace, name, [{ ...before, id: 'r-1' }])
    const { failure, sent } = await run(workspace, name, [{ ...after, id: 'r-1' }])
    expect(sent).toEqual([])
    expect(failure).toMatchObject({ code: 'journal_unusable' })
    const [diagnostic] = failure?.diagnostics ?? []
    const [, was, is] =
      /sent as (\{.*\}) \(line 1 then\), and is (\{.*\}) now \(line 1\)/.exec(diagnostic?.message ?? '') ?? []
    expect(JSON.parse(was ?? '')).toEqual(before)
    expect(JSON.parse(is ?? '')).toEqual(after)
  },
)

const refunds = (count: number) =>
  Array.from({ length: count }, (_, number) => ({ ...refund, integrationConfigurationId: `icfg_${number}` }))

test('a batch that is cancelled during its check sends nothing', async () => {
  const controller = new AbortController()
  setImmediate(() => controller.abort())
  const { failure, sent } = await run(newFolder(), 'updateInvoice', refunds(3000), { signal: controller.signal })
  expect(failure?.code).toBe('cancelled')
  expect(sent).toEqual([])
})

test('a batch that is cancelled after its check, while its journal is opened, sends nothing', async () => {
  const controller = new AbortController()
  const { failure, sent } = await run(newFolder(), 'updateInvoice', refunds(30), {
    signal: controller.signal,
    onLog(line) {
      // The signal arrives in the next turn of the event loop.
      if (line.includes('all checked')) setImmediate(() => controller.abort())
    },
  })
  expect(failure?.code).toBe('cancelled')
  expect(failure?.message).toContain('30 records were not started')
  expect(sent).toEqual([])
})

const events = (count: number) =>
  Array.from({ length: count }, (_, number) => ({
    integrationConfigurationId: `icfg_${number}`,
    event: { type: 'installation.updated' },
  }))

const before = events(1500)
let journalOfBefore: string | undefined

/** Makes a workspace in which a batch has sent `before`. It is run once for all tests. */
async function workspaceAfterBatch(): Promise<string> {
  const workspace = newFolder()
  const path = join(workspace, 'journal.ndjson')
  if (journalOfBefore === undefined) {
    expect((await run(workspace, 'createEvent', before, { concurrency: 50 })).sent).toHaveLength(before.length)
    journalOfBefore = readFileSync(path, 'utf8')
  }
  writeFileSync(path, journalOfBefore)
  return workspace
}

test('a batch that is cancelled while it reads its journal sends nothing', async () => {
  const workspace = await workspaceAfterBatch()
  const controller = new AbortController()
  let turns = 0
  // The journal has 3,000 lines, of which a turn reads 1,000.
  const count = () => (++turns === 2 ? controller.abort() : void setImmediate(count))
  const { failure, sent } = await run(workspace, 'createEvent', [...before, ...events(1501).slice(1500)], {
    signal: controller.signal,
    onLog(line) {
      if (line.includes('all checked')) setImmediate(count)
    },
  })
  expect(failure).toMatchObject({ code: 'cancelled', message: expect.stringContaining('while its journal was read') })
  expect(sent).toEqual([])
})

test('a batch that is cancelled while it skips the records that succeeded sends nothing', async () => {
  const workspace = await workspaceAfterBatch()
  const controller = new AbortController()
  let turns = 0
  // Aborts in the second turn after the first line was read, when the remaining record has not been reached.
  const count = () => (++turns === 3 ? controller.abort() : void setImmediate(count))
  const { failure, sent } = await run(workspace, 'createEvent', [...before, ...events(1501).slice(1500)], {
    signal: controller.signal,
    onLog(line) {
      if (line.startsWith('resuming')) setImmediate(count)
    },
  })
  expect(failure?.code).toBe('cancelled')
  expect(sent).toEqual([])
})

test('a batch file that is written after its check is not sent: its new lines are not checked', async () => {
  const workspace = newFolder()
  const { failure, sent } = await run(workspace, 'updateInvoice', [refund], {
    onLog(line) {
      if (line.includes('all checked')) {
        appendFileSync(join(workspace, 'batch.ndjson'), `${JSON.stringify({ ...refund, total: '99.00' })}\n`)
      }
    },
  })
  expect(failure).toMatchObject({ code: 'batch_changed' })
  expect(sent).toEqual([])
})

test('two equal invoices are refused before one of them is sent', async () => {
  const { failure, sent } = await run(newFolder(), 'submitInvoice', [invoice, invoice])
  expect(failure?.diagnostics.map(({ position }) => position?.line)).toEqual([2])
  expect(sent).toEqual([])
})

test('the message about a changed record does not show its token', async () => {
  const workspace = newFolder()
  await run(workspace, 'updateInvoice', [{ ...refund, id: 'r-1' }])
  const reason = 'see installation-token'
  const { failure } = await run(workspace, 'updateInvoice', [{ ...refund, id: 'r-1', reason }])
  expect(failure?.diagnostics[0]?.message).toContain('"reason":"see ***"')
  expect(JSON.stringify(failure?.diagnostics)).not.toContain('installation-token')
})

test('a batch warns of invoices whose key was submitted before, because their content may differ', async () => {
  const records = ['a', 'b'].map((externalId) => ({
    ...invoice,
    externalId,
    integrationConfigurationId: `icfg_${externalId}`,
  }))
  const body = { error: { code: 'conflict', message: 'An invoice with this externalId already exists' } }
  const { failure, warnings, report } = await runTestBatch({
    workspace: newFolder(),
    name: 'submitInvoice',
    records,
    respond: () => answer(409, body),
    inputs: { onDuplicate: 'succeed' },
  })
  expect(failure).toBeUndefined()
  expect(report?.ledger?.alreadyThere).toBe(2)
  expect(warnings.map(({ message }) => message)).toEqual([
    '2 records (lines 1, 2): An invoice with this externalId exists, and Vercel does not return its content: if this payload has changed since it was submitted, compare the two',
  ])
})

test('a batch warns of an invoice that was accepted without an id', async () => {
  const { warnings } = await runTestBatch({
    workspace: newFolder(),
    name: 'submitInvoice',
    records: [invoice],
    respond: () => answer(200, { ok: true }),
  })
  const [{ message } = { message: '' }] = warnings
  expect(message).toContain('line 1: ')
  expect(message).toContain('Do not send the request again: look for the invoice at Vercel')
})
