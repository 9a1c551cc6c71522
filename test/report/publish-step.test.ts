// What a step prints, its outputs and its exit code, with a runner in memory, parts of which fail.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { Ledger } from '../../src/batch/journal/ledger.ts'
import { type BatchReport, Tally } from '../../src/batch/journal/tally.ts'
import { AttentionList } from '../../src/batch/tracking/attention-list.ts'
import { InvoiceTally } from '../../src/batch/tracking/invoice-tally.ts'
import { trackingReport } from '../../src/batch/tracking/tracking-report.ts'
import { Failure } from '../../src/failure.ts'
import { type Operation, operations } from '../../src/operations/catalogue.ts'
import { type Log, openLog } from '../../src/report/log.ts'
import { publish, type ReportContext } from '../../src/report/publish.ts'
import type { StepReport } from '../../src/report/step-report.ts'
import type { Runner } from '../../src/runtime.ts'
import { Secrets } from '../../src/secrets.ts'
import { rowOf } from '../batch/tracking/rows.ts'
import { testRunner } from '../test-runner.ts'

interface Change {
  readonly runner?: Partial<Runner>
  readonly log?: Partial<Log>
  readonly secrets?: Secrets
  readonly isDebug?: boolean
  readonly ms?: number
  /** The path of the summary. */
  readonly file?: string
}

/** Publishes a step with a summary. @returns all that it wrote, and the titles of its annotations */
async function published(step: StepReport, change: Change = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'publish-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'summary'), '')
  const { secrets = new Secrets(), file = join(folder, 'summary'), ms = 500.4, isDebug = false } = change
  const kept = testRunner({}, { isDebug })
  const titles: (string | undefined)[] = []
  const titled =
    (annotate: Runner['error']): Runner['error'] =>
    (message, properties) => {
      titles.push(properties?.title)
      annotate(message, properties)
    }
  const runner = { ...kept, error: titled(kept.error), warning: titled(kept.warning), ...change.runner }
  const log = { ...openLog(runner, secrets), ...change.log }
  const context: ReportContext = { runner, log, secrets, env: { GITHUB_STEP_SUMMARY: file }, wantsSummary: true, ms }
  const code = await publish(step, context)
  const summary = file.startsWith(folder) ? readFileSync(file, 'utf8').trim().split('\n') : []
  const { lines, debugLines, errors, warnings, outputs, masks } = kept
  return { code, lines, debugLines, errors, warnings, outputs, masks, titles, summary }
}

const operationOf = (name: string) => operations.find((operation) => operation.name === name) as Operation
const [getInvoice, submitInvoice] = [operationOf('getInvoice'), operationOf('submitInvoice')]
const deliveryOf = (status: number, text: string, change = {}) => ({
  attempts: 2,
  response: { status, headers: { 'x-vercel-id': 'fra1::a' }, text },
  sentAt: new Date(0),
  ...change,
})
const requestOf = (operation: Operation, params = {}, body = {}) => ({ operation, params, body, redacted: () => body })

const read: StepReport = {
  name: 'getInvoice',
  operation: getInvoice,
  request: requestOf(getInvoice, { integrationConfigurationId: 'icfg_1', invoiceId: 'inv_1' }),
  delivery: deliveryOf(200, '{"invoiceId":"inv_1","state":"paid"}'),
  outcome: { status: 'paid', invoiceId: 'inv_1' },
}
const submitted: StepReport = {
  name: 'submitInvoice',
  operation: submitInvoice,
  request: requestOf(submitInvoice, { integrationConfigurationId: 'icfg_1' }, { externalId: 'march' }),
  digest: 'sha256:1',
  amount: '5.00',
  delivery: deliveryOf(200, '{"invoiceId":"inv_1"}'),
  outcome: { status: 'accepted', invoiceId: 'inv_1', externalId: 'march' },
}

