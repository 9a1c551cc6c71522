import { readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { JournalEvent, JournalHeader } from '../../../src/batch/journal/journal.ts'
import { JournalMismatch, mismatchFailure } from '../../../src/batch/journal/journal-mismatch.ts'
import { openJournal } from '../../../src/batch/journal/open-journal.ts'
import type { RecordStates } from '../../../src/batch/records/key-hashes.ts'
import { newFolder } from '../files.ts'
import { begun, contentOf, header, outcome, sent, standingOf, succeeded, textOf } from '../journals.ts'

const newPath = () => join(newFolder(), 'journal.ndjson')

function journalOf(...events: JournalEvent[]): string {
  const path = newPath()
  writeFileSync(path, textOf(header, ...events))
  return path
}

async function open(path: string, recordStates?: RecordStates, own: JournalHeader = header) {
  const journal = await openJournal(path, own, recordStates)
  onTestFinished(journal.close)
  return journal
}

const refusal = (path: string, own: JournalHeader = header) =>
  openJournal(path, own, standingOf()).then(
    () => undefined,
    (error) => error,
  )

test('a journal that is not there is begun, with its folder', async () => {
  const path = join(newFolder(), 'a', 'b', 'journal.ndjson')
  const { writer, succeeded, close } = await openJournal(path, header, undefined)
  expect(succeeded).toBe(0)
  expect(contentOf(path)).toEqual({ header, events: [] })
  writer.append(begun(1))
  close()
  expect(contentOf(path).events).toEqual([begun(1)])
})

describe('a record', () => {
  const pastOf = async (...events: JournalEvent[]) => {
    const recordStates = standingOf({ id: 'a' }, { id: 'b' })
    const journal = await open(journalOf(begun(2), ...events), recordStates)
    return { past: recordStates.claim('a\na'), succeeded: journal.succeeded, sentAt: journal.sent.get('a\na')?.at }
  }
  const later = '2025-03-16T00:00:00.000Z'

  test.each<[what: string, events: JournalEvent[], past: string]>([
    ['that was never sent is new', [], 'none'],
    ['that was sent, and no more, is unknown', [sent('a')], 'unknown'],
    ['that succeeded has succeeded', [sent('a'), succeeded('a')], 'succeeded'],
    ['that failed is new again', [sent('a'), outcome('a', 'failed')], 'none'],
    ['of which nothing is known is unknown', [sent('a'), outcome('a', 'unknown')], 'unknown'],
    ['that failed and was sent again is unknown', [sent('a'), outcome('a', 'failed'), begun(2), sent('a')], 'unknown'],
    [
      'that failed and succeeded later has succeeded',
      [sent('a'), outcome('a', 'failed'), begun(2), sent('a'), succeeded('a')],
      'succeeded',
    ],
    ['that was unknown and was sent again is unknown', [sent('a'), begun(2), sent('a', { resumed: true })], 'unknown'],
    [
      'that was unknown and failed later is new again',
      [sent('a'), begun(2), sent('a', { resumed: true }), outcome('a', 'failed')],
      'none',
    ],
    [
      'that was unknown and found later has succeeded, though it was not sent again',
      [sent('a'), outcome('a', 'unknown'), begun(2), succeeded('a')],
      'succeeded',
    ],
  ])('%s', async (_, events, past) => {
    const found = await pastOf(...events)
    expect(found.past).toBe(past)
    expect(found.succeeded).toBe(past === 'succeeded' ? 1 : 0)
    expect(found.sentAt !== undefined).toBe(past === 'unknown')
  })

  test('that was sent twice is looked up by its last sending', async () => {
    const { sentAt } = await pastOf(sent('a'), begun(2), sent('a', { resumed: true, at: later }))
    expect(sentAt).toEqual(new Date(later))
  })

  test('that comes twice has succeeded as often as it did', async () => {
    const recordStates = standingOf({ id: 'a' }, { id: 'a' }, { id: 'a' })
    const path = journalOf(begun(3), sent('a'), succeeded('a'), sent('a'), outcome('a', 'unknown'), sent('a'))
    const { succeeded: count } = await open(path, recordStates)
    expect(count).toBe(1)
    expect(['', '', ''].map(() => recordStates.claim('a\na')).sort()).toEqual(['succeeded', 'unknown', 'unknown'])
  })

  test('that comes twice keeps the time of one of which nothing is known, when the other has succeeded', async () => {
    const recordStates = standingOf({ id: 'a' }, { id: 'a' })
    const events = [sent('a'), outcome('a', 'unknown'), sent('a'), succeeded('a', { at: later })]
    const { sent: last } = await open(journalOf(begun(2), ...events), recordStates)
    // What the invoice shows until then may be the other one's.
    expect(last.get('a\na')).toEqual({ at: new Date(later) })
  })
})

describe('a journal that does not fit is left as it is', () => {
  test.each<[what: string, content: string, own: Partial<JournalHeader>, message: string]>([
    ['no journal', 'notes\n', {}, 'was not written by this action'],
    ['a batch', '{"integrationConfigurationId":"icfg_1"}\n', {}, 'was not written by this action'],
    ['a text without a newline', 'notes', {}, 'was not written by this action'],
    ['one of a later version', textOf({ ...header, version: 2 as 1 }), {}, 'by another version of this action'],
    [
      'one of another operation',
      textOf(header),
      { operation: 'updateInvoice' },
      'belongs to "submitInvoice", not to updateInvoice',
    ],
    ['one of another shard', textOf(header), { shard: '2/4' }, 'belongs to shard "1/1", not to 2/4'],
    [
      'one of another API',
      textOf(header),
      { api: 'sandbox' },
      'records what was sent to "api.vercel.com", not to sandbox',
    ],
    ['one with other keys', textOf(header), { externalId: 'none' }, 'was begun with `external-id: auto`'],
    [
      'a line too long',
      `${textOf(header)}${'x'.repeat((10 << 20) + 1)}\n`,
      {},
      'has a line that is longer than 10 MiB',
    ],
  ])('%s', async (_, content, own, message) => {
    const path = newPath()
    writeFileSync(path, content)
    // Twice: the lock has been given back.
    for (let count = 0; count < 2; count++) {
      const error = await refusal(path, { ...header, ...own })
      expect(error).toMatchObject({ name: 'Failure', code: 'journal_unusable' })
      expect(error.message).toContain(`The journal ${JSON.stringify(path).slice(0, 20)}`)
      expect(error.message).toContain(message)
    }
    expect(readFileSync(path, 'utf8') === content).toBe(true)
  })

  test('a folder', async () => {
    expect((await refusal(newFolder())).message).toContain('cannot be opened: it is not a regular file')
  })

  test('one in a place where no file can be', async () => {
    const path = newPath()
    writeFileSync(path, '')
    expect((await refusal(join(path, 'journal'))).message).toContain('cannot be opened: ')
  })
})

test('a journal in use is refused, by whatever path it is reached, and free when it is closed', async () => {
  const path = newPath()
  const link = `${path}-link`
  const first = await openJournal(path, header, undefined)
  symlinkSync(path, link)
  for (const other of [path, link]) {
    expect((await refusal(other)).message).toBe(`The journal ${JSON.stringify(other)} is in use by another run`)
  }
  first.close()
  await open(path)
})

describe('a process that was killed while it wrote', () => {
  const events: JournalEvent[] = [
    begun(2),
    sent('a', { request: { memo: 'é😀' } }),
    succeeded('a'),
    sent('b'),
    outcome('b', 'failed', { message: 'ü' }),
  ]
  const whole = Buffer.from(textOf(header, ...events))
  /** The events that are whole in so many bytes; a line is, too, that lacks its line break alone. */
  const wholeIn = (bytes: number) => {
    const endOf = (index: number) => Buffer.byteLength(textOf(header, ...events.slice(0, index + 1))) - 1
    return events.filter((_, index) => endOf(index) <= bytes)
  }

  test('wherever it was, what was whole is kept, what was torn is not, and what follows is whole', async () => {
    const path = newPath()
    for (let cut = 0; cut <= whole.length; cut++) {
      writeFileSync(path, whole.subarray(0, cut))
      const kept = wholeIn(cut)
      const recordStates = standingOf({ id: 'a' }, { id: 'b' }, { id: 'c' })
      const journal = await openJournal(path, header, recordStates)
      const count = kept.filter(({ event }) => event === 'succeeded').length
      expect([cut, journal.succeeded]).toEqual([cut, count])
      const isSent = kept.some(({ event }) => event === 'sent')
      expect([cut, recordStates.claim('a\na')]).toEqual([cut, count > 0 ? 'succeeded' : isSent ? 'unknown' : 'none'])
      journal.writer.append(sent('c'))
      journal.close()
      expect([cut, contentOf(path)]).toEqual([cut, { header, events: [...kept, sent('c')] }])
    }
  })

  test('twice while it wrote the first line, the third begins it', async () => {
    const path = newPath()
    const first = Buffer.byteLength(textOf(header)) - 1
    for (let cut = 1; cut < first; cut += 3) {
      writeFileSync(path, whole.subarray(0, cut))
      const journal = await openJournal(path, header, undefined)
      journal.close()
      writeFileSync(path, readFileSync(path).subarray(0, first - cut))
      const again = await openJournal(path, header, undefined)
      again.close()
      expect(contentOf(path)).toEqual({ header, events: [] })
    }
  })
})

describe('a journal of another batch', () => {
  const misfitOf = async (events: JournalEvent[], recordStates: RecordStates) => {
    const error = await openJournal(journalOf(begun(1), ...events), header, recordStates).catch((error) => error)
    expect(error).toBeInstanceOf(JournalMismatch)
    return error as JournalMismatch
  }

  test('that has records in common has had one taken away', async () => {
    const error = await misfitOf([sent('a'), succeeded('a'), sent('b', { line: 7 })], standingOf({ id: 'a' }))
    expect(error).toMatchObject({ hasNothingInCommon: false, records: [{ id: 'b' }] })
    expect(mismatchFailure('j', error, new Map())).toMatchObject({
      code: 'journal_unusable',
      message:
        'The journal "j" has 1 record that the batch file does not have, the first from line 7 (installation icfg_1)',
    })
  })

  test('that has none in common is one of another file', async () => {
    const error = await misfitOf([sent('a'), succeeded('a')], standingOf({ id: 'b' }))
    expect(mismatchFailure('j', error, new Map()).message).toBe(
      'The journal "j" belongs to another batch file: it shares no record with this one',
    )
  })

  test('that knows a record more often than the file has it', async () => {
    const events = [sent('a'), succeeded('a'), sent('a'), succeeded('a')]
    const error = await misfitOf(events, standingOf({ id: 'a' }))
    const inFile = new Map([['a', { line: 1, request: {} }]])
    expect(mismatchFailure('j', error, inFile).message).toContain('has 1 record that the batch file does not have')
  })

  test('that has many others names ten', async () => {
    const events = Array.from({ length: 100 }, (_, number) => sent(`r-${number}`))
    const error = await misfitOf(events, standingOf({ id: 'a' }))
    expect(error.records).toHaveLength(10)
    expect(
      mismatchFailure('j', { ...error, hasNothingInCommon: false } as JournalMismatch, new Map()).message,
    ).toContain('10 or more')
  })

  test('that has a record with other content under its id shows both', async () => {
    const changed = sent('r-1', { digest: 'one', line: 3, request: { total: '1.00' } })
    const error = await misfitOf([changed], standingOf({ id: 'r-1', digest: 'two' }))
    const inFile = new Map([['r-1', { line: 5, request: { total: '2.00' } }]])
    const { message, diagnostics } = mismatchFailure('j', error, inFile)
    expect(message).toBe('Records of the journal have changed, and nothing was sent')
    expect(diagnostics.map(({ message }) => message)).toEqual([
      'the record "r-1" has changed: it was sent as {"total":"1.00"} (line 3 then), and is {"total":"2.00"} now (line 5); give the new record its own id',
    ])
  })

  test('whose requests are long shows how they begin', async () => {
    const error = await misfitOf([sent('r-1', { digest: 'one', request: 'x'.repeat(3000) })], standingOf({ id: 'c' }))
    const { diagnostics } = mismatchFailure(
      'j',
      error,
      new Map([['r-1', { line: 5, request: { memo: 'y'.repeat(3000) } }]]),
    )
    expect(diagnostics[0]?.message).toContain(
      `${'x'.repeat(300)}… (line 1 then), and is {"memo":"${'y'.repeat(291)}… now`,
    )
  })
})

test('records may be added', async () => {
  const recordStates = standingOf({ id: 'a' }, { id: 'b' })
  await open(journalOf(begun(1), sent('a'), succeeded('a')), recordStates)
  expect([recordStates.claim('a\na'), recordStates.claim('b\nb')]).toEqual(['succeeded', 'none'])
})
