// Runs whole batches over a transport that responds at once.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type BatchInputs, runBatch } from '../../src/batch/run.ts'
import { findOperation, type Operation, type OperationName } from '../../src/operations/catalogue.ts'
import { newFolder } from './files.ts'
import { refund } from './records.ts'
import { TestClock } from './test-clock.ts'

/** Runs a batch in a workspace. @returns its failure, and the paths of the requests */
async function run(
  workspace: string,
  name: OperationName,
  records: readonly object[],
  change: Partial<BatchInputs> = {},
) {
  writeFileSync(join(workspace, 'batch.ndjson'), records.map((record) => `${JSON.stringify(record)}\n`).join(''))
  const clock = new TestClock()
  const sent: string[] = []
  const neverAborted = new AbortController().signal
  const inputs: BatchInputs = {
    operation: findOperation(name) as Operation,
    path: 'batch.ndjson',
    token: 'installation-token',
    tokens: undefined,
    tokensFile: undefined,
    externalId: 'auto',
    onDuplicate: 'fail',
    onGone: 'fail',
    limits: { maxAttempts: 1, attemptTimeoutMs: 1000, retryTimeoutMs: 60_000 },
    concurrency: 2,
    shard: { index: 1, count: 1 },
    journalFile: 'journal.ndjson',
    maxFailures: undefined,
    newTokensFile: undefined,
    revokesPrevious: false,
    dryRun: false,
    failsOnWarning: false,
    api: 'api.vercel.com',
    ...change,
  }
  const transport = {
    send: async ({ url }: { url: URL }) => {
      if (url.pathname.endsWith('/actions') || !url.pathname.includes('/invoices/')) sent.push(url.pathname)
      const text = url.pathname.endsWith('/actions') ? '' : '{"state":"paid","total":"9.00"}'
      return { status: 200, headers: {}, text }
    },
    close() {},
  }
  const context = {
    extraSecrets: [],
    env: {},
    workspace,
    clock,
    random: () => 0.5,
    signal: neverAborted,
    abort: neverAborted,
    log: { info() {} },
    debug: undefined,
    warn() {},
    open: async () => ({ baseUrl: 'https://api.vercel.com', transport }),
  }
  const { failure } = await runBatch(inputs, context)
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