function batchOf(counts: Partial<Pick<Tally, 'succeeded' | 'failed'>> = {}, skipped = 0): BatchReport {
  const tally = Object.assign(new Tally(), counts)
  return { path: 'b.ndjson', operation: 'submitInvoice', total: 3, skipped, tally, ledger: new Ledger() }
}

function trackingOf() {
  const [tally, attention] = [new InvoiceTally(), new AttentionList()]
  tally.add(rowOf({ status: 'paid', amount: '10.00' }))
  const found = { tally, attention, now: new Date(0), hasAnswers: true, failure: undefined }
  return trackingReport({ ...found, journals: 1, withoutInvoice: 0, warnings: [] })
}

const throwing = (message: string) => () => {
  throw new Error(message)
}
const stepFailure = new Failure('forbidden' as never, 'Vercel refused it', { hint: 'Check the token' })

describe('the result is printed', () => {
  test.each<[step: StepReport, line: string]>([
    [read, 'getInvoice: paid, invoice inv_1'],
    [{ ...read, outcome: { status: 'paid' } }, 'getInvoice: paid'],
    [{ name: 'getMember' }, 'getMember: accepted'],
    [{}, 'Vercel Marketplace: accepted'],
    [{ name: 'submitInvoice', batch: batchOf({ succeeded: 2 }) }, 'submitInvoice: 2 of 3 records succeeded'],
    [{ name: 'submitInvoice', batch: batchOf(), dryRun: true }, 'submitInvoice: 3 records checked, nothing was sent'],
    [{ name: 'trackInvoices', tracking: trackingOf() }, 'trackInvoices: settled, 1 of 1 invoice paid'],
  ])('%#: %s', async (step, line) => {
    expect(await published(step)).toMatchObject({ code: 0, lines: [line], errors: [], warnings: [], titles: [] })
  })

  test('as an annotation if the step failed: its message and what to do', async () => {
    expect(await published({ ...read, failure: stepFailure })).toMatchObject({
      code: 1,
      lines: [],
      errors: ['Vercel refused it. Check the token'],
      titles: ['getInvoice'],
    })
    expect(await published({ failure: stepFailure })).toMatchObject({ code: 1, titles: ['Vercel Marketplace'] })
  })

  test('as an annotation for each problem', async () => {
    const diagnostics = [{ message: 'is missing', path: ['items', 0] }, { message: 'The file is empty' }]
    const failure = new Failure('invalid_payload', 'Two are wrong', { diagnostics })
    const { errors, outputs, titles } = await published({ name: 'submitInvoice', failure })
    expect(errors).toEqual(['items[0] is missing', 'The file is empty'])
    expect(titles).toEqual(['submitInvoice', 'submitInvoice'])
    expect(outputs).toEqual({
      operation: 'submitInvoice',
      status: 'failed',
      errorCode: 'invalid_payload',
      errorMessage: 'items[0] is missing\nThe file is empty',
      result: 'null',
    })
  })
})

