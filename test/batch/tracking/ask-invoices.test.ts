import { describe, expect, test } from 'vitest'
import { Tracking } from '../../../src/batch/tracking/ask-invoices.ts'
// Loaded here, because the test clock does not wait for imports.
import '../../../src/failure-register.ts'
import { InvoiceTable } from '../../../src/batch/tracking/invoice-table.ts'
import type { TrackedInvoice } from '../../../src/batch/tracking/tracked-invoice.ts'
import type { HttpResponse, Transport } from '../../../src/http/transport.ts'
import { TransportError } from '../../../src/http/transport-error.ts'
import { loadOperation } from '../../../src/operations/load.ts'
import { newFolder } from '../files.ts'
import { TestClock } from '../test-clock.ts'
import { track } from './invoice-server.ts'
import { rowOf } from './rows.ts'

const [submission, operation] = [await loadOperation('submitInvoice'), await loadOperation('getInvoice')]
const failed = (status: number) => ({ status, text: `{"error":{"code":"code_${status}"}}` })
const wait = { states: ['paid'], timeoutMs: 60_000, intervalMs: 10_000 }
const once = { maxAttempts: 1, attemptTimeoutMs: 30_000, retryTimeoutMs: 300_000 }

describe('before an invoice is asked for', () => {
  test('a step that was cancelled says so', async () => {
    const { failure, report, server, lines } = await track(2, () => 'paid', { signal: AbortSignal.abort() })
    expect(failure).toMatchObject({
      code: 'cancelled',
      message: 'The step was cancelled before it asked for an invoice',
      hint: 'Run the step again: it only reads',
    })
    expect(report).toBeUndefined()
    expect([server.asked, lines]).toEqual([[], []])
  })

  test('no connection is opened if no invoice can be read', async () => {
    const table = new InvoiceTable(newFolder())
    table.add(rowOf({ status: 'unknown' }))
    const { found, opened } = await trackTable(table, { failOn: ['unknown'] })
    expect(opened).toBe(0)
    expect(found).toMatchObject({ hasAnswers: true, failure: { code: 'state_found' } })
  })
})

describe('reading', () => {
  test('closes its connection', async () => {
    const { server } = await track(2, () => 'paid')
    expect(server.closed).toBe(1)
  })

  test('ends if no connection opens for retry-timeout, and says how many invoices are left', async () => {
    const refused = () => new TransportError('connect', 'connection refused', { mayHaveArrived: false })
    const { failure, report, server, rows } = await track(3, refused, { concurrency: 1 })
    expect(failure).toMatchObject({
      code: 'unopened',
      message: 'No connection could be opened for `retry-timeout`: connection refused; 3 invoices were not asked for',
    })
    expect(report?.status).toBe('failed')
    expect(rows.map(({ status }) => status)).toEqual(['not started', 'not started', 'not started'])
    expect(server.closed).toBe(1)
  })

  test('has an answer if one invoice was refused', async () => {
    const { report, failure } = await track(1, () => failed(404))
    expect(failure?.code).toBe('invoices_unreadable')
    expect(report?.status).toBe('attention')
  })

  test('has no answer if all requests were lost', async () => {
    const lost = () => new TransportError('reset', 'connection reset', { mayHaveArrived: true })
    const { report, failure } = await track(2, lost, { limits: once })
    expect(failure?.code).toBe('invoices_unreadable')
    expect(report?.status).toBe('failed')
  })

  test('ends at once if it is cancelled while a rate limit lasts', async () => {
    const cancelled = new AbortController()
    const answer = () => {
      cancelled.abort()
      return { status: 429, headers: { 'retry-after': '100' }, text: '' }
    }
    const { failure, server, ms } = await track(3, answer, { signal: cancelled.signal, concurrency: 1 })
    expect(failure?.message).toBe('The step was cancelled; 3 invoices were not asked for')
    expect(server.asked).toHaveLength(1)
    expect(ms).toBe(50)
  })

  test('counts unreadable invoices in its progress', async () => {
    const { lines } = await track(30, () => failed(404), { concurrency: 1, msPerAnswer: 1000 })
    expect(lines).toEqual([
      '1 journal: 30 invoices to track',
      '10 of 30 (33 %), 1/s, about 20 s left; 10 failed',
      '20 of 30 (66 %), 1/s, about 10 s left; 20 failed',
      '30 unreadable (300.00)',
    ])
  })

  test('asks once without `wait-for`, also for what could not be read', async () => {
    const { server } = await track(2, () => failed(503), { limits: once })
    expect(server.asked).toHaveLength(2)
  })
})

