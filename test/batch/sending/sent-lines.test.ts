// The journal's lines about the sending of one record.

import { describe, expect, test } from 'vitest'
import type { OpenJournal } from '../../../src/batch/journal/open-journal.ts'
import { prepareRecord, RecordScrubber } from '../../../src/batch/sending/prepared-record.ts'
import { SentLines } from '../../../src/batch/sending/sent-lines.ts'
import type { Slot } from '../../../src/batch/sending/slot.ts'
import type { HttpRequest } from '../../../src/http/transport.ts'
import { invoice, readOne } from '../records.ts'
import { TestClock } from '../test-clock.ts'

const requestOf = (method: HttpRequest['method']): HttpRequest => ({
  method,
  url: new URL('https://api.example/'),
  headers: {},
})
const [post, get] = [requestOf('POST'), requestOf('GET')]

/** The lines of an invoice; a flush shows which lines were appended before it. */
function start({ isResumed = false } = {}) {
  const { record, errors } = readOne('submitInvoice', { token: 'vct_token-1', ...invoice })
  if (!record) throw new Error(errors.join())
  const prepared = prepareRecord(record, { id: 'd-1' }, 'none', new RecordScrubber([]))
  const steps: string[] = []
  const append = ({ event }: { event: string }) => void steps.push(event)
  const flush = async () => void steps.push('flush')
  const journal = {
    writer: { append, flush, flushAtEndOfTurn: flush },
    refunds: { apply: ({ event }: { event: string }) => void steps.push(`apply ${event}`) },
  } as unknown as OpenJournal
  const lines = new SentLines(prepared, { journal, clock: new TestClock(), isResumed, hadNewToken: false })
  const slot: Slot = { installation: 'icfg_1', acquired: true, waitedMs: 0 }
  lines.watch(slot)
  return { lines, slot, steps }
}
const sentSteps = ['sent', 'apply sent', 'flush']
const notSentSteps = ['not_sent', 'apply not_sent', 'flush']

describe('a request', () => {
  test('is written before it is sent, once', async () => {
    const { lines, slot, steps } = start()
    await slot.beforeSend?.(post)
    await slot.beforeSend?.(post)
    lines.ensureSent()
    expect(steps).toEqual(sentSteps)
    expect(lines.sent).toMatchObject({ event: 'sent', id: 'd-1', at: '2025-03-15T00:00:00.000Z' })
  })

  test('that was not processed gets a line, and the next one is written again', async () => {
    const { lines, slot, steps } = start()
    await slot.beforeSend?.(post)
    slot.onNotProcessed?.(post)
    expect(lines.sent).toBeUndefined()
    slot.onNotProcessed?.(post)
    await slot.beforeSend?.(post)
    expect(steps).toEqual([...sentSteps, ...notSentSteps, ...sentSteps])
  })

  test('that only reads gets no line', async () => {
    const { lines, slot, steps } = start()
    await slot.beforeSend?.(get)
    slot.onNotProcessed?.(get)
    expect(steps).toEqual([])
    await slot.beforeSend?.(post)
    slot.onNotProcessed?.(get)
    expect(steps).toEqual(sentSteps)
    expect(lines.sent).toBeDefined()
  })

  test.each([
    ['an earlier one may have arrived', false],
    ['an earlier run sent the record', true],
  ])('that was not processed leaves the record sent if %s', async (_, isResumed) => {
    const { lines, slot, steps } = start({ isResumed })
    await slot.beforeSend?.(post)
    if (!isResumed) slot.onMayHaveArrived?.()
    slot.onNotProcessed?.(post)
    expect(steps).toEqual(sentSteps)
    expect(lines.sent).toBeDefined()
  })
})

test('the requests of a slot that is not watched any more get no lines', () => {
  const { lines, slot } = start()
  lines.unwatch(slot)
  expect(slot).toEqual({ installation: 'icfg_1', acquired: true, waitedMs: 0 })
})