describe('the outputs', () => {
  const idsOf = (status: string) => ({ operation: 'getInvoice', invoiceId: 'inv_1', status })
  const answered = { httpStatus: '200', requestId: 'fra1::a', attempts: '2' }
  const money = { digest: 'sha256:1', amount: '5.00' }
  const tracked = {
    total: '1',
    amount: '10.00',
    paid: '1',
    unpaid: '0',
    result: '{"paid":{"count":1,"amount":"10.00"}}',
  }
  const failed = { errorCode: 'forbidden', errorMessage: 'Vercel refused it. Check the token' }

  test.each<[what: string, step: StepReport, outputs: Record<string, string>]>([
    ['nothing that is known', {}, { status: 'accepted', result: 'null' }],
    [
      'an invoice that was read',
      read,
      { ...idsOf('paid'), ...answered, result: '{"invoiceId":"inv_1","state":"paid"}' },
    ],
    [
      'an invoice that was submitted',
      submitted,
      {
        operation: 'submitInvoice',
        externalId: 'march',
        invoiceId: 'inv_1',
        ...money,
        status: 'accepted',
        ...answered,
        result: '{"invoiceId":"inv_1"}',
      },
    ],
    [
      'the last response to a poll',
      { ...read, polled: { status: 200, headers: {}, text: '{"state":"refunded"}' } },
      { ...idsOf('paid'), ...answered, result: '{"state":"refunded"}' },
    ],
    [
      'a poll of an operation whose response is not an invoice',
      { ...submitted, polled: { status: 200, headers: {}, text: '{"state":"paid"}' } },
      { result: '{"invoiceId":"inv_1"}' } as never,
    ],
    [
      'a refusal',
      { ...read, outcome: undefined as never, delivery: deliveryOf(403, '{"error":{}}'), failure: stepFailure },
      { ...idsOf('failed'), ...answered, httpStatus: '403', ...failed, result: '{"error":{}}' },
    ],
    [
      'attempts without a response',
      {
        ...read,
        outcome: undefined as never,
        delivery: deliveryOf(0, '', { response: undefined }) as never,
        failure: stepFailure,
      },
      { ...idsOf('failed'), attempts: '2', ...failed, result: 'null' },
    ],
    [
      'a batch',
      { name: 'submitInvoice', batch: batchOf({ succeeded: 3 }), ...money },
      {
        operation: 'submitInvoice',
        ...money,
        status: 'accepted',
        ...{ total: '3', succeeded: '3', failed: '0', skipped: '0' },
        result: '{"total":3,"succeeded":3,"failed":0,"skipped":0}',
      },
    ],
    [
      'tracked invoices',
      { name: 'trackInvoices', tracking: trackingOf() },
      { operation: 'trackInvoices', status: 'settled', ...tracked },
    ],
    [
      'tracked invoices whose step failed',
      { name: 'trackInvoices', tracking: trackingOf(), failure: stepFailure },
      { operation: 'trackInvoices', status: 'settled', ...failed, ...tracked },
    ],
  ])('of %s', async (what, step, expected) => {
    const { outputs } = await published(step)
    if (what.startsWith('a poll')) expect(outputs).toMatchObject(expected)
    else expect(outputs).toEqual(expected)
    // The longest comes last.
    expect(Object.keys(outputs).at(-1)).toBe('result')
  })

  test.each<[status: string, batch: BatchReport]>([
    ['partial', batchOf({ succeeded: 1, failed: 2 })],
    ['partial', batchOf({ failed: 2 }, 1)],
    ['failed', batchOf({ failed: 3 })],
  ])('say that a batch is %s', async (status, batch) => {
    const { outputs, summary } = await published({ name: 'submitInvoice', batch, failure: stepFailure })
    expect(outputs.status).toBe(status)
    expect(summary[0]).toBe(`<h3>${status === 'partial' ? '⚠️' : '❌'} submitInvoice: 0 of 3 sent</h3>`)
  })
})

