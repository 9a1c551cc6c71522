// Runs billing.yml as GitHub would, and counts at the server what was billed.

import { cpSync, existsSync, globSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { operations } from '../../src/operations/catalogue.ts'
import type { SandboxServer } from '../../src/sandbox/server.ts'
import { encryptTo, newIdentity } from '../age.ts'
import { root } from '../docs/links.ts'
import { newRepository, type Run, type Setting } from '../workflows/runner.ts'
import type { StartedStep } from '../workflows/steps.ts'
import {
  arrivalsByLine,
  bills,
  hasWorked,
  installationOf,
  installations,
  type MakeRecord,
  ndjson,
  readJournal,
  records,
  startServer,
} from './batches.ts'
import { among, bill, invoices, secrets, tokensOf } from './billing-runs.ts'
import { runStepInProcess, scratch, writeFiles } from './step.ts'

// A test starts a dozen processes, one after the other.
vi.setConfig({ testTimeout: 120_000 })

/** The status of each job of billing.yml, by its name and index. */
const statusesOf = ({ jobs }: Run) =>
  Object.fromEntries(
    [...jobs].filter(([path]) => path.startsWith('bill/0/')).map(([path, { status }]) => [path.slice(7), status]),
  )
const outputsOf = ({ jobs }: Run) => jobs.get('bill/0')?.outputs
const errorsOf = ({ jobs }: Run) => (jobs.get('bill/0')?.steps ?? []).flatMap(({ errors }) => errors).join('\n')
const logOf = ({ jobs }: Run) => jobs.get('bill/0')?.log ?? ''
const textOf = ({ artifacts }: Run, path: string) => readFileSync(join(artifacts, path), 'utf8')

/** How many requests that change something arrived, by line of the batch. */
const sentByLine = ({ arrivals }: SandboxServer) =>
  Object.fromEntries([...arrivalsByLine(arrivals)].map(([line, list]) => [line, list.filter(hasWorked).length]))
const each = (count: number, times = 1) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [index + 1, times]))

/** Loses the runner of each shard, or of one, in an attempt when it sends its next request after the first few. */
function loseRunners(server: SandboxServer, attempt: number, afterRequests: number, shard = '') {
  const isLost: NonNullable<Setting['isProcess']> = (step) =>
    step.attempt === attempt && step.job.startsWith(`bill/0/bill/${shard}`)
  let lose: (() => void) | undefined
  let count = 0
  server.faults = ({ method }) => {
    if (!lose || method === 'GET') return undefined
    count += 1
    if (count <= afterRequests) return undefined
    lose()
    return { type: 'stall' }
  }
  const onStep = (step: StartedStep) => {
    lose = isLost(step) ? step.loseRunner : undefined
    count = 0
  }
  return { isProcess: isLost, onStep }
}