describe('waiting', () => {
  test('says at most every ten seconds what it waits for, and for how long', async () => {
    const long = { states: ['paid', 'refunded'], timeoutMs: 25_000, intervalMs: 2000 }
    const { lines, ms } = await track(2, () => 'invoiced', { wait: long, msPerAnswer: 0 })
    const text = 'waiting for 2 invoices to be paid or refunded: asking every 2 s, for up to'
    expect(lines).toEqual([
      '1 journal: 2 invoices to track',
      `${text} 25 s more`,
      `${text} 15 s more`,
      `${text} 5 s more`,
      '2 invoiced (20.00)',
    ])
    expect(ms).toBe(25_000)
  })

  test('asks at the end of each interval, and not at the end of the waiting', async () => {
    const { server, ms } = await track(1, () => 'invoiced', { wait, msPerAnswer: 0 })
    expect(server.asked).toHaveLength(6)
    expect(ms).toBe(60_000)
  })

  test('ends at once when all invoices are in a wanted state', async () => {
    const { ms, lines } = await track(2, () => 'paid', { wait })
    expect(ms).toBe(50)
    expect(lines).toHaveLength(2)
  })

  test('does not retry beyond its end', async () => {
    const limits = { maxAttempts: 50, attemptTimeoutMs: 30_000, retryTimeoutMs: 300_000 }
    const { ms, failure } = await track(1, (_, read) => (read === 0 ? 'invoiced' : failed(503)), { wait, limits })
    expect(failure?.code).toBe('wait_timeout')
    expect(ms).toBeLessThanOrEqual(60_000 + 50)
  })

  test('retries the first reading for retry-timeout, although the waiting is shorter', async () => {
    const limits = { maxAttempts: 3, attemptTimeoutMs: 30_000, retryTimeoutMs: 300_000 }
    const short = { ...wait, timeoutMs: 1 }
    const { server } = await track(1, (_, read) => (read < 2 ? failed(503) : 'paid'), { wait: short, limits })
    expect(server.asked).toHaveLength(3)
  })

  test('ends when it is cancelled', async () => {
    const cancelled = new AbortController()
    const answer = (_: string, read: number) => {
      if (read === 1) cancelled.abort()
      return 'invoiced'
    }
    const { server, failure } = await track(1, answer, { wait, signal: cancelled.signal })
    expect(failure).toMatchObject({ code: 'cancelled', message: 'The step was cancelled' })
    expect(server.asked).toHaveLength(2)
  })

  test.each<[what: string, later: (read: number) => ReturnType<typeof failed> | string, status: string, asked: number]>(
    [
      ['keeps a state that cannot be read again', () => failed(503), 'invoiced', 6],
      ['forgets a state that Vercel refuses to show', () => failed(404), 'unknown', 2],
      ['asks no more for a state that cannot change to a wanted one', () => 'refunded', 'refunded', 2],
      ['asks no more for a wanted state', () => 'paid', 'paid', 2],
    ],
  )('%s', async (_, later, status, asked) => {
    const answer = (_: string, read: number) => (read === 0 ? 'invoiced' : later(read))
    const { rows, server } = await track(1, answer, { wait, limits: once, msPerAnswer: 0 })
    expect(rows.map((row) => row.status)).toEqual([status])
    expect(server.asked).toHaveLength(asked)
  })

  test('asks again for what could not be read, until Vercel refuses it', async () => {
    const { rows, server } = await track(1, (_, read) => failed(read < 2 ? 503 : 403), { wait, limits: once })
    expect(server.asked).toHaveLength(3)
    expect(rows).toEqual([expect.objectContaining({ status: 'unknown', httpStatus: 403 })])
  })

  test('reports a refund that grew, and leaves the time of a state that is the same', async () => {
    const answer = (_: string, read: number) => ({
      text: JSON.stringify({ state: 'refunded', refundTotal: read < 2 ? '4.00' : '9.00' }),
    })
    const refund = { ...wait, states: ['refund_requested'], timeoutMs: 15_000 }
    const { rows } = await track(1, answer, { wait: refund, msPerAnswer: 0 })
    expect(rows).toEqual([expect.objectContaining({ refunded: '4.00', at: '2025-03-15T00:00:00.000Z' })])
    const later = await track(1, answer, { wait: { ...refund, timeoutMs: 25_000 }, msPerAnswer: 0 })
    expect(later.rows).toEqual([expect.objectContaining({ refunded: '9.00', at: '2025-03-15T00:00:20.000Z' })])
  })
})

describe('a row that cannot be stored', () => {
  test.each(['get', 'set'] as const)('ends the step with the reason: %s', async (method) => {
    class FailingTable extends InvoiceTable {
      isFull = false

      override get(index: number): TrackedInvoice | undefined {
        if (this.isFull && method === 'get') throw new Error('the disk is full')
        return super.get(index)
      }

      override set(index: number, row: TrackedInvoice): void {
        if (this.isFull && method === 'set') throw new Error('the disk is full')
        super.set(index, row)
      }
    }
    const table = new FailingTable(newFolder())
    for (const invoiceId of ['inv_1', 'inv_2', 'inv_3', 'inv_4'])
      table.setPending(table.add(rowOf({ invoiceId })), true)
    const onOpen = () => {
      table.isFull = true
    }
    const send = async (_: string, clock: TestClock) => {
      await clock.sleep(10)
      return { status: 200, headers: {}, text: '{"state":"paid"}' }
    }
    const { found, asked } = await trackTable(table, { onOpen, send })
    expect(found).toEqual(new Error('the disk is full'))
    // The second request is on its way when the first answer cannot be stored.
    expect(asked).toHaveLength(method === 'get' ? 0 : 2)
  })
})

