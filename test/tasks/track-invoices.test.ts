// trackInvoices through main(), against a server that counts the requests.

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type CutProblem, findCutVariables } from '../../src/cut-variables.ts'
import { main } from '../../src/main.ts'
import { type Clock, systemClock } from '../../src/runtime.ts'
import { type Arrival, type SandboxServer, type ServerOptions, startSandboxServer } from '../../src/sandbox/server.ts'
import { begun, earlierText, header, outcome, sent, succeeded } from '../batch/journals.ts'
import { testRuntime } from '../test-runner.ts'

const token = 'vct-installation-token-4f1c'

/** A clock whose time passes only while something sleeps. */
function sleepClock(start = '2025-03-31T12:00:00Z'): Clock {
  let ms = 0
  return {
    now: () => new Date(Date.parse(start) + ms),
    monotonic: () => ms,
    async sleep(duration) {
      ms += duration
    },
  }
}

function newWorkspace(files: Readonly<Record<string, string>> = {}): string {
  const workspace = mkdtempSync(join(tmpdir(), 'tracking-'))
  onTestFinished(() => rmSync(workspace, { recursive: true, force: true }))
  for (const [path, content] of Object.entries(files)) writeFileSync(join(workspace, path), content)
  return workspace
}

async function startServer(options: ServerOptions = {}): Promise<SandboxServer> {
  const server = await startSandboxServer(options)
  onTestFinished(server.close)
  return server
}

interface InvoiceAnswer {
  readonly state?: string
  readonly [field: string]: unknown
}

/** A server whose invoices are those of a list, by id. A list of answers is answered one after the other. */
async function serve(invoices: Readonly<Record<string, InvoiceAnswer | readonly InvoiceAnswer[] | number>>) {
  const reads = new Map<string, number>()
  return startServer({
    faults({ path }: Arrival) {
      const id = path.split('/').at(-1) ?? ''
      const given = invoices[id] ?? 404
      if (typeof given === 'number') {
        return { type: 'answer', status: given, body: { error: { code: `code_${given}`, message: `no ${token}` } } }
      }
      const read = reads.get(id) ?? 0
      reads.set(id, read + 1)
      const list = Array.isArray(given) ? given : [given]
      const answer = list[Math.min(read, list.length - 1)] as InvoiceAnswer
      const body = {
        invoiceId: id,
        invoiceNumber: `no-${id}`,
        invoiceDate: '2025-03-01T00:00:00Z',
        total: '10.00',
        ...answer,
      }
      return { type: 'answer', status: 200, body }
    },
  })
}

/** A header of the API that the step asks: `track` fills in its address. */
const localHeader = { ...header, api: 'the API of the step' }

/** The journal of a batch in which every record succeeded. */
const journalOf = (invoiceIds: readonly string[], change: Partial<typeof header> = {}) =>
  earlierText(
    { ...localHeader, ...change },
    begun(invoiceIds.length),
    ...invoiceIds.flatMap((invoiceId, index) => [
      sent(`r-${invoiceId}`, { line: index + 1, installation: `icfg_${index + 1}`, amount: '10.00' }),
      succeeded(`r-${invoiceId}`, { line: index + 1, installation: `icfg_${index + 1}`, invoiceId }),
    ]),
  )

/** Journals in which the API of the step has its address. They have no checksums, so that their text can be changed. */
const withApi = (journals: Readonly<Record<string, string>>, api = '') =>
  Object.fromEntries(Object.entries(journals).map(([path, text]) => [path, text.replaceAll(localHeader.api, api)]))