describe('the jobs', () => {
  test('without an environment: a plan, one job per shard, and a total; each invoice is sent once', async () => {
    const server = await startServer()
    const workspaces: string[] = []
    const prepare = async ({ workspace }: { workspace: string }) => void workspaces.push(workspace)
    const given = { shards: 2, 'retention-days': 90 }
    const run = await bill(server, given, { prepare, isProcess: () => true })
    expect(errorsOf(run)).toBe('')
    // Files with tokens or amounts are in RUNNER_TEMP.
    const [, ...ofBilling] = workspaces
    expect(ofBilling).toHaveLength(4)
    expect(ofBilling.flatMap((folder) => readdirSync(folder))).toEqual([])
    expect(statusesOf(run)).toEqual({
      'plan/0': 'success',
      'approve/0': 'skipped',
      'bill/0': 'success',
      'bill/1': 'success',
      'total/0': 'success',
    })
    expect(run.approvals).toEqual([])
    expect(sentByLine(server)).toEqual(each(8))
    expect(outputsOf(run)).toEqual({
      status: 'succeeded',
      digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
      amount: '30.00',
      total: '8',
      succeeded: '8',
      failed: '0',
    })
    expect(textOf(run, 'invoices-plan/plan.csv').match(/planned/g)).toHaveLength(8)
    expect(textOf(run, 'invoices-report/report.csv').match(/accepted/g)).toHaveLength(8)
    expect(readdirSync(join(run.artifacts, 'invoices-journals'))).toEqual([
      'shard-1-of-2-attempt-1.ndjson',
      'shard-2-of-2-attempt-1.ndjson',
    ])
  })

  test('with an environment: its reviewers see what is planned, and nothing is sent before they approve', async () => {
    const server = await startServer()
    let sentBefore = -1
    const approves = () => {
      sentBefore = server.arrivals.length
      return true
    }
    const run = await bill(server, { environment: 'billing' }, { approves })
    expect(run.approvals).toEqual(['billing: Approve 8 records of submitInvoice, amount 30.00'])
    expect(sentBefore).toBe(0)
    expect(statusesOf(run)).toMatchObject({ 'approve/0': 'success', 'bill/0': 'success', 'total/0': 'success' })
    expect(sentByLine(server)).toEqual(each(8))
  })

  test('if the reviewers reject, nothing is sent; a second attempt asks them again', async () => {
    const server = await startServer()
    const given = { environment: 'billing' }
    const rejected = await bill(server, given, { approves: () => false })
    expect(statusesOf(rejected)).toEqual({
      'plan/0': 'success',
      'approve/0': 'failure',
      'bill/0': 'skipped',
      'total/0': 'skipped',
    })
    expect(outputsOf(rejected)).toMatchObject({ status: 'failed', amount: '', total: '8' })
    expect(server.arrivals).toEqual([])
    const approved = await bill(server, given, { earlier: rejected })
    expect(approved.approvals).toHaveLength(1)
    expect(approved.jobs.get('bill/0/plan/0')?.isNew).toBe(false)
    expect(sentByLine(server)).toEqual(each(8))
  })

  test('a dry run plans only; the next run sends the batch of that run if it has the digest', async () => {
    const server = await startServer()
    const github = newRepository()
    const planned = await bill(server, { 'dry-run': true, environment: 'billing' }, { github })
    expect(statusesOf(planned)).toMatchObject({ 'plan/0': 'success', 'approve/0': 'skipped', 'bill/0': 'skipped' })
    const { digest = '', ...others } = outputsOf(planned) ?? {}
    expect(others).toEqual({ status: 'validated', amount: '30.00', total: '8', succeeded: '', failed: '' })

    const given = { 'batch-run-id': String(planned.id), 'expect-digest': digest }
    const changed = `sha256:${'0'.repeat(64)}`
    const refused = await bill(server, { ...given, 'expect-digest': changed }, { github, batch: '' })
    expect(errorsOf(refused)).toContain(digest)
    expect(outputsOf(refused)).toMatchObject({ status: 'failed' })
    expect(server.arrivals).toEqual([])
    const sent = await bill(server, given, { github, batch: '' })
    expect(outputsOf(sent)).toMatchObject({ status: 'succeeded', digest })
    expect(sentByLine(server)).toEqual(each(8))
  })

  test('a batch that changed after its approval is not sent; restored, it is sent by a second attempt', async () => {
    const server = await startServer()
    const github = newRepository()
    const batch = () => join(github.runs[0]?.artifacts ?? '', 'invoices', 'batch.ndjson')
    const approves = () => {
      writeFileSync(batch(), invoices.replaceAll('"3.75"', '"4.75"'))
      return true
    }
    const given = { operation: 'submitInvoice', 'external-id': 'none', environment: 'billing' }
    const first = await bill(server, given, { github, approves })
    expect(errorsOf(first)).toContain('digest')
    expect(server.arrivals).toEqual([])
    writeFileSync(batch(), invoices)
    // The first attempt ended without a journal, so it sent nothing, and an unsafe operation may go on.
    const second = await bill(server, given, { github, earlier: first })
    expect(second.approvals).toEqual([])
    expect(sentByLine(server)).toEqual(each(8))
  })

  test('it is refused without the permission to read artifacts', async () => {
    await expect(bill({ url: 'sandbox' }, {}, { permissions: '{}' })).rejects.toThrow("requesting 'actions: read'")
  })

  test('it is refused with an input that it does not have, and without one that it requires', async () => {
    const server = { url: 'sandbox' }
    await expect(bill(server, { shard: 1 })).rejects.toThrow('shard is not in .github/workflows/billing.yml')
    await expect(bill(server, { 'batch-artifact': undefined })).rejects.toThrow('batch-artifact is missing')
  })

  test('each input reaches its steps', async () => {
    const steps: StartedStep[] = []
    const server = await startServer()
    const given = {
      concurrency: 3,
      'max-failures': '7',
      'retry-timeout': 11,
      'external-id': 'none',
      'on-duplicate': 'succeed',
      'on-gone': 'skip',
      'max-amount': '3.75',
      'max-total': '30',
      'runs-on': '["self-hosted", "linux"]',
    }
    const run = await bill(server, given, { onStep: (step) => void steps.push(step) })
    expect(outputsOf(run)).toMatchObject({ status: 'succeeded' })
    const [plan, send] = steps.map(({ inputs }) => inputs)
    const choices = { 'external-id': 'none', 'on-duplicate': 'succeed', 'on-gone': 'skip' }
    expect(plan).toMatchObject({ ...choices, 'max-amount': '3.75', 'max-total': '30', 'dry-run': 'true' })
    expect(send).toMatchObject({ ...choices, concurrency: '3', 'max-failures': '7', 'retry-timeout': '11' })
  })
})

