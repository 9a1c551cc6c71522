// Calls main() in process against the sandbox over HTTP, and checks outputs, exit code, log, annotations and summary.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { findCutVariables } from '../src/cut-variables.ts'
import type { TakeLock } from '../src/file-lock.ts'
import { main } from '../src/main.ts'
import { type Clock, type Runtime, systemClock } from '../src/runtime.ts'
import { type SandboxServer, type ServerOptions, startSandboxServer } from '../src/sandbox/server.ts'
import { testRuntime } from './test-runner.ts'

const token = 'vct-installation-token-4f1c'

const clock: Clock = { ...systemClock, now: () => new Date('2025-03-31T12:00:00Z') }

const invoiceOf = (installation: string) => ({
  integrationConfigurationId: installation,
  invoiceDate: '2025-03-31T00:00:00Z',
  period: { start: '2025-03-01T00:00:00Z', end: '2025-04-01T00:00:00Z' },
  items: [{ billingPlanId: 'pro', name: 'Storage', price: '1.50', quantity: 2, units: 'GB', total: '3.00' }],
})

async function startServer(options: ServerOptions = {}): Promise<SandboxServer> {
  const server = await startSandboxServer(options)
  onTestFinished(server.close)
  return server
}

function newWorkspace(files: Readonly<Record<string, string>> = {}): string {
  const workspace = mkdtempSync(join(tmpdir(), 'main-'))
  onTestFinished(() => rmSync(workspace, { recursive: true, force: true }))
  for (const [path, content] of Object.entries(files)) writeFileSync(join(workspace, path), content)
  return workspace
}

interface StepOptions extends Partial<Pick<Runtime, 'signal' | 'takeLock' | 'cutProblem'>> {
  readonly workspace?: string
  /** Variables of the step besides those of the runner. */
  readonly variables?: Runtime['env']
}

/** Runs a step. @returns its exit code, and what it gave the runner */
async function runStep(
  inputs: Readonly<Record<string, string>>,
  { workspace = newWorkspace(), variables, ...given }: StepOptions = {},
) {
  const summaryFile = join(newWorkspace(), 'summary')
  const env = { ...variables, GITHUB_WORKSPACE: workspace, GITHUB_STEP_SUMMARY: summaryFile, RUNNER_TEMP: workspace }
  writeFileSync(summaryFile, '')
  const runtime = testRuntime(inputs, { env, clock, ...given })
  const code = await main(runtime)
  const { outputs, masks, lines, debugLines, errors, warnings } = runtime.runner
  const summary = readFileSync(summaryFile, 'utf8')
  const visible = [...lines, ...debugLines, ...errors, ...warnings, summary, JSON.stringify(outputs)].join('\n')
  return { code, outputs, masks, lines, errors, warnings, summary, visible }
}

const ndjson = (records: readonly object[]) => records.map((record) => `${JSON.stringify(record)}\n`).join('')

