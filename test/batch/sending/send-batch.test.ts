// When a batch stops, what it says then, and what it leaves behind.

import fs, { rmSync, writeFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type BatchContext, type BatchInputs, runBatch } from '../../../src/batch/run.ts'
import { Failure } from '../../../src/failure.ts'
import type { HttpRequest, HttpResponse } from '../../../src/http/transport.ts'
import { TransportError } from '../../../src/http/transport-error.ts'
import type { OperationName } from '../../../src/operations/catalogue.ts'
import { answer, journalOf, testBatchContext, testBatchInputs } from '../batch-runner.ts'
import { newFolder } from '../files.ts'
import { invoice, refund } from '../records.ts'
import { TestClock } from '../test-clock.ts'
import { heapFlags } from './heap-flags.ts'

type Respond = (request: HttpRequest, clock: TestClock) => HttpResponse | Promise<HttpResponse>

interface TestRun extends Partial<BatchInputs> {
  readonly workspace?: string
  readonly name?: OperationName
  readonly signal?: AbortSignal
  /** Called before the first request. */
  readonly onOpen?: () => void
}

const of = (record: object, ...installations: readonly string[]) =>
  installations.map((integrationConfigurationId) => ({ ...record, integrationConfigurationId }))
const accepted = answer(200, { invoiceId: 'inv_1' })

/** Runs a batch, one request at a time, on a clock whose time passes when nothing else is left to do. */
async function run(records: readonly object[], respond: Respond, change: TestRun = {}) {
  const { workspace = newFolder(), name = 'submitInvoice', signal, onOpen, ...inputs } = change
  writeFileSync(join(workspace, 'batch.ndjson'), records.map((record) => `${JSON.stringify(record)}\n`).join(''))
  const clock = new TestClock()
  const seen = { requests: [] as string[], lines: [] as string[], closed: 0 }
  const send = async (request: HttpRequest) => {
    seen.requests.push(`${request.method} ${request.url.pathname.split('/')[3]}`)
    return respond(request, clock)
  }
  const context: Partial<BatchContext> = {
    log: { info: (line) => void seen.lines.push(line) },
    async open() {
      onOpen?.()
      return { baseUrl: 'https://api.vercel.com', transport: { send, close: () => void seen.closed++ } }
    },
    ...(signal && { signal }),
  }
  const running = runBatch(
    testBatchInputs(name, { concurrency: 1, ...inputs }),
    testBatchContext({ workspace, clock, send }, context),
  )
  await clock.run(running)
  const { failure, report } = await running
  return { ...seen, failure, report, clock }
}

const resumes = 'it resumes where it stopped, and sends nothing twice'

describe('a batch that has to look up what an earlier run sent looks up nothing more once', () => {
  const refunds = of(refund, 'icfg_1', 'icfg_2', 'icfg_3')
  const paid = answer(200, { state: 'paid', total: '9.00' })
  const again = 'Run it again with the same batch file and journal'

  test.each<[what: string, stop: (workspace: string, cancel: () => void) => void, expected: object]>([
    [
      'it is cancelled',
      (_, cancel) => cancel(),
      {
        code: 'cancelled',
        message: `The batch was cancelled; 2 records were not started. ${again}: ${resumes}`,
        asked: ['GET icfg_1'],
      },
    ],
    [
      'its journal cannot be written',
      (workspace) => rmSync(journalOf(workspace), { force: true }),
      {
        code: 'journal_failed',
        message: `The journal was deleted while the batch ran; 1 record was not started. Restore it first: without it the batch sends every record again. ${again}: ${resumes}`,
        // The second one is on its way when the first outcome is written.
        asked: ['GET icfg_1', 'GET icfg_2'],
      },
    ],
    [
      'no connection opens for retry-timeout',
      () => {
        throw new TransportError('connect', 'the host refused the connection', { mayHaveArrived: false })
      },
      {
        code: 'unopened',
        message: `No connection could be opened for 1 min (\`retry-timeout\`): the host refused the connection; 2 records were not started. ${again} when the host can be reached, or raise \`retry-timeout\`: ${resumes}`,
        asked: ['GET icfg_1'],
      },
    ],
  ])('%s', async (_, stop, expected) => {
    const workspace = newFolder()
    const lose: Respond = ({ method }) => {
      if (method === 'GET') return paid
      throw new TransportError('reset', 'broken', { mayHaveArrived: true })
    }
    const first = await run(refunds, lose, { workspace, name: 'updateInvoice' })
    expect(first.report?.ledger?.unknown).toBe(3)
    const cancelled = new AbortController()
    const respond: Respond = async (_, clock) => {
      stop(workspace, () => cancelled.abort())
      await clock.sleep(10)
      return paid
    }
    const options = { workspace, name: 'updateInvoice', signal: cancelled.signal } as const
    const { failure, requests } = await run(refunds, respond, options)
    expect({ code: failure?.code, message: failure?.message, asked: [...new Set(requests)] }).toEqual(expected)
  })
})