describe('nothing is sent', () => {
  const imprecise = invoices.replace('"3.75"', '"3.70"')
  test.each([
    ['if a record is above max-amount', { 'max-amount': '3' }, invoices, 'max-amount'],
    ['if the batch is above max-total', { 'max-total': '29.99' }, invoices, 'max-total'],
    ['if there is a warning, with fail-on-warning', { 'fail-on-warning': true }, imprecise, 'price'],
    ['if a record is invalid', {}, invoices.replace('"3.75"', '3.75'), 'line 1'],
    ['if a record has no token', {}, ndjson(records(bills, 1, ['icfg_unknown'])), 'icfg_unknown'],
    [
      'for an operation whose batch needs more',
      { operation: 'rotateInstallationCredential' },
      invoices,
      'new-tokens-file',
    ],
  ])('%s', async (_, given, batch, message) => {
    const server = await startServer()
    const run = await bill(server, given, { batch })
    expect(errorsOf(run).toLowerCase()).toContain(message.toLowerCase())
    expect(statusesOf(run)).toMatchObject({ 'plan/0': 'failure', 'bill/0': 'skipped', 'total/0': 'skipped' })
    expect(outputsOf(run)).toMatchObject({ status: 'failed', succeeded: '' })
    expect(server.arrivals).toEqual([])
  })

  test.each([
    ['if the name of the artifact could be a pattern', { 'batch-artifact': 'invoices{1}' }, 'batch-artifact'],
    ['without shards', { shards: 0 }, 'shards'],
    ['with half a shard', { shards: 1.5 }, 'shards'],
    ['with more shards than a matrix may have', { shards: 257 }, 'shards'],
  ])('%s', async (_, given, input) => {
    const run = await bill({ url: 'sandbox' }, given)
    expect(logOf(run)).toMatch(new RegExp(`^::error::Input ${input} m`))
    expect(run.jobs.get('bill/0')?.steps).toEqual([])
  })
})

describe('a comparison', () => {
  const doubled = ndjson(
    records(
      (id, name) => {
        const record = bills(id, name) as { items: object[] }
        return { ...record, items: record.items.map((item) => ({ ...item, price: '3.00', total: '7.50' })) }
      },
      8,
      among,
    ),
  )
  const given = { 'compare-with': 'invoices-journals', 'max-change': '20' }

  test('uses the latest successful run of the same workflow and branch, and max-change refuses what differs', async () => {
    const github = newRepository()
    const server = await startServer()
    const first = await bill(server, given, { github, workflow: 'monthly.yml' })
    const [plan] = first.jobs.get('bill/0/plan/0')?.steps ?? []
    expect(plan?.warnings.join()).toContain('matches no journal')
    // The journals of these runs could not be read.
    const artifacts = scratch()
    writeFiles(artifacts, { 'invoices-journals/journal.ndjson': 'not a journal' })
    for (const other of [{ workflow: 'other.yml' }, { branch: 'feature' }, { conclusion: 'failure' }]) {
      github.runs.push({ ...first, ...other, id: first.id + github.runs.length, artifacts })
    }
    const sent = server.arrivals.length
    const second = await bill(server, given, { github, workflow: 'monthly.yml', batch: doubled })
    expect(errorsOf(second)).toContain('max-change')
    expect(server.arrivals).toHaveLength(sent)
  })

  test('uses the run with an id, also if it has several attempts', async () => {
    const github = newRepository()
    const server = await startServer({ faults: () => ({ type: 'answer', status: 400 }) })
    const first = await bill(server, {}, { github })
    server.faults = () => undefined
    const again = await bill(server, {}, { github, earlier: first })
    const compared = { ...given, 'compare-run-id': String(again.id), 'dry-run': true }
    const same = await bill(server, compared, { github })
    expect(errorsOf(same)).toBe('')
    const other = await bill(server, compared, { github, batch: doubled })
    expect(errorsOf(other)).toContain('max-change')
  })

  test.each([
    ['the run does not exist', { ...given, 'compare-run-id': '7' }, {}],
    ['GitHub does not list the runs', given, { isApiDown: true }],
  ])('fails if %s, so that max-change is not skipped', async (_, given, setting) => {
    const run = await bill({ url: 'sandbox' }, given, setting)
    expect(statusesOf(run)).toMatchObject({ 'plan/0': 'failure', 'bill/0': 'skipped' })
    expect(run.jobs.get('bill/0')?.steps).toEqual([])
  })
})

