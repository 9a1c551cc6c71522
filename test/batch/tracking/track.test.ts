import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { trackInvoices } from '../../../src/batch/tracking/track.ts'
import { loadOperation } from '../../../src/operations/load.ts'
import { newFolder } from '../files.ts'
import { begun, header, journalText, sent, succeeded } from '../journals.ts'
import { heapFlags } from '../sending/heap-flags.ts'
import { TestClock } from '../test-clock.ts'
import { track } from './invoice-server.ts'

describe('the pace', () => {
  test('has at most `concurrency` requests in flight, also for invoices of one installation', async () => {
    const { server, ms, report } = await track(640, () => 'paid', { concurrency: 64 })
    expect(report?.outputs.paid).toBe('640')
    expect(server.maxInFlight).toBe(64)
    expect(server.asked).toHaveLength(640)
    expect(ms).toBe((640 / 64) * 50)
  })

  test('follows a rate limit, which makes no invoice unreadable', async () => {
    let answers = 0
    const { report, failure, server } = await track(20, () =>
      ++answers <= 5 ? { status: 429, headers: { 'retry-after': '7' }, text: '' } : 'paid',
    )
    expect(failure).toBeUndefined()
    expect(report).toMatchObject({ status: 'settled', outputs: { paid: '20' } })
    expect(server.asked).toHaveLength(25)
  })

  test('leaves invoices unread whose installation has a longer rate limit than retry-timeout', async () => {
    let answers = 0
    const throttled = { status: 429, headers: { 'retry-after': '7200' }, text: '' }
    const { report, failure } = await track(20, () => (++answers <= 3 ? 'paid' : throttled), { concurrency: 1 })
    expect(failure?.code).toBe('invoices_unreadable')
    expect(failure?.message).toMatch(/17 of 20 invoices could not be read/)
    expect(failure?.diagnostics.at(-2)?.message).toMatch(/rate limit/)
    expect(failure?.diagnostics.at(-1)?.message).toBe('and 9 more')
    expect(report).toMatchObject({ status: 'attention', outputs: { paid: '3', total: '20' } })
  })

  test('logs its progress every ten seconds at most', async () => {
    const { lines, ms } = await track(100, () => 'paid', { concurrency: 1, msPerAnswer: 1000 })
    const progress = lines.filter((line) => / of 100 \(/.test(line))
    expect(progress.length).toBeGreaterThan(5)
    expect(progress.length).toBeLessThanOrEqual(ms / 10_000)
  })
})

describe('waiting', () => {
  const wait = { states: ['paid'], timeoutMs: 60_000, intervalMs: 10_000 }

  test('asks for an invoice again until it is paid, and then no more', async () => {
    const { server, report, failure } = await track(
      3,
      (id, read) => (id === 'inv_1' && read < 3 ? 'invoiced' : 'paid'),
      {
        wait,
      },
    )
    expect(failure).toBeUndefined()
    expect(report?.status).toBe('settled')
    expect(server.asked.sort()).toEqual(['inv_0', 'inv_1', 'inv_1', 'inv_1', 'inv_1', 'inv_2'])
  })

  test('counts each invoice once, with its latest state', async () => {
    const states = ['pending', 'invoiced', 'notpaid', 'overdue', 'notpaid']
    const { report, failure } = await track(4, (_, read) => states[Math.min(read, 4)] as string, { wait })
    expect(failure?.code).toBe('wait_timeout')
    expect(JSON.parse(report?.outputs.result ?? '')).toEqual({ notpaid: { count: 4, amount: '40.00' } })
    expect(report?.attention.rows('unpaid')).toHaveLength(4)
  })

  test('starts no request after wait-timeout', async () => {
    const { server, ms } = await track(100, () => 'pending', { wait, concurrency: 1, msPerAnswer: 300 })
    // The first reading takes 30 s and is complete; the next ones start after 10 s, and the last one is cut at 60 s.
    expect(server.asked.length).toBeLessThanOrEqual(100 + 67)
    expect(ms).toBeLessThanOrEqual(60_000 + 300)
  })

  test('says now and then what it waits for', async () => {
    const { lines } = await track(2, () => 'invoiced', { wait: { ...wait, intervalMs: 1000 } })
    const waiting = lines.filter((line) => line.startsWith('waiting for 2 invoices to be paid'))
    expect(waiting.length).toBeGreaterThan(3)
    expect(waiting.length).toBeLessThanOrEqual(6)
  })
})

test('tracking limits the heap: the old generation at once, the young one when it is large', async () => {
  const flags = heapFlags([1, 1, 24, 24])
  await track(3, () => 'paid', { concurrency: 1 })
  expect(flags).toEqual(['--heap-growing-percent=100', '--semi-space-growth-factor=1'])
})

test('the rows for a report are those of the journals, with what Vercel says', async () => {
  const { rows } = await track(
    3,
    (id) => (id === 'inv_1' ? { status: 404, text: '{"error":{"code":"not_found"}}' } : 'paid'),
    {
      concurrency: 1,
    },
  )
  expect(rows).toEqual([
    {
      line: 1,
      id: 'r-0',
      installation: 'icfg_1',
      invoiceId: 'inv_0',
      status: 'paid',
      amount: '10.00',
      invoiceDate: '2025-03-01T00:00:00Z',
      at: '2025-03-15T00:00:00.050Z',
      httpStatus: 200,
      requestId: 'req-1',
    },
    {
      line: 2,
      id: 'r-1',
      installation: 'icfg_1',
      invoiceId: 'inv_1',
      status: 'unknown',
      amount: '10.00',
      at: '2025-03-15T00:00:00.100Z',
      code: 'not_found',
      message: expect.stringContaining('404'),
      httpStatus: 404,
      requestId: 'req-2',
    },
    expect.objectContaining({ line: 3, status: 'paid' }),
  ])
})

test('a failure while rows are written fails the step and does not hang it', async () => {
  const clock = new TestClock()
  const folder = newFolder()
  writeFileSync(
    join(folder, 'j.ndjson'),
    journalText(header, begun(1), sent('a', { amount: '1' }), succeeded('a', { invoiceId: 'i' })),
  )
  const result = await trackInvoices(
    {
      journals: ['j.ndjson'],
      token: 'a-token',
      tokens: undefined,
      tokensFile: undefined,
      tokensKey: undefined,
      limits: { maxAttempts: 1, attemptTimeoutMs: 1000, retryTimeoutMs: 1000 },
      concurrency: 1,
      wait: undefined,
      failOn: [],
      api: 'https://api.vercel.com',
    },
    {
      submission: await loadOperation('submitInvoice'),
      operation: await loadOperation('getInvoice'),
      env: { RUNNER_TEMP: join(folder, 'none') },
      workspace: folder,
      extraSecrets: [],
      clock,
      random: () => 0.5,
      signal: new AbortController().signal,
      abort: new AbortController().signal,
      log: { info: () => {} },
      debug: undefined,
      warn: () => {},
      open: async () => {
        throw new Error('must not be opened')
      },
    },
  )
  expect(result.failure).toMatchObject({ code: 'output_failed' })
  expect(result.report).toBeUndefined()
})