async function track(
  inputs: Readonly<Record<string, string>>,
  {
    journals = {},
    workspace = newWorkspace(withApi(journals, inputs['api-url'])),
    clock = sleepClock(),
    signal,
    cutProblem,
  }: {
    journals?: Readonly<Record<string, string>>
    workspace?: string
    clock?: Clock
    signal?: AbortSignal
    cutProblem?: CutProblem
  } = {},
) {
  const temp = newWorkspace()
  const summaryFile = join(temp, 'summary')
  const env = { GITHUB_WORKSPACE: workspace, GITHUB_STEP_SUMMARY: summaryFile, RUNNER_TEMP: temp }
  writeFileSync(summaryFile, '')
  const all = { operation: 'trackInvoices', token, 'journal-file': '*.ndjson', ...inputs }
  const runtime = testRuntime(all, { env, clock, cutProblem, ...(signal && { signal }) })
  const code = await main(runtime)
  const { outputs, lines, debugLines, errors, warnings } = runtime.runner
  const summary = readFileSync(summaryFile, 'utf8')
  const visible = [...lines, ...debugLines, ...errors, ...warnings, summary, JSON.stringify(outputs)].join('\n')
  const leftovers = readdirSync(temp).filter(
    (name) => name.startsWith('vercel-marketplace-') && !name.includes('sandbox'),
  )
  const result = outputs.result === undefined ? undefined : JSON.parse(outputs.result)
  return { code, outputs, result, lines, errors, warnings, summary, visible, leftovers }
}

const methods = ({ arrivals }: SandboxServer) => [...new Set(arrivals.map(({ method }) => method))]

describe('the invoices of a journal', () => {
  test('are not asked for if Windows passes on a part of the list of tokens', async () => {
    const server = await serve({ inv_1: { state: 'paid' } })
    const journals = { 'a.ndjson': journalOf(['inv_1']) }
    const inputs = { 'api-url': server.url, tokens: '{"icfg_1": "to' }
    const step = await track(inputs, {
      journals,
      cutProblem: findCutVariables(() => ({ INPUT_TOKENS: '{"icfg_1": "token"}' })),
    })
    expect(step.errors).toEqual([expect.stringMatching(/^Input `tokens` arrived in part.*`tokens-file`/)])
    expect(server.arrivals).toEqual([])
  })

  test('are counted and summed by state, and only reads are sent', async () => {
    const server = await serve({
      inv_1: { state: 'paid' },
      inv_2: { state: 'paid', total: '12.345' },
      inv_3: { state: 'invoiced', total: '1000000000000000000.01' },
    })
    const step = await track(
      { 'api-url': server.url },
      { journals: { 'a.ndjson': journalOf(['inv_1', 'inv_2', 'inv_3']) } },
    )
    expect(step.code).toBe(0)
    expect(step.errors).toEqual([])
    expect(step.outputs).toEqual({
      operation: 'trackInvoices',
      status: 'open',
      total: '3',
      amount: '1000000000000000022.355',
      paid: '2',
      unpaid: '0',
      result: '{"paid":{"count":2,"amount":"22.345"},"invoiced":{"count":1,"amount":"1000000000000000000.01"}}',
    })
    expect(step.lines).toEqual([
      '1 journal: 3 invoices to track',
      '2 paid (22.345), 1 invoiced (1,000,000,000,000,000,000.01)',
      'trackInvoices: open, 2 of 3 invoices paid',
    ])
    expect(methods(server)).toEqual(['GET'])
    expect(server.arrivals.map(({ path }) => path).sort()).toEqual([
      '/v1/installations/icfg_1/billing/invoices/inv_1',
      '/v1/installations/icfg_2/billing/invoices/inv_2',
      '/v1/installations/icfg_3/billing/invoices/inv_3',
    ])
    expect(step.leftovers).toEqual([])
    expect(step.visible).not.toContain(token)
  })

  test.each<[status: string, states: readonly string[], unpaid: string]>([
    ['settled', ['paid', 'refunded'], '0'],
    ['open', ['paid', 'refund_requested'], '0'],
    ['open', ['paid', 'pending'], '0'],
    ['open', ['some_new_state'], '0'],
    ['attention', ['paid', 'notpaid'], '1'],
    ['attention', ['overdue', 'notpaid'], '2'],
  ])('have the status %s if their states are %j', async (status, states, unpaid) => {
    const ids = states.map((_, index) => `inv_${index}`)
    const server = await serve(Object.fromEntries(ids.map((id, index) => [id, { state: states[index] as string }])))
    const step = await track({ 'api-url': server.url }, { journals: { 'a.ndjson': journalOf(ids) } })
    expect(step).toMatchObject({ code: 0, outputs: { status, unpaid, total: String(ids.length) } })
  })

  test('are read with the token of their installation', async () => {
    const server = await serve({ inv_1: { state: 'paid' }, inv_2: { state: 'paid' } })
    const tokens = JSON.stringify({ icfg_1: 'token-of-icfg-1' })
    const step = await track(
      { 'api-url': server.url, tokens },
      { journals: { 'a.ndjson': journalOf(['inv_1', 'inv_2']) } },
    )
    expect(step.code).toBe(0)
    expect(server.arrivals.map(({ headers }) => headers.authorization).sort()).toEqual([
      'Bearer token-of-icfg-1',
      `Bearer ${token}`,
    ])
  })

  test('that bill nobody are counted, and their amounts are kept apart', async () => {
    const server = await serve({ inv_1: { state: 'paid' }, inv_2: { state: 'overdue', test: true, total: '7.00' } })
    const step = await track({ 'api-url': server.url }, { journals: { 'a.ndjson': journalOf(['inv_1', 'inv_2']) } })
    expect(step.result).toEqual({ paid: { count: 1, amount: '10.00' }, overdue: { count: 1, amount: '0.00' } })
    expect(step.outputs).toMatchObject({ amount: '10.00', unpaid: '1' })
    expect(step.summary).toContain('1 of them are test invoices')
    expect(step.summary).toContain('7.00')
  })
})