describe('invoices of several installations', () => {
  const installations = Array.from({ length: 9 }, (_, number) => `icfg_${number}`)
  const paid = { status: 200, headers: {}, text: '{"state":"paid"}' }
  function tableOf(...all: readonly string[]) {
    const table = new InvoiceTable(newFolder())
    for (const installation of all) table.setPending(table.add(rowOf({ installation, invoiceId: 'inv_1' })), true)
    return table
  }

  test('that have no token are unreadable, and the others are read', async () => {
    const { found, asked } = await trackTable(tableOf('icfg_1', 'icfg_2', 'icfg_3'), { tokenOf: 'icfg_3' })
    expect(asked).toEqual(['icfg_3'])
    expect(found).toMatchObject({ failure: { message: '2 of 3 invoices could not be read' } })
  })

  test('are looked at no more once the step is cancelled', async () => {
    const cancelled = new AbortController()
    const send = async () => {
      cancelled.abort()
      return paid
    }
    const options = { send, tokenOf: 'icfg_1', signal: cancelled.signal }
    const { found } = await trackTable(tableOf('icfg_1', 'icfg_2'), options)
    expect(found).toMatchObject({ failure: { message: 'The step was cancelled; 1 invoice was not asked for' } })
  })

  test('wait for a limit that all share, and the progress says until when', async () => {
    const isThrottled = new Set(installations.slice(1))
    const send = async (installation: string, clock: TestClock) => {
      await clock.sleep(100)
      if (isThrottled.delete(installation)) return { status: 429, headers: { 'retry-after': '30' }, text: '' }
      if (installation === 'icfg_0') await clock.sleep(15_000)
      return paid
    }
    const { lines } = await trackTable(tableOf(...installations), { send, concurrency: 9 })
    expect(lines).toContain("1 of 9 (11 %), waiting for Vercel's rate limit until 2025-03-15 00:00:31 UTC")
  })

  test('leave no timer, which would keep the process alive', async () => {
    let count = 0
    const send = async (_: string, clock: TestClock) => {
      await clock.sleep(100)
      const headers = {
        'x-ratelimit-remaining': String(6 - ++count),
        'x-ratelimit-reset': String(Date.UTC(2025, 2, 15) / 1000 + 60),
      }
      return count <= 4 ? { ...paid, headers } : paid
    }
    const { asked, clock } = await trackTable(tableOf(...installations), { send, concurrency: 4 })
    expect(asked).toHaveLength(9)
    expect(clock.monotonic()).toBeLessThan(60_000)
    expect(clock.sleepers).toBe(0)
  })
})

interface TableRun {
  readonly failOn?: readonly string[]
  readonly onOpen?: () => void
  readonly concurrency?: number
  readonly signal?: AbortSignal
  /** The only installation with a token. */
  readonly tokenOf?: string
  /** Answers a request; each invoice is paid otherwise. */
  readonly send?: (installation: string, clock: TestClock) => Promise<HttpResponse>
}

/** Asks for the invoices of a table, one at a time. `found` is an error if the tracking fails. */
async function trackTable(
  table: InvoiceTable,
  { failOn = [], onOpen, concurrency = 1, signal = new AbortController().signal, tokenOf, send }: TableRun,
) {
  const clock = new TestClock()
  let opened = 0
  const asked: string[] = []
  const lines: string[] = []
  const transport: Transport = {
    async send({ url }) {
      const installation = url.pathname.split('/')[3] ?? ''
      asked.push(installation)
      return send ? send(installation, clock) : { status: 200, headers: {}, text: '{"state":"paid"}' }
    },
    close() {},
  }
  const tracking = new Tracking(
    {
      journals: [],
      token: tokenOf === undefined ? 'a-token' : undefined,
      tokens: undefined,
      tokensFile: undefined,
      tokensKey: undefined,
      limits: once,
      concurrency,
      wait: undefined,
      failOn,
      api: 'https://api.vercel.com',
    },
    {
      submission,
      operation,
      env: {},
      workspace: '',
      extraSecrets: [],
      clock,
      random: () => 0.5,
      signal,
      abort: signal,
      log: { info: (line) => void lines.push(line) },
      debug: undefined,
      warn: () => {},
      async open() {
        opened++
        onOpen?.()
        return { baseUrl: 'https://api.vercel.com', transport }
      },
    },
    table,
    new Map(tokenOf === undefined ? [] : [[tokenOf, 'a-token']]),
  )
  const running = tracking.run().catch((error: unknown) => error)
  await clock.run(running)
  table.close()
  return { found: await running, opened, asked, lines, clock }
}