describe('what cannot be written keeps nothing else from being written', () => {
  const warned = '<li>⚠️ '

  test('that tokens could not be masked', async () => {
    const secrets = new Secrets(throwing('the runner is gone'))
    const step = { ...read, outcome: { status: 'paid', accessToken: 'vct_hunter2' } }
    const { code, lines, warnings, titles, outputs, summary } = await published(step, { secrets })
    const warning = 'Not all tokens in the response could be masked: the runner is gone'
    expect({ code, lines, warnings, titles }).toEqual({
      code: 0,
      lines: ['getInvoice: paid'],
      warnings: [warning],
      titles: ['getInvoice'],
    })
    expect(outputs.status).toBe('paid')
    expect(summary.join('\n')).toContain(`${warned}${warning}</li>`)
  })

  test('that the result could not be printed, by what was thrown', async () => {
    const thrown = (value: unknown) => () => {
      throw value
    }
    for (const value of [new Error('EPIPE'), 'EPIPE']) {
      const { code, warnings, outputs } = await published(read, { log: { info: thrown(value) } })
      expect({ code, warnings }).toEqual({ code: 0, warnings: ['The result could not be printed: EPIPE'] })
      expect(outputs.status).toBe('paid')
    }
  })

  test('that warnings could not be printed, which the summary shows with them', async () => {
    const log = { info: throwing('EPIPE'), warn: throwing('ENOSPC') }
    const { code, outputs, summary } = await published(read, { log })
    expect(code).toBe(0)
    expect(outputs.status).toBe('paid')
    expect(summary.filter((line) => line.includes(warned))).toEqual([
      `<ul>${warned}The result could not be printed: EPIPE</li>${warned}Warnings could not be printed: ENOSPC</li></ul>`,
    ])
  })

  test('and nothing is to be masked without a response', async () => {
    const operation = operationOf('exchangeSsoToken')
    expect((await published({ name: operation.name, operation })).warnings).toEqual([])
  })

  test('and without a problem, no warning is printed', async () => {
    const { summary } = await published(read, { log: { warn: throwing('ENOSPC') } })
    expect(summary.join('\n')).not.toContain('⚠️')
  })

  test('a token that cannot be an output, with a warning', async () => {
    const step = { ...read, outcome: { status: 'paid', accessToken: 'two\nlines', idToken: 'a-token' } }
    const { code, warnings, titles, outputs } = await published(step)
    expect({ code, warnings, titles }).toEqual({
      code: 0,
      warnings: [
        'The output accessToken is left out: the token contains a blank, a line break or a character that is not ASCII',
      ],
      titles: ['getInvoice'],
    })
    expect(outputs).toMatchObject({ idToken: 'a-token' })
  })

  test('the summary, with a warning', async () => {
    const file = join(tmpdir(), 'no-such-folder', 'summary')
    const reason = `ENOENT: no such file or directory, open '${file}'`
    for (const name of ['getInvoice', undefined]) {
      const { code, warnings, titles } = await published({ ...read, name } as StepReport, { file })
      expect({ code, warnings, titles }).toEqual({
        code: 0,
        warnings: [`the job summary could not be written: ${reason}`],
        titles: [name ?? ''],
      })
    }
  })
})

describe('the stack of what caused a failure', () => {
  const cause = Object.assign(new Error('of the disk'), { stack: 'Error: of the disk\n    at a' })
  const failing = (thrown: unknown) => ({
    ...read,
    failure: new Failure('internal_error', 'It failed', { cause: thrown }),
  })

  test('is shown with debug logging alone', async () => {
    expect((await published(failing(cause), { isDebug: true })).debugLines).toEqual(['Error: of the disk · at a'])
    expect((await published(failing(cause))).debugLines).toEqual([])
  })

  test('may be missing', async () => {
    expect((await published(failing('a text'), { isDebug: true })).debugLines).toEqual([])
    expect((await published(read, { isDebug: true })).debugLines).toEqual([])
    const bare = Object.assign(new Error('of the disk'), { stack: undefined })
    expect((await published(failing(bare), { isDebug: true })).debugLines).toEqual([''])
  })

  test('is not printed if that fails, which the summary shows', async () => {
    const { code, summary } = await published(failing(cause), { isDebug: true, log: { debug: throwing('EPIPE') } })
    expect(code).toBe(1)
    expect(summary.join('\n')).toContain('<li>⚠️ The stack could not be printed: EPIPE</li>')
  })
})