describe('what needs attention', () => {
  test('is listed in the summary: unpaid invoices, oldest first, with their age', async () => {
    const server = await serve({
      inv_1: { state: 'notpaid', invoiceDate: '2025-03-20T00:00:00Z' },
      inv_2: { state: 'overdue', invoiceDate: '2025-02-01T00:00:00Z' },
      inv_3: { state: 'refunded', refundTotal: '4.00' },
    })
    const step = await track(
      { 'api-url': server.url },
      { journals: { 'a.ndjson': journalOf(['inv_1', 'inv_2', 'inv_3']) } },
    )
    expect(step.code).toBe(0)
    const { summary } = step
    expect(summary).toContain('not paid, will be tried again')
    expect(summary.indexOf('no-inv_2')).toBeLessThan(summary.indexOf('no-inv_1'))
    expect(summary).toContain('<td align="right">58</td>')
    expect(summary).toContain('<td align="right">11</td>')
    expect(summary).toContain('<td align="right">4.00</td>')
  })

  test.each([
    ['overdue', 'overdue', 1, { errorCode: 'state_found', status: 'attention' }],
    ['paid, overdue', 'paid', 1, { errorCode: 'state_found', status: 'settled' }],
    ['overdue', 'notpaid', 0, { status: 'attention' }],
  ])('fails the step with fail-on: %s if it is %s: exit code %i', async (failOn, state, code, outputs) => {
    const server = await serve({ inv_1: { state } })
    const inputs = { 'api-url': server.url, 'fail-on': failOn }
    const step = await track(inputs, { journals: { 'a.ndjson': journalOf(['inv_1']) } })
    expect(step.code).toBe(code)
    expect(step.outputs).toMatchObject(outputs)
  })

  test('a failed step lists overdue invoices first, and counts the rest', async () => {
    const ids = Array.from({ length: 12 }, (_, index) => `inv_${index + 1}`)
    const states = ids.map((id, index) => [id, { state: index < 9 ? 'notpaid' : 'overdue' }])
    const server = await serve(Object.fromEntries(states))
    const inputs = { 'api-url': server.url, 'fail-on': 'notpaid, overdue' }
    const { errors } = await track(inputs, { journals: { 'a.ndjson': journalOf(ids) } })
    expect(errors.slice(1, 4).every((line) => line.includes(': overdue, '))).toBe(true)
    expect(errors.slice(4, 9).every((line) => line.includes(': notpaid, '))).toBe(true)
    expect(errors.slice(9)).toEqual(['and 4 more'])
  })

  test('a failed step names the invoices', async () => {
    const server = await serve({ inv_1: { state: 'overdue' }, inv_2: { state: 'paid' } })
    const inputs = { 'api-url': server.url, 'fail-on': 'overdue' }
    const step = await track(inputs, { journals: { 'a.ndjson': journalOf(['inv_1', 'inv_2']) } })
    expect(step.errors).toEqual([
      '`fail-on` applies: 1 invoice overdue. The summary lists the invoices that need attention. Do not submit them again',
      'line 1, "icfg_1", invoice "no-inv_1" ("inv_1"): overdue, 10.00, 30 days old',
    ])
  })
})