describe('a re-run', () => {
  test('sends only what failed; shards that succeeded and the approval are kept', async () => {
    const server = await startServer()
    server.faults = ({ path }) => (path.includes(among[0] ?? '') ? { type: 'answer', status: 403 } : undefined)
    const given = { shards: 2, environment: 'billing' }
    const first = await bill(server, given)
    expect(outputsOf(first)).toMatchObject({ status: 'partial', succeeded: '7', failed: '1', amount: '26.25' })
    server.faults = () => undefined
    const second = await bill(server, given, { earlier: first })
    expect(second.approvals).toEqual([])
    const shards = [0, 1].map((index) => second.jobs.get(`bill/0/bill/${index}`)?.isNew)
    expect(shards.sort()).toEqual([false, true])
    expect(outputsOf(second)).toMatchObject({ status: 'succeeded', total: '8', failed: '0', amount: '30.00' })
    expect(sentByLine(server)).toEqual(each(8))
  })

  test('of all jobs resumes as well', async () => {
    const server = await startServer()
    const first = await bill(server, { shards: 2 })
    const second = await bill(server, { shards: 2 }, { earlier: first, rerunsAll: true })
    expect(outputsOf(second)).toMatchObject({ status: 'succeeded', total: '8', amount: '30.00' })
    expect(sentByLine(server)).toEqual(each(8))
  })

  test('with another number of shards is refused, because the journals do not fit', async () => {
    const server = await startServer()
    const first = await bill(server, { shards: 2 })
    const second = await bill(server, { shards: 3 }, { earlier: first, rerunsAll: true })
    expect(logOf(second)).toContain('::error::An earlier attempt of this run had another number of shards')
    expect(sentByLine(server)).toEqual(each(8))
  })

  test('finds invoices that a lost runner sent, even if later attempts do not send all', async () => {
    const server = await startServer()
    const lost = loseRunners(server, 1, 5)
    const given = { concurrency: 1, 'max-failures': '1' }
    const first = await bill(server, given, lost)
    expect(statusesOf(first)).toMatchObject({ 'bill/0': 'failure', 'total/0': 'failure' })
    expect(outputsOf(first)).toMatchObject({ status: 'failed', amount: '' })
    expect(existsSync(join(first.artifacts, 'invoices-shard-1-of-1-started-1'))).toBe(true)
    expect(existsSync(join(first.artifacts, 'invoices-shard-1-of-1-journal-1'))).toBe(false)

    server.faults = ({ path }) => (path.includes(among[1] ?? '') ? { type: 'answer', status: 403 } : undefined)
    const second = await bill(server, given, { earlier: first })
    expect(outputsOf(second)).toMatchObject({ status: 'partial', failed: '1' })
    server.faults = () => undefined
    const third = await bill(server, given, { earlier: second })
    expect(errorsOf(third)).toBe('')
    expect(outputsOf(third)).toMatchObject({ status: 'succeeded', total: '8', failed: '0' })
    expect(sentByLine(server)).toEqual(each(8))
  })

  test('with a changed batch sends nothing after a lost runner, because Vercel would bill the invoices again', async () => {
    const server = await startServer()
    const first = await bill(server, { concurrency: 1 }, loseRunners(server, 1, 5))
    server.faults = () => undefined
    const before = sentByLine(server)
    const changed = invoices.replaceAll('T00:00:00Z', 'T00:00:01Z')
    expect(changed).not.toBe(invoices)
    const rerun = { earlier: first, rerunsAll: true }
    const second = await bill(server, { concurrency: 1 }, { ...rerun, batch: changed })
    expect(logOf(second)).toContain('::error::Attempt 1 left no journal, and the batch has changed since.')
    expect(sentByLine(server)).toEqual(before)
    const third = await bill(server, { concurrency: 1 }, { earlier: second, rerunsAll: true })
    expect(outputsOf(third)).toMatchObject({ status: 'succeeded', total: '8', failed: '0' })
    expect(sentByLine(server)).toEqual(each(8))
  })

  test.each(['7', '2'])('is refused if there is a journal of attempt %s in attempt 2', async (attempt) => {
    const server = await startServer()
    server.faults = () => ({ type: 'answer', status: 403 })
    const first = await bill(server)
    const sent = server.arrivals.length
    const journal = join(first.artifacts, 'invoices-shard-1-of-1-journal-1')
    const forged = join(first.artifacts, `invoices-shard-1-of-1-journal-${attempt}`)
    mkdirSync(forged)
    for (const name of readdirSync(journal)) {
      cpSync(join(journal, name), join(forged, name.replace('attempt-1', `attempt-${attempt}`)))
    }
    const second = await bill(server, {}, { earlier: first })
    expect(logOf(second)).toContain(`::error::There is an artifact of attempt ${attempt}, but this is attempt 2`)
    expect(server.arrivals).toHaveLength(sent)
  })
})