describe('one invoice', () => {
  test('is sent, and its result is set, logged and summarised', async () => {
    const server = await startServer()
    const payload = JSON.stringify(invoiceOf('icfg_1'))
    const step = await runStep({ operation: 'submitInvoice', payload, token, 'api-url': server.url })
    expect(step.code).toBe(0)
    expect(step.errors).toEqual([])
    expect(step.outputs).toEqual({
      operation: 'submitInvoice',
      status: 'accepted',
      amount: expect.stringMatching(/^3(\.00)?$/),
      digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
      result: expect.stringContaining('invoiceId'),
      httpStatus: '200',
      requestId: expect.any(String),
      attempts: '1',
      invoiceId: expect.any(String),
      externalId: expect.stringMatching(/^auto-[0-9a-f]{32}$/),
    })
    expect(step.lines).toEqual([
      `externalId ${step.outputs.externalId}, derived from the invoice's content`,
      expect.stringMatching(/^> POST http:\/\/127\.0\.0\.1:\d+\/v1\/installations\/icfg_1\/billing\/invoices$/),
      expect.stringMatching(/^< 200 in .*, request /),
      `submitInvoice: accepted, invoice ${step.outputs.invoiceId}`,
    ])
    expect(step.summary).toContain('submitInvoice: accepted')
    expect(server.arrivals.map(({ headers }) => headers.authorization)).toEqual([`Bearer ${token}`])
    expect(step.masks).toContain(token)
    expect(step.visible).not.toContain(token)
  })

  test('fails without showing the token, although the response repeats it', async () => {
    const body = { error: { code: 'forbidden', message: `The token ${token} is not valid` } }
    const server = await startServer({ faults: () => ({ type: 'answer', status: 403, body }) })
    const payload = JSON.stringify(invoiceOf('icfg_1'))
    const step = await runStep({ operation: 'submitInvoice', payload, token, 'api-url': server.url })
    expect(step.code).toBe(1)
    expect(step.outputs).toMatchObject({ status: 'failed', httpStatus: '403', errorCode: 'forbidden' })
    expect(step.errors).toEqual([expect.stringContaining('The token *** is not valid')])
    expect(step.visible).not.toContain(token)
  })

  test('of which Windows passes on a part is not sent, although the part is an invoice too', async () => {
    const server = await startServer()
    const { items, ...invoice } = invoiceOf('icfg_1')
    const lines = Object.entries(invoice).map(([name, value]) => `${name}: ${JSON.stringify(value)}\n`)
    const item = `  - ${JSON.stringify(items[0])}\n`
    const part = `${lines.join('')}items:\n${item}`
    const inputs = { operation: 'submitInvoice', token, 'api-url': server.url }
    expect((await runStep({ ...inputs, payload: part })).code).toBe(0)
    const cutProblem = findCutVariables(() => ({ INPUT_PAYLOAD: `${part}${item.repeat(300)}` }))
    const step = await runStep({ ...inputs, payload: part }, { cutProblem })
    expect(step.errors).toEqual([
      expect.stringContaining('the payload arrived in part: Windows passes on at most 32,767'),
    ])
    expect(step.outputs).toMatchObject({ status: 'failed', errorCode: 'invalid_payload' })
    expect(server.arrivals).toHaveLength(1)
  })

  test('is only checked in a dry run', async () => {
    const server = await startServer()
    const payload = JSON.stringify(invoiceOf('icfg_1'))
    const step = await runStep({ operation: 'submitInvoice', payload, token, 'api-url': server.url, 'dry-run': 'true' })
    expect(step.code).toBe(0)
    expect(step.outputs).toMatchObject({ operation: 'submitInvoice', status: 'validated', result: 'null' })
    expect(step.lines.join('\n')).toContain(
      `POST ${server.url}/v1/installations/icfg_1/billing/invoices would be sent with {`,
    )
    expect(step.summary).toContain('validated')
    expect(server.arrivals).toEqual([])
    expect(step.visible).not.toContain(token)
  })

  test('is refused with all problems of the inputs, and nothing is sent', async () => {
    const server = await startServer()
    const step = await runStep({
      operation: 'submitInvoice',
      payload: JSON.stringify(invoiceOf('icfg_1')),
      token: `Bearer ${token}`,
      concurrency: '2',
      'max-attempts': 'many',
      'api-url': server.url,
    })
    expect(step.code).toBe(1)
    expect(step.errors).toEqual([
      'Input `concurrency` is not used by submitInvoice: it goes with `batch-file`',
      'Input `token` contains a space. Pass the token alone, without "Bearer "',
      'Input `max-attempts` must be a positive whole number',
    ])
    expect(step.outputs).toEqual({
      operation: 'submitInvoice',
      status: 'failed',
      result: 'null',
      errorCode: 'invalid_input',
      errorMessage: step.errors.join('\n'),
    })
    expect(server.arrivals).toEqual([])
    expect(step.visible).not.toContain(token)
  })

  test('is not retried after the step is cancelled', async () => {
    const cancelled = new AbortController()
    const server = await startServer({
      faults() {
        cancelled.abort()
        return { type: 'answer', status: 503 }
      },
    })
    const payload = JSON.stringify(invoiceOf('icfg_1'))
    const inputs = { operation: 'submitInvoice', payload, token, 'api-url': server.url }
    const step = await runStep(inputs, { signal: cancelled.signal })
    expect(step.code).toBe(1)
    expect(step.outputs).toMatchObject({ status: 'failed', attempts: '1' })
    expect(step.errors).toEqual([expect.stringContaining('The step was cancelled')])
    expect(server.arrivals).toHaveLength(1)
    expect(step.visible).not.toContain(token)
  })
})