describe('an invoice that cannot be read', () => {
  test.each([
    ['is not found', 404, 'code_404'],
    ['belongs to an installation that was deleted', 410, 'code_410'],
    ['is refused', 403, 'code_403'],
  ])('because it %s fails the step, with the reason', async (_, status, code) => {
    const server = await serve({ inv_1: status, inv_2: { state: 'paid' } })
    const step = await track({ 'api-url': server.url }, { journals: { 'a.ndjson': journalOf(['inv_1', 'inv_2']) } })
    expect(step.code).toBe(1)
    expect(step.outputs).toMatchObject({ status: 'attention', errorCode: 'invoices_unreadable', paid: '1', total: '2' })
    expect(step.result).toEqual({ paid: { count: 1, amount: '10.00' }, unknown: { count: 1, amount: '10.00' } })
    expect(step.errors[0]).toMatch(/^1 of 2 invoices could not be read\. /)
    expect(step.errors[1]).toContain(code)
    expect(step.summary).toContain('Could not be read')
    expect(step.visible).not.toContain(token)
    expect(server.arrivals).toHaveLength(2)
  })

  test('at first is asked for again, as often as max-attempts allows', async () => {
    const server = await serve({ inv_1: 503 })
    const inputs = { 'api-url': server.url, 'max-attempts': '3' }
    const step = await track(inputs, { journals: { 'a.ndjson': journalOf(['inv_1']) } })
    expect(step.outputs).toMatchObject({ errorCode: 'invoices_unreadable', status: 'attention' })
    expect(server.arrivals).toHaveLength(3)
  })

  test.each([
    ['no invoice', { type: 'answer', status: 200, body: [] }],
    ['no state', { type: 'answer', status: 200, body: { invoiceId: 'inv_1' } }],
    ['another invoice', { type: 'answer', status: 200, body: { invoiceId: 'inv_2', state: 'paid' } }],
    ['a page of a proxy', { type: 'answer', status: 200, body: '<html>log in</html>' }],
  ] as const)('because the response has %s does not count as paid', async (_, fault) => {
    const server = await startServer({ faults: () => fault })
    const inputs = { 'api-url': server.url, 'max-attempts': '1' }
    const step = await track(inputs, { journals: { 'a.ndjson': journalOf(['inv_1']) } })
    expect(step.code).toBe(1)
    expect(step.outputs).toMatchObject({ status: 'attention', errorCode: 'invoices_unreadable', paid: '0' })
  })

  test('because its installation has no token is reported, and the others are read', async () => {
    const server = await serve({ inv_1: { state: 'paid' }, inv_2: { state: 'paid' } })
    const inputs = { 'api-url': server.url, token: '', tokens: '{"icfg_1": "token-1"}' }
    const step = await track(inputs, { journals: { 'a.ndjson': journalOf(['inv_1', 'inv_2']) } })
    expect(step.outputs).toMatchObject({ errorCode: 'invoices_unreadable', status: 'attention', paid: '1' })
    expect(step.errors[1]).toContain('The installation "icfg_2" has no token')
    expect(server.arrivals).toHaveLength(1)
  })

  test('because nothing can be reached leaves the step without any answer', async () => {
    const server = await serve({})
    await server.close()
    const inputs = { 'api-url': server.url, 'max-attempts': '1' }
    const step = await track(inputs, { journals: { 'a.ndjson': journalOf(['inv_1']) } })
    expect(step.outputs).toMatchObject({ status: 'failed', errorCode: 'unopened', total: '1' })
  })
})