describe('an operation that is unsafe to repeat', () => {
  /** Submits the invoices at a server, and makes a refund of each. */
  async function refundsAt({ url }: SandboxServer): Promise<string> {
    const workspace = scratch()
    writeFileSync(join(workspace, 'invoices.ndjson'), invoices)
    const batch = {
      'batch-file': 'invoices.ndjson',
      'journal-file': 'journal.ndjson',
      tokens: secrets.INSTALLATION_TOKENS,
    }
    await runStepInProcess({ workspace, with: { operation: 'submitInvoice', 'api-url': url, ...batch } })
    const submitted = readJournal(join(workspace, 'journal.ndjson')).filter(({ event }) => event === 'succeeded')
    const refund: MakeRecord = (integrationConfigurationId, reason) => {
      const invoiceId = submitted.find(({ installation }) => installation === integrationConfigurationId)?.invoiceId
      return { integrationConfigurationId, invoiceId, action: 'refund', reason, total: '1.00' }
    }
    return ndjson(records(refund, 8, among))
  }

  const given = { concurrency: 1, 'on-duplicate': 'send' }
  test.each([
    // The id of the API. The next test uses the name of the SDK.
    ['update-invoice', { ...given, operation: 'update-invoice' }],
    ['submitInvoice with external-id: none', { concurrency: 1, 'external-id': 'none' }],
  ])('%s: attempt 3 sends nothing after the runner of attempt 2 was lost', async (name, given) => {
    const server = await startServer()
    const batch = name.startsWith('submit') ? invoices : await refundsAt(server)
    const before = server.arrivals.length
    const lost = loseRunners(server, 2, 2)
    const loseSecond = server.faults
    server.faults = (arrival) => (arrival.method === 'GET' ? undefined : { type: 'answer', status: 403 })
    const first = await bill(server, given, { batch })
    expect(outputsOf(first)).toMatchObject({ status: 'failed', failed: '8' })

    server.faults = loseSecond
    const second = await bill(server, given, { batch, earlier: first, ...lost })
    expect(statusesOf(second)).toMatchObject({ 'bill/0': 'failure' })
    const worked = () => server.arrivals.slice(before).filter((one) => one.method !== 'GET' && hasWorked(one)).length
    expect(worked()).toBe(2)
    const sent = server.arrivals.length

    server.faults = () => undefined
    const third = await bill(server, given, { batch, earlier: second })
    expect(third.jobs.get('bill/0/bill/0')).toMatchObject({
      status: 'failure',
      steps: [],
      log: expect.stringContaining('::error::Attempt 2 left no journal'),
    })
    const fourth = await bill(server, given, { batch, earlier: third })
    expect(logOf(fourth)).toContain('::error::Attempt 2 left no journal')
    expect(server.arrivals).toHaveLength(sent)
  })

  test('resumes from the journal if no runner was lost', async () => {
    const server = await startServer()
    const batch = await refundsAt(server)
    const refunds = { operation: 'updateInvoice', 'on-duplicate': 'send' }
    server.faults = ({ method, path }) =>
      method !== 'GET' && path.includes(among[0] ?? '') ? { type: 'answer', status: 403 } : undefined
    const first = await bill(server, refunds, { batch })
    server.faults = () => undefined
    const second = await bill(server, refunds, { batch, earlier: first })
    expect(outputsOf(second)).toMatchObject({ status: 'succeeded', amount: '8.00' })
    const refunded = server.arrivals.filter((one) => one.operation === 'updateInvoice' && hasWorked(one))
    expect(refunded).toHaveLength(8)
  })

  test('is every one that the catalogue calls unsafe', () => {
    const text = readFileSync(join(root, '.github', 'workflows', 'billing.yml'), 'utf8')
    const [, list = ''] = /UNSAFE: .*fromJSON\('(.*?)'\)/.exec(text) ?? []
    const unsafe = operations.filter(({ retry }) => retry === 'unsafe').map(({ sdkName }) => sdkName)
    expect(JSON.parse(list).sort()).toEqual(unsafe.sort())
  })
})

