// Tracks the invoices of a journal with a fake clock and a server that counts.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { TrackingInputs } from '../../../src/batch/tracking/ask-invoices.ts'
// Loaded here, because the test clock does not wait for imports.
import '../../../src/failure-register.ts'
import { trackInvoices } from '../../../src/batch/tracking/track.ts'
import type { TrackedInvoice } from '../../../src/batch/tracking/tracked-invoice.ts'
import type { HttpResponse, Transport } from '../../../src/http/transport.ts'
import { loadOperation } from '../../../src/operations/load.ts'
import { newFolder } from '../files.ts'
import { begun, header, journalText, sent, succeeded } from '../journals.ts'
import { TestClock } from '../test-clock.ts'

/** A server of invoices that answers after a time, and counts. */
class InvoiceServer {
  readonly asked: string[] = []
  /** How often the connection was closed. */
  closed = 0
  maxInFlight = 0
  #inFlight = 0
  readonly #clock: TestClock
  readonly #answer: (id: string, read: number) => Partial<HttpResponse> | string | Error
  readonly #msPerAnswer: number

  /** @param answer  a state, a response or an error of the network; it gets the invoice's id and how often it was asked for before */
  constructor(clock: TestClock, answer: InvoiceServer['answer'], msPerAnswer = 50) {
    this.#clock = clock
    this.#answer = answer
    this.#msPerAnswer = msPerAnswer
  }

  get answer() {
    return this.#answer
  }

  readonly transport: Transport = {
    send: async ({ method, url }) => {
      expect(method).toBe('GET')
      const id = url.pathname.split('/').at(-1) ?? ''
      const read = this.asked.filter((other) => other === id).length
      this.asked.push(id)
      this.maxInFlight = Math.max(this.maxInFlight, ++this.#inFlight)
      await this.#clock.sleep(this.#msPerAnswer)
      this.#inFlight--
      const given = this.#answer(id, read)
      if (given instanceof Error) throw given
      const body = { invoiceId: id, state: given, total: '10.00', invoiceDate: '2025-03-01T00:00:00Z' }
      return {
        status: 200,
        headers: { 'content-type': 'application/json', 'x-vercel-id': `req-${this.asked.length}` },
        text: JSON.stringify(body),
        ...(typeof given === 'object' && given),
      }
    },
    close: () => void this.closed++,
  }
}

/** Tracks the invoices of one journal, all of one installation. */
export async function track(
  count: number,
  answer: InvoiceServer['answer'],
  change: Partial<TrackingInputs> & { signal?: AbortSignal; msPerAnswer?: number; clock?: TestClock } = {},
) {
  const { signal = new AbortController().signal, msPerAnswer, clock = new TestClock(), ...inputs } = change
  const workspace = newFolder()
  const invoiceIds = Array.from({ length: count }, (_, index) => `inv_${index}`)
  const events = invoiceIds.flatMap((invoiceId, index) => [
    sent(`r-${index}`, { line: index + 1, amount: '10.00' }),
    succeeded(`r-${index}`, { line: index + 1, invoiceId }),
  ])
  writeFileSync(join(workspace, 'j.ndjson'), journalText(header, begun(count), ...events))
  const server = new InvoiceServer(clock, answer, msPerAnswer)
  const lines: string[] = []
  const rows: TrackedInvoice[] = []
  const warned: string[] = []
  const tracking = trackInvoices(
    {
      journals: ['j.ndjson'],
      token: 'a-token',
      tokens: undefined,
      tokensFile: undefined,
      tokensKey: undefined,
      limits: { maxAttempts: 5, attemptTimeoutMs: 30_000, retryTimeoutMs: 300_000 },
      concurrency: 16,
      wait: undefined,
      failOn: [],
      api: 'https://api.vercel.com',
      ...inputs,
    },
    {
      submission: await loadOperation('submitInvoice'),
      operation: await loadOperation('getInvoice'),
      env: { RUNNER_TEMP: newFolder() },
      workspace,
      extraSecrets: [],
      clock,
      random: () => 0.5,
      signal,
      abort: signal,
      log: { info: (line) => void lines.push(line) },
      debug: undefined,
      warn: (diagnostics) => void warned.push(...diagnostics.map(({ message }) => message)),
      open: async () => ({ baseUrl: 'https://api.vercel.com', transport: server.transport }),
      consumeRows: (all) => void rows.push(...all),
    },
  )
  await clock.run(tracking)
  return { ...(await tracking), server, lines, rows, warned, ms: clock.monotonic() }
}