describe('outputs that cannot be written fail the step, which says what happened', () => {
  const runner = { setOutput: throwing('ENOSPC') }
  const fix = 'Make the file GITHUB_OUTPUT writable, for example free disk space on the runner'
  const once = `Do not send it again. ${fix}`
  const getting = 'The outputs operation, invoiceId, status, httpStatus, requestId, attempts, result'
  const { outcome: _, delivery: __, ...unsent } = submitted

  test.each<[step: StepReport, end: string]>([
    [read, `paid, invoice inv_1. ${fix}`],
    [submitted, `accepted, invoice inv_1. ${once}`],
    [unsent, `accepted. ${fix}`],
    [{ ...submitted, failure: stepFailure }, `failed, Vercel refused it. Check the token. ${fix}`],
    [{ delivery: deliveryOf(200, '') }, `accepted. ${fix}`],
    [{ name: 'submitInvoice', batch: batchOf({ succeeded: 3 }) }, `3 of 3 records succeeded. ${once}`],
    [
      { name: 'submitInvoice', batch: batchOf(), failure: stepFailure },
      `failed, Vercel refused it. Check the token. ${fix}`,
    ],
    [{ name: 'trackInvoices', tracking: trackingOf() }, `settled, 1 of 1 invoice paid. ${fix}`],
  ])('%#: … What happened: %s', async (step, end) => {
    const { code, errors, titles } = await published(step, { runner })
    expect(code).toBe(1)
    expect(errors.at(-1)?.split('could not be written: ENOSPC. What happened: ')[1]).toBe(end)
    expect(titles.at(-1)).toBe(step.name ?? 'Vercel Marketplace')
  })

  test('in one message, which the summary has without the advice', async () => {
    const { errors, summary } = await published(read, { runner })
    const unwritten = `${getting} could not be written: ENOSPC`
    expect(errors).toEqual([`${unwritten}. What happened: paid, invoice inv_1. ${fix}`])
    expect(summary.join('\n')).toContain(`<ul><li>⚠️ ${unwritten}</li></ul>`)
  })

  test('also if they cannot even be built', async () => {
    const secrets = Object.assign(new Secrets(), {
      scrub: (text: string) => text,
      scrubValue: throwing('out of memory'),
    })
    const { code, errors, warnings, outputs } = await published(read, { secrets })
    expect(code).toBe(1)
    expect(outputs).toEqual({})
    expect(warnings).toEqual(['the job summary could not be written: out of memory'])
    expect(errors).toEqual([
      `The outputs could not be written: out of memory. What happened: paid, invoice inv_1. ${fix}`,
    ])
  })
})