test('runs at the same time follow each other, and all of them are completed', async () => {
  const server = await startServer()
  const github = newRepository()
  const order: number[] = []
  const runs = [1, 2, 3].map(async (id) => {
    const batch = ndjson(records((one, line) => bills(one, `run ${id}, ${line}`), 8, among))
    const run = await bill(server, {}, { github, batch, onStep: () => void order.push(id) })
    return outputsOf(run)?.status
  })
  expect(await Promise.all(runs)).toEqual(['succeeded', 'succeeded', 'succeeded'])
  // The steps of plan, bill and total.
  expect(order).toEqual([1, 1, 1, 2, 2, 2, 3, 3, 3])
  expect(server.arrivals.filter(hasWorked)).toHaveLength(24)
})

test('300 installations, whose tokens are too many for a secret, are billed once each, with a lost runner and a re-run', async () => {
  const everyone = installations(300)
  const tokenOf = (id: string) => `token-of-${id}-${'x'.repeat(160)}`
  const allTokens = tokensOf(everyone, tokenOf)
  expect(allTokens.length).toBeGreaterThan(48 * 1024)
  const server = await startServer()
  const key = await newIdentity()
  const tokens = await encryptTo([key], allTokens)
  const given = { environment: 'billing', 'tokens-artifact': 'tokens', shards: 2, concurrency: 32 }
  const batch = await encryptTo([key], ndjson(records(bills, everyone.length, everyone)))
  const options = { batch, tokens, secrets: { INSTALLATION_TOKENS: '', TOKENS_KEY: key } }
  const first = await bill(server, given, { ...options, ...loseRunners(server, 1, 75, '1') })
  expect(errorsOf(first)).toContain('journal of shard 2/2 is missing')
  expect(first.approvals).toEqual(['billing: Approve 300 records of submitInvoice, amount 1125.00'])
  expect(statusesOf(first)).toMatchObject({ 'bill/0': 'success', 'bill/1': 'failure', 'total/0': 'failure' })

  server.faults = () => undefined
  const second = await bill(server, given, { ...options, earlier: first })
  expect(second.approvals).toEqual([])
  expect(outputsOf(second)).toMatchObject({ status: 'succeeded', total: '300', succeeded: '300', failed: '0' })
  expect(sentByLine(server)).toEqual(each(300))
  const wrong = server.arrivals.filter((one) => one.headers.authorization !== `Bearer ${tokenOf(installationOf(one))}`)
  expect(wrong).toEqual([])
  const files = globSync('**/*', { cwd: second.artifacts }).map((path) => join(second.artifacts, path))
  const texts = files.filter((path) => statSync(path).isFile()).map((path) => readFileSync(path, 'utf8'))
  expect(texts.length).toBeGreaterThan(8)
  expect(texts.filter((text) => text.includes('token-of-'))).toEqual([])
})