describe('a record without an invoice id', () => {
  const journal = earlierText(
    localHeader,
    begun(6),
    sent('paid', { amount: '10.00' }),
    succeeded('paid', { invoiceId: 'inv_1' }),
    sent('lost', { amount: '2.00', line: 2, externalId: 'ours-2' }),
    outcome('lost', 'unknown', { line: 2, code: 'outcome_unknown', message: 'The response was lost' }),
    sent('dup', { amount: '3.00', line: 3, externalId: 'ours-3' }),
    succeeded('dup', { line: 3, status: 'duplicate' }),
    sent('bad', { amount: '4.00', line: 4 }),
    outcome('bad', 'failed', { line: 4 }),
    sent('tested', { line: 5 }),
    succeeded('tested', { line: 5, status: 'validated' }),
  )

  test('counts as unknown, is listed, and does not fail the step', async () => {
    const server = await serve({ inv_1: { state: 'paid' } })
    const step = await track({ 'api-url': server.url }, { journals: { 'a.ndjson': journal } })
    expect(step.code).toBe(0)
    expect(step.outputs).toMatchObject({ status: 'attention', total: '3', amount: '15.00', paid: '1' })
    expect(step.result).toEqual({ paid: { count: 1, amount: '10.00' }, unknown: { count: 2, amount: '5.00' } })
    expect(step.lines[0]).toBe('1 journal: 3 invoices to track; 3 records without an invoice')
    expect(step.summary).toContain('ours-2')
    expect(step.summary).toContain('The response was lost')
    expect(step.summary).toContain('ours-3')
    expect(server.arrivals).toHaveLength(1)
  })

  test('fails the step with fail-on: unknown', async () => {
    const server = await serve({ inv_1: { state: 'paid' } })
    const step = await track({ 'api-url': server.url, 'fail-on': 'unknown' }, { journals: { 'a.ndjson': journal } })
    expect(step.outputs).toMatchObject({ status: 'attention', errorCode: 'state_found' })
    expect(step.errors).toHaveLength(3)
  })
})