describe('the summary of a step', () => {
  const details = (rows: string) =>
    `<details><summary>Request</summary><table><tr><th align="left">Operation</th><td><code>getInvoice</code></td></tr>${rows}<tr><th align="left">Time</th><td>500 ms</td></tr></table></details>`

  test('has its outcome, its warnings and its request', async () => {
    const warnings = [{ message: 'is old', path: ['memo'] }]
    expect((await published({ ...read, warnings, sandbox: true })).summary).toEqual([
      '<h3>⚠️ getInvoice: paid</h3>',
      '<p>In the sandbox: no account was touched, and no customer was billed.</p>',
      '<table><tr><th align="left">Invoice</th><td><code>inv_1</code></td></tr><tr><th align="left">State</th><td>paid</td></tr></table>',
      '<ul><li>⚠️ memo is old</li></ul>',
      details(
        [
          ['integrationConfigurationId', '<code>icfg_1</code>'],
          ['invoiceId', '<code>inv_1</code>'],
          ['HTTP status', '200'],
          ['Request id', '<code>fra1::a</code>'],
          ['Attempts', '2'],
        ]
          .map(([name, value]) => `<tr><th align="left">${name}</th><td>${value}</td></tr>`)
          .join(''),
      ),
    ])
  })

  test('has as little as is known', async () => {
    expect((await published({ name: 'getInvoice', operation: getInvoice })).summary).toEqual([
      '<h3>✅ getInvoice: accepted</h3>',
      details(''),
    ])
    expect((await published({ name: 'getInvoice', operation: getInvoice, dryRun: true })).summary).toEqual([
      '<h3>✅ getInvoice: accepted</h3>',
      '<p>A dry run: the request was checked, and nothing was sent.</p>',
      details(''),
    ])
    expect((await published({ name: 'getInvoice' })).summary).toEqual([''])
  })

  test('of a failure has its code, its problems and what to do, without secrets', async () => {
    const secrets = new Secrets()
    secrets.add(['hunter2-token'])
    const failure = new Failure('invalid_payload', 'It has hunter2-token', {
      vercelCode: 'no_hunter2-token',
      hint: 'Remove hunter2-token',
      diagnostics: [{ message: 'is hunter2-token', path: ['memo'] }],
    })
    const problems = '<p><b>no_***</b>: It has ***</p><ul><li>memo is ***</li></ul><p>Remove ***<br></p>'
    expect((await published({ name: 'getInvoice', operation: getInvoice, failure }, { secrets })).summary).toEqual([
      '<h3>❌ getInvoice: failed</h3>',
      problems,
      details(''),
    ])
    // Before the operation is known.
    expect((await published({ name: 'getInvoice', failure }, { secrets })).summary).toEqual([
      `<h3>❌ getInvoice: failed</h3>${problems}`,
    ])
    expect((await published({ failure: new Failure('invalid_payload', 'No') })).summary).toEqual([
      '<h3>❌ Vercel Marketplace: failed</h3><p><b>invalid_payload</b>: No</p>',
    ])
  })

  test('says whether an invoice was submitted by this step, or before', async () => {
    const found = (change: object) =>
      published({ ...submitted, delivery: deliveryOf(200, '', { duplicate: true, ...change }) })
    expect((await found({})).summary[1]).toBe('<p>The invoice was submitted before. Nothing was billed now.</p>')
    expect((await found({ arrivedEarlier: true })).summary[1]).toBe(
      '<p>The first response was lost, and the invoice was submitted all the same. Nothing was billed twice.</p>',
    )
  })

  test('says where a new token is, and whether the previous one works', async () => {
    const operation = operationOf('rotateInstallationCredential')
    const rotated = (rotation?: StepReport['rotation']) =>
      published({
        name: operation.name,
        operation,
        delivery: deliveryOf(200, '{"access_token":"hunter2"}'),
        rotation,
      } as StepReport)
    const issued = '<p>Issued: an access token. The values are in the outputs, masked.</p>'
    expect((await rotated()).summary[1]).toBe(issued)
    expect((await rotated({ storedIn: 'the secret TOKEN', previousRevoked: true })).summary[1]).toBe(
      `${issued}<p>It is verified, and stored as the secret TOKEN. The previous one is revoked.</p>`,
    )
    const { summary, masks } = await rotated({ storedIn: 'the secret TOKEN', previousRevoked: false })
    expect(summary[1]).toBe(
      `${issued}<p>It is verified, and stored as the secret TOKEN. The previous one still works.</p>`,
    )
    expect(summary.join('\n')).not.toContain('hunter2')
    expect(masks).toEqual([])
  })

  test('of tracked invoices has its failure and warnings, without secrets', async () => {
    const secrets = new Secrets()
    secrets.add(['hunter2-token'])
    const step = { name: 'trackInvoices', tracking: trackingOf(), warnings: [{ message: 'Not hunter2-token' }] }
    const failure = new Failure('invalid_payload', 'It has hunter2-token', { hint: 'Remove it' })
    const table = [
      '<p><b>1 invoice</b> in 1 journal.</p>',
      '<table>',
      '<tr><th>State</th><th align="right">Invoices</th><th align="right">Amount</th></tr>',
      '<tr><td>✅ paid</td><td align="right">1</td><td align="right">10.00</td></tr>',
      '</table>',
      '<ul><li>⚠️ Not ***</li></ul>',
    ]
    expect((await published(step, { secrets })).summary).toEqual(['<h3>🔎 trackInvoices: settled</h3>', ...table])
    expect((await published({ ...step, failure, sandbox: true }, { secrets })).summary).toEqual([
      '<h3>🔎 trackInvoices: settled</h3>',
      '<p>In the sandbox: no account was touched, and no customer was billed.</p>',
      '<p>❌ It has ***. Remove it</p>',
      ...table,
    ])
  })
})