describe('a batch of three records', () => {
  const tokens = { icfg_1: 'token-of-icfg-1', icfg_2: 'token-of-icfg-2', icfg_3: 'token-of-icfg-3' }
  const records = Object.keys(tokens).map(invoiceOf)
  const inputs = { operation: 'submitInvoice', 'batch-file': 'b.ndjson', tokens: JSON.stringify(tokens) }
  const expectNoTokens = (text: string) => {
    for (const secret of Object.values(tokens)) expect(text).not.toContain(secret)
  }

  test('locks its journal and its file of new tokens with the lock that it is handed', async () => {
    const rotations = Object.keys(tokens).map((integrationConfigurationId) => ({
      integrationConfigurationId,
      clientSecret: 'client-secret-1',
    }))
    const workspace = newWorkspace({ 'b.ndjson': ndjson(rotations) })
    const locked: string[] = []
    const takeLock: TakeLock = async (_, path) => {
      locked.push(basename(path))
      return { release() {} }
    }
    const operation = 'rotateInstallationCredential'
    const given = { ...inputs, operation, 'journal-file': 'j.ndjson', 'new-tokens-file': 'new.json' }
    const step = await runStep({ ...given, 'api-url': 'sandbox' }, { workspace, takeLock })
    expect(step.errors).toEqual([])
    expect(locked).toEqual(['j.ndjson', 'new.json.lock'])
  })

  test.each([
    ['the list of tokens', { tokens: '{"icfg_1": "to' }, /^Input `tokens` arrived in part/],
    [
      'the token of a record',
      { tokens: JSON.stringify(tokens) },
      /^token refers to .*"TOKEN", which arrived in part.*line 1/,
    ],
  ])('is not sent if Windows passes on a part of %s', async (_, given, message) => {
    const server = await startServer()
    const workspace = newWorkspace({ 'b.ndjson': ndjson([{ ...records[0], token: { $env: 'TOKEN' } }]) })
    const cutProblem = findCutVariables(() => ({ INPUT_TOKENS: JSON.stringify(tokens), TOKEN: 'token-of-one' }))
    const step = await runStep(
      { ...inputs, ...given, 'api-url': server.url },
      { workspace, cutProblem, variables: { TOKEN: 'tok' } },
    )
    expect(step.errors).toEqual([expect.stringMatching(message)])
    expect(server.arrivals).toEqual([])
  })

  test('is sent, each record with its own token, and a second run skips them', async () => {
    const server = await startServer()
    const workspace = newWorkspace({ 'b.ndjson': ndjson(records) })
    const step = await runStep({ ...inputs, 'api-url': server.url }, { workspace })
    expect(step.code).toBe(0)
    expect(step.outputs).toEqual({
      operation: 'submitInvoice',
      status: 'succeeded',
      amount: '9.00',
      digest: expect.stringMatching(/^sha256:/),
      total: '3',
      succeeded: '3',
      failed: '0',
      skipped: '0',
      journalFile: expect.stringContaining(workspace),
      result: '{"total":3,"succeeded":3,"failed":0,"skipped":0}',
    })
    expect(step.lines).toEqual(['b.ndjson: 3 records, all checked', 'submitInvoice: 3 of 3 records succeeded'])
    expect(server.arrivals.map(({ headers }) => headers.authorization).sort()).toEqual(
      Object.values(tokens).map((token) => `Bearer ${token}`),
    )
    expectNoTokens(step.visible + readFileSync(step.outputs.journalFile ?? '', 'utf8'))

    const second = await runStep({ ...inputs, 'api-url': server.url }, { workspace })
    expect(second.code).toBe(0)
    expect(second.outputs).toMatchObject({ status: 'succeeded', total: '3', succeeded: '0', skipped: '3' })
    expect(second.lines[1]).toBe(`resuming ${step.outputs.journalFile}: 3 succeeded before and are skipped`)
    expect(server.arrivals).toHaveLength(3)
  })

  test('that were all submitted before says so, and succeeds with on-duplicate: succeed', async () => {
    const server = await startServer()
    const workspace = newWorkspace({ 'b.ndjson': ndjson(records) })
    const run = (change: Readonly<Record<string, string>>) =>
      runStep({ ...inputs, 'api-url': server.url, ...change }, { workspace })
    await run({ 'journal-file': 'first.ndjson' })
    const step = await run({ 'journal-file': 'second.ndjson' })
    expect(step.code).toBe(1)
    expect(step.outputs).toMatchObject({ status: 'failed', failed: '3', errorCode: 'batch_failed' })
    expect(step.errors[0]).toBe('All 3 were already submitted (409). Set on-duplicate: succeed')
    const third = await run({ 'journal-file': 'second.ndjson', 'on-duplicate': 'succeed' })
    expect(third).toMatchObject({ code: 0, outputs: { status: 'succeeded', succeeded: '3' } })
  })

  test('reports the failed record with its line', async () => {
    const server = await startServer({
      faults: ({ path }) =>
        path.includes('icfg_2')
          ? { type: 'answer', status: 403, body: { error: { code: 'forbidden', message: tokens.icfg_2 } } }
          : undefined,
    })
    const workspace = newWorkspace({ 'b.ndjson': ndjson(records) })
    const step = await runStep({ ...inputs, 'api-url': server.url }, { workspace })
    expect(step.code).toBe(1)
    expect(step.outputs).toMatchObject({ status: 'partial', succeeded: '2', failed: '1', errorCode: 'batch_failed' })
    expect(step.errors).toEqual([
      expect.stringContaining('1 of 3 submitInvoice records failed. Run it again in this job'),
      expect.stringMatching(/^icfg_2: .*403 forbidden: \*\*\*.*\(b\.ndjson, line 2, column 1\)$/),
    ])
    expectNoTokens(step.visible + readFileSync(step.outputs.journalFile ?? '', 'utf8'))
  })

  test('is refused if it is a JSON array, and nothing is sent', async () => {
    const server = await startServer()
    const workspace = newWorkspace({ 'b.json': JSON.stringify(records) })
    const step = await runStep({ ...inputs, 'batch-file': 'b.json', 'api-url': server.url }, { workspace })
    expect(step.code).toBe(1)
    expect(step.errors).toEqual([
      "b.json looks like a JSON array; batch-file takes NDJSON (one JSON object per line). Convert it with: jq -c '.[]' b.json (b.json, line 1, column 1)",
    ])
    expect(server.arrivals).toEqual([])
  })

  test('starts no further record after a cancellation', async () => {
    const cancelled = new AbortController()
    const server = await startServer({
      faults() {
        cancelled.abort()
        return undefined
      },
    })
    const workspace = newWorkspace({ 'b.ndjson': ndjson(records) })
    const options = { workspace, signal: cancelled.signal }
    const step = await runStep({ ...inputs, concurrency: '1', 'api-url': server.url }, options)
    expect(step.code).toBe(1)
    expect(step.outputs).toMatchObject({ status: 'partial', total: '3', succeeded: '1', errorCode: 'cancelled' })
    expect(step.errors).toEqual([
      expect.stringMatching(
        /^The batch was cancelled; 2 records were not started\. Run it again in this job: it resumes/,
      ),
    ])
    expect(server.arrivals).toHaveLength(1)
  })

  test('in two shards is merged from their journals', async () => {
    const server = await startServer()
    const workspace = newWorkspace({ 'b.ndjson': ndjson(records) })
    const runShard = (shard: string, journal: string) =>
      runStep({ ...inputs, shard, 'journal-file': journal, 'api-url': server.url }, { workspace })
    const first = await runShard('1/2', 'journal-1.ndjson')
    const missing = await runStep({ operation: 'mergeJournals', 'journal-file': 'journal-*.ndjson' }, { workspace })
    expect(missing.code).toBe(1)
    expect(missing.outputs).toMatchObject({
      operation: 'mergeJournals',
      status: 'failed',
      errorCode: 'journal_unusable',
    })
    expect(missing.errors).toEqual([expect.stringContaining('The journal of shard 2/2 is missing')])

    const second = await runShard('2/2', 'journal-2.ndjson')
    expect(Number(first.outputs.total) + Number(second.outputs.total)).toBe(3)
    const merged = await runStep({ operation: 'mergeJournals', 'journal-file': 'journal-*.ndjson' }, { workspace })
    expect(merged.code).toBe(0)
    expect(merged.outputs).toEqual({
      operation: 'mergeJournals',
      status: 'succeeded',
      amount: '9.00',
      total: '3',
      succeeded: '3',
      failed: '0',
      skipped: '0',
      result: '{"total":3,"succeeded":3,"failed":0,"skipped":0}',
    })
    expect(merged.lines).toEqual(['mergeJournals: 3 of 3 records succeeded'])
    expectNoTokens(merged.visible)
  })

  test('says so if it ran in the sandbox, also in the merged summary, with the amount in both', async () => {
    const workspace = newWorkspace({ 'b.ndjson': ndjson(records) })
    const batch = await runStep({ ...inputs, 'api-url': 'sandbox', 'journal-file': 'j.ndjson' }, { workspace })
    const merged = await runStep({ operation: 'mergeJournals', 'journal-file': 'j.ndjson' }, { workspace })
    for (const step of [batch, merged]) {
      expect(step.summary).toContain('In the sandbox: no account was touched')
      expect(step.summary).toContain('3 of 3 sent')
      expect(step.summary).toContain('<b>Billed 9.00.</b>')
      expect(step.outputs.amount).toBe('9.00')
    }
  })

  test('says in a dry run how many records were checked, and that nothing was sent', async () => {
    const workspace = newWorkspace({ 'b.ndjson': ndjson(records) })
    const step = await runStep({ ...inputs, 'dry-run': 'true' }, { workspace })
    expect(step.lines.at(-1)).toBe('submitInvoice: 3 records checked, nothing was sent')
    expect(step.summary).toContain('A dry run: every record of the file was checked, and nothing was sent.')
    expect(step.visible).not.toContain('0 of 3')
  })

  test('skips with on-gone: skip what no longer exists, and says how many', async () => {
    const server = await startServer({
      faults: ({ path }) => (path.includes('icfg_2') ? { type: 'answer', status: 410, body: {} } : undefined),
    })
    const workspace = newWorkspace({ 'b.ndjson': ndjson(records) })
    const step = await runStep({ ...inputs, 'on-gone': 'skip', 'api-url': server.url }, { workspace })
    expect(step.code).toBe(0)
    expect(step.outputs).toMatchObject({
      status: 'succeeded',
      succeeded: '2',
      failed: '0',
      skipped: '1',
      amount: '6.00',
    })
    expect(step.outputs.result).toBe('{"total":3,"succeeded":2,"failed":0,"skipped":1,"gone":1}')
    expect(step.lines.at(-1)).toBe('submitInvoice: 2 of 3 records succeeded, 1 no longer exists')
    expect(step.summary).toContain('2 of 3 sent, 1 gone')
  })
})