describe('journals', () => {
  test.each<[what: string, content: string, message: RegExp]>([
    [
      'another operation',
      journalOf(['inv_1'], { operation: 'updateInvoice' }),
      /is of "updateInvoice", not of submitInvoice/,
    ],
    [
      'another API',
      journalOf(['inv_1'], { api: 'api.vercel.com' }),
      /records what was sent to "https:\/\/api.vercel.com"/,
    ],
    ['the sandbox', journalOf(['inv_1'], { api: 'sandbox' }), /sent to "sandbox".*Set `api-url: sandbox`/],
    ['an invalid shard', journalOf(['inv_1'], { shard: '3/2' }), /has an invalid shard: "3\/2"/],
    [
      'an id that leads elsewhere',
      journalOf(['..']),
      /is damaged: the invoice id of the record of line "1" must be an id, not "\.\."/,
    ],
    ['another file', '{"a": 1}\n', /was not written by this action/],
  ])('of %s are refused, and nothing is sent', async (_, content, message) => {
    const server = await serve({})
    const step = await track({ 'api-url': server.url }, { journals: { 'a.ndjson': content } })
    expect(step.code).toBe(1)
    expect(step.outputs).toMatchObject({ status: 'failed', errorCode: 'journal_unusable' })
    expect(step.errors[0]).toMatch(message)
    expect(server.arrivals).toEqual([])
  })

  test('that do not exist are refused', async () => {
    const server = await serve({})
    const step = await track({ 'api-url': server.url })
    expect(step.errors[0]).toMatch(/^No journal matches "\*\.ndjson"/)
    const one = await track({ 'api-url': server.url, 'journal-file': 'none.ndjson' })
    expect(one.errors[0]).toMatch(/none\.ndjson" does not exist: paths are relative to the workspace/)
  })

  test('of shards are read together, and a missing one is a warning', async () => {
    const server = await serve({ inv_1: { state: 'paid' }, inv_2: { state: 'paid' } })
    const step = await track(
      { 'api-url': server.url, 'journal-file': 'a.ndjson\nb.ndjson' },
      {
        journals: {
          'a.ndjson': journalOf(['inv_1'], { shard: '1/3' }),
          'b.ndjson': journalOf(['inv_2'], { shard: '3/3' }),
        },
      },
    )
    expect(step.code).toBe(0)
    expect(step.outputs).toMatchObject({ total: '2', paid: '2' })
    expect(step.warnings).toEqual([expect.stringMatching(/^1 journal of 3 is missing \(shard 2\/3\)/)])
    expect(step.summary).toContain('shard 2/3')
  })

  test('of several months are read together', async () => {
    const server = await serve({ inv_1: { state: 'paid' }, inv_2: { state: 'paid' }, inv_3: { state: 'paid' } })
    const journals = { 'oct.ndjson': journalOf(['inv_1', 'inv_2']), 'nov.ndjson': journalOf(['inv_3']) }
    const step = await track({ 'api-url': server.url }, { journals })
    expect(step.outputs).toMatchObject({ total: '3', paid: '3' })
    expect(step.warnings).toEqual([])
  })

  test('that a later one continues count once', async () => {
    const server = await serve({ inv_1: { state: 'paid' }, inv_2: { state: 'paid' } })
    const early = earlierText(
      localHeader,
      begun(2),
      sent('a', { amount: '10.00' }),
      succeeded('a', { invoiceId: 'inv_1' }),
      sent('b'),
    )
    const late = earlierText(
      begun(2),
      sent('b', { amount: '10.00', resumed: true }),
      succeeded('b', { invoiceId: 'inv_2' }),
    )
    const journals = { 'a1.ndjson': early, 'a2.ndjson': early + late, 'a3.ndjson': early.slice(0, -20) }
    const step = await track({ 'api-url': server.url }, { journals })
    expect(step.outputs).toMatchObject({ total: '2', paid: '2', status: 'settled' })
    expect(server.arrivals).toHaveLength(2)
  })

  test('without an invoice are a warning', async () => {
    const server = await serve({})
    const step = await track(
      { 'api-url': server.url },
      { journals: { 'a.ndjson': earlierText(localHeader, begun(1)) } },
    )
    expect(step.code).toBe(0)
    expect(step.outputs).toMatchObject({ total: '0', amount: '0.00', result: '{}' })
    expect(step.warnings).toEqual(['The journals have no invoices: nothing to track'])
  })
})

describe('wait-for', () => {
  const journals = { 'a.ndjson': journalOf(['inv_1', 'inv_2']) }
  const wait = { 'wait-for': 'paid', 'wait-timeout': '60', 'wait-interval': '10' }

  test('asks again for the invoices that are not in the state, until they are', async () => {
    const server = await serve({
      inv_1: { state: 'paid' },
      inv_2: [{ state: 'pending' }, { state: 'invoiced' }, { state: 'notpaid' }, { state: 'paid' }],
    })
    const step = await track({ ...wait, 'api-url': server.url }, { journals })
    expect(step.code).toBe(0)
    expect(step.outputs).toMatchObject({ status: 'settled', paid: '2', unpaid: '0', amount: '20.00' })
    expect(step.result).toEqual({ paid: { count: 2, amount: '20.00' } })
    expect(step.summary).not.toContain('Not paid, oldest first')
    const reads = server.arrivals.map(({ path }) => path.split('/').at(-1))
    expect(reads.filter((id) => id === 'inv_1')).toHaveLength(1)
    expect(reads.filter((id) => id === 'inv_2')).toHaveLength(4)
    expect(methods(server)).toEqual(['GET'])
  })

  test('fails if an invoice does not reach the state in time, and says where it is', async () => {
    const server = await serve({ inv_1: { state: 'paid' }, inv_2: { state: 'invoiced' } })
    const step = await track({ ...wait, 'api-url': server.url }, { journals })
    expect(step.code).toBe(1)
    expect(step.outputs).toMatchObject({ status: 'open', errorCode: 'wait_timeout', paid: '1' })
    expect(step.errors[0]).toMatch(
      /^1 invoice did not become paid within 1 min: 1 invoiced\. Do not submit them again\./,
    )
    // At once, and then every ten seconds for less than a minute.
    expect(server.arrivals).toHaveLength(1 + 6)
  })

  test('does not wait for what cannot come any more', async () => {
    const server = await serve({ inv_1: { state: 'paid' }, inv_2: { state: 'refunded' } })
    const step = await track({ ...wait, 'api-url': server.url }, { journals })
    expect(step.outputs).toMatchObject({ status: 'settled', errorCode: 'state_unreachable' })
    expect(server.arrivals).toHaveLength(2)
  })

  test('asks again after a failure that passes, and not after a refusal', async () => {
    let reads = 0
    const server = await startServer({
      faults({ path }) {
        const invoiceId = path.split('/').at(-1)
        if (invoiceId === 'inv_1') return { type: 'answer', status: 404 }
        return ++reads < 3
          ? { type: 'answer', status: 503 }
          : { type: 'answer', status: 200, body: { invoiceId, state: 'paid', total: '10.00' } }
      },
    })
    const step = await track({ ...wait, 'max-attempts': '1', 'api-url': server.url }, { journals })
    expect(step.outputs).toMatchObject({ status: 'attention', errorCode: 'invoices_unreadable', paid: '1' })
    expect(server.arrivals).toHaveLength(1 + 3)
  })

  test('keeps the state that was read before a failure', async () => {
    let reads = 0
    const server = await startServer({
      faults: () =>
        ++reads === 1
          ? { type: 'answer', status: 200, body: { invoiceId: 'inv_1', state: 'overdue', total: '10.00' } }
          : { type: 'drop', work: false },
    })
    const inputs = { ...wait, 'max-attempts': '1', 'api-url': server.url }
    const step = await track(inputs, { journals: { 'a.ndjson': journalOf(['inv_1']) } })
    expect(step.outputs).toMatchObject({ status: 'attention', unpaid: '1', errorCode: 'wait_timeout' })
  })
})

describe('a cancelled step', () => {
  test('ends with what is known so far', async () => {
    const cancelled = new AbortController()
    const server = await startServer({
      faults({ path }) {
        cancelled.abort()
        return {
          type: 'answer',
          status: 200,
          body: { invoiceId: path.split('/').at(-1), state: 'paid', total: '10.00' },
        }
      },
    })
    const inputs = { 'api-url': server.url, concurrency: '1' }
    const journals = { 'a.ndjson': journalOf(['inv_1', 'inv_2', 'inv_3']) }
    const step = await track(inputs, { journals, signal: cancelled.signal })
    expect(step.code).toBe(1)
    expect(step.outputs).toMatchObject({
      status: 'open',
      errorCode: 'cancelled',
      paid: '1',
      total: '3',
      amount: '10.00',
    })
    expect(step.result).toEqual({ paid: { count: 1, amount: '10.00' } })
    expect(step.errors[0]).toBe(
      'The step was cancelled; 2 invoices were not asked for. Run the step again: it only reads',
    )
    expect(server.arrivals).toHaveLength(1)
    expect(step.leftovers).toEqual([])
  })

  test('that was cancelled before it asked sends nothing', async () => {
    const server = await serve({})
    const journals = { 'a.ndjson': journalOf(['inv_1']) }
    const step = await track({ 'api-url': server.url }, { journals, signal: AbortSignal.abort() })
    expect(step.outputs).toMatchObject({ status: 'failed', errorCode: 'cancelled' })
    expect(server.arrivals).toEqual([])
  })

  test('does not wait any longer', async () => {
    const cancelled = new AbortController()
    const server = await serve({ inv_1: { state: 'pending' } })
    const clock = sleepClock()
    const stopping: Clock = {
      ...clock,
      async sleep(ms) {
        cancelled.abort()
        await clock.sleep(ms)
      },
    }
    const inputs = { 'api-url': server.url, 'wait-for': 'paid' }
    const journals = { 'a.ndjson': journalOf(['inv_1']) }
    const step = await track(inputs, { journals, clock: stopping, signal: cancelled.signal })
    expect(step.outputs).toMatchObject({ status: 'open', errorCode: 'cancelled' })
    expect(server.arrivals).toHaveLength(1)
  })
})

describe('a rate limit', () => {
  test('that is longer than retry-timeout ends the step with what is known', async () => {
    const server = await startServer({
      faults: () => ({ type: 'answer', status: 429, headers: { 'retry-after': '3600' } }),
    })
    const step = await track({ 'api-url': server.url }, { journals: { 'a.ndjson': journalOf(['inv_1']) } })
    expect(step.code).toBe(1)
    expect(step.outputs.errorCode).toMatch(/throttled|http_429|invoices_unreadable/)
    expect(server.arrivals).toHaveLength(1)
  })
})

describe('in the sandbox', () => {
  const invoiceOf = (installation: string, change: object) =>
    JSON.stringify({
      integrationConfigurationId: installation,
      invoiceDate: '2025-03-01T00:00:00Z',
      period: { start: '2025-03-01T00:00:00Z', end: '2025-04-01T00:00:00Z' },
      items: [{ billingPlanId: 'pro', name: 'Storage', price: '1.50', quantity: 2, units: 'GB', total: '3.00' }],
      ...change,
    })

  test('a batch is submitted and tracked until its invoices are paid, not paid and overdue', async () => {
    const lines = ['paid', 'notpaid', 'overdue'].map((result) => invoiceOf(`icfg_${result}`, { test: { result } }))
    const real = invoiceOf('icfg_real', {})
    const server = await startServer()
    const workspace = newWorkspace({ 'batch.txt': `${[real, ...lines].join('\n')}\n` })
    const clock: Clock = { ...systemClock, now: sleepClock().now }
    const runtime = testRuntime(
      {
        operation: 'submitInvoice',
        'batch-file': 'batch.txt',
        token,
        'api-url': server.url,
        'journal-file': 'j.ndjson',
      },
      { env: { GITHUB_WORKSPACE: workspace, RUNNER_TEMP: workspace }, clock },
    )
    expect(await main(runtime)).toBe(0)
    const submitted = server.arrivals.length
    const step = await track(
      { 'api-url': server.url, 'wait-for': 'paid,notpaid,overdue', 'fail-on': 'overdue' },
      { workspace },
    )
    expect(step.outputs).toMatchObject({ status: 'attention', paid: '2', unpaid: '2', errorCode: 'state_found' })
    expect(step.result).toEqual({
      paid: { count: 2, amount: '3.00' },
      notpaid: { count: 1, amount: '0.00' },
      overdue: { count: 1, amount: '0.00' },
    })
    expect(server.arrivals.slice(submitted).every(({ method }) => method === 'GET')).toBe(true)
  })
})