test('a batch whose last outcome cannot be written fails', async () => {
  const workspace = newFolder()
  const respond = () => {
    rmSync(journalOf(workspace))
    return accepted
  }
  const { failure, report } = await run(of(invoice, 'icfg_1'), respond, { workspace })
  expect(failure?.code).toBe('journal_failed')
  expect(failure?.message).toMatch(/^The journal was deleted while the batch ran; 0 records were not started\. /)
  expect(report?.tally.succeeded).toBe(1)
})

test('records that no longer exist count as started', async () => {
  const cancelled = new AbortController()
  const respond: Respond = ({ url }) => {
    if (url.pathname.includes('icfg_1')) return answer(410)
    cancelled.abort()
    return accepted
  }
  const records = of(invoice, 'icfg_1', 'icfg_2', 'icfg_3')
  const { failure } = await run(records, respond, { onGone: 'skip', signal: cancelled.signal })
  expect(failure?.message).toMatch(/^The batch was cancelled; 1 record was not started\. /)
})

describe('an error while the records are read is reported as it is', () => {
  test.each([
    ['internal_error', Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO' })],
    ['invalid_input', new Failure('invalid_input', 'EIO: i/o error, read')],
  ])('%s', async (code, error) => {
    const { readSync } = fs
    const restore = () => {
      Object.assign(fs, { readSync })
      syncBuiltinESMExports()
    }
    onTestFinished(restore)
    const onOpen = () => {
      const failing = () => {
        throw error
      }
      Object.assign(fs, { readSync: failing })
      syncBuiltinESMExports()
    }
    const { failure, requests, closed } = await run(of(invoice, 'icfg_1'), () => accepted, { onOpen })
    expect([failure?.code, failure?.message]).toEqual([code, expect.stringContaining('EIO: i/o error, read')])
    expect([requests, closed]).toEqual([[], 1])
  })
})

describe('a batch that is throttled', () => {
  const installations = Array.from({ length: 9 }, (_, number) => `icfg_${number}`)

  test('says what it waits for while records end, and how many requests were throttled in the end', async () => {
    const isThrottled = new Set(installations.slice(1))
    const { lines, closed } = await run(
      of(invoice, ...installations),
      async ({ url }, clock) => {
        const installation = url.pathname.split('/')[3] ?? ''
        await clock.sleep(100)
        if (isThrottled.delete(installation)) return { ...answer(429), headers: { 'retry-after': '30' } }
        // It ends while all others wait.
        if (installation === 'icfg_0') await clock.sleep(15_000)
        return accepted
      },
      { concurrency: 9 },
    )
    expect(lines.slice(2)).toEqual([
      'Vercel throttles (429): all requests wait for 30 s',
      "1 of 9 (11 %), waiting for Vercel's rate limit until 2025-03-15 00:00:31 UTC",
      '2 of 9 (22 %), 4/min, about 1 min 46 s left',
      'Vercel throttles (429): 8 of 17 requests in this run',
    ])
    expect(closed).toBe(1)
  })

  test('leaves no timer, which would keep the process alive', async () => {
    let count = 0
    const hints = (remaining: number) => ({
      'x-ratelimit-remaining': String(remaining),
      'x-ratelimit-reset': String(Date.UTC(2025, 2, 15) / 1000 + 60),
    })
    const { clock } = await run(
      of(invoice, ...installations),
      async (_, clock) => {
        await clock.sleep(100)
        return ++count <= 4 ? { ...accepted, headers: hints(6 - count) } : accepted
      },
      { concurrency: 4 },
    )
    expect(count).toBe(9)
    expect(clock.monotonic()).toBeLessThan(60_000)
    expect(clock.sleepers).toBe(0)
  })
})

test('a batch limits the heap: the old generation at once, the young one when it is large', async () => {
  const flags = heapFlags([1, 1, 24, 24])
  await run(of(invoice, 'icfg_1', 'icfg_2', 'icfg_3'), () => accepted)
  expect(flags).toEqual(['--heap-growing-percent=100', '--semi-space-growth-factor=1'])
})
