import { fstatSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { JournalEvent, JournalHeader } from '../../../src/batch/journal/journal-format.ts'
import { JournalMismatch, mismatchFailure } from '../../../src/batch/journal/journal-mismatch.ts'
import { openJournal } from '../../../src/batch/journal/open-journal.ts'
import type { RecordStates } from '../../../src/batch/records/record-states.ts'
import { countOpenFiles, newFolder, withoutLock } from '../files.ts'
import {
  begun,
  earlierText,
  header,
  journalText,
  newRecordStates,
  outcome,
  readWholeJournal,
  sent,
  succeeded,
} from '../journals.ts'

const newPath = () => join(newFolder(), 'journal.ndjson')

function writeJournal(...events: JournalEvent[]): string {
  const path = newPath()
  writeFileSync(path, journalText(header, ...events))
  return path
}

/** Opens a journal, and closes it after the test. */
async function open(path: string, recordStates?: RecordStates) {
  const journal = await openJournal(path, header, { recordStates })
  onTestFinished(journal.close)
  return journal
}

const openingError = (path: string, expectedHeader: JournalHeader = header) =>
  openJournal(path, expectedHeader, { recordStates: newRecordStates() }).then(
    () => undefined,
    (error) => error,
  )

test('a journal that does not exist is created, with its folder', async () => {
  const path = join(newFolder(), 'a', 'b', 'journal.ndjson')
  const { writer, succeeded, close } = await openJournal(path, header, { recordStates: undefined })
  expect(succeeded).toBe(0)
  expect(readWholeJournal(path)).toEqual({ header, events: [] })
  writer.append(begun(1))
  close()
  expect(readWholeJournal(path).events).toEqual([begun(1)])
})

describe('a record', () => {
  const apply = async (...events: JournalEvent[]) => {
    const recordStates = newRecordStates({ id: 'a' }, { id: 'b' })
    const journal = await open(writeJournal(begun(2), ...events), recordStates)
    return { previous: recordStates.claim('a\na'), succeeded: journal.succeeded, sentAt: journal.sent.get('a\na')?.at }
  }
  const later = '2025-03-16T00:00:00.000Z'

  test.each<[what: string, events: JournalEvent[], previous: string]>([
    ['that was never sent has no outcome', [], 'none'],
    ['that was sent, without an outcome, is unknown', [sent('a')], 'unknown'],
    ['that succeeded has succeeded', [sent('a'), succeeded('a')], 'succeeded'],
    ['that failed has no outcome', [sent('a'), outcome('a', 'failed')], 'none'],
    ['with an unknown outcome is unknown', [sent('a'), outcome('a', 'unknown')], 'unknown'],
    ['that failed and was sent again is unknown', [sent('a'), outcome('a', 'failed'), begun(2), sent('a')], 'unknown'],
    [
      'that failed and succeeded later has succeeded',
      [sent('a'), outcome('a', 'failed'), begun(2), sent('a'), succeeded('a')],
      'succeeded',
    ],
    ['that was unknown and was sent again is unknown', [sent('a'), begun(2), sent('a', { resumed: true })], 'unknown'],
    [
      'that was unknown and failed later has no outcome',
      [sent('a'), begun(2), sent('a', { resumed: true }), outcome('a', 'failed')],
      'none',
    ],
    [
      'that was unknown and was found by a look-up has succeeded',
      [sent('a'), outcome('a', 'unknown'), begun(2), succeeded('a')],
      'succeeded',
    ],
  ])('%s', async (_, events, previous) => {
    const applied = await apply(...events)
    expect(applied.previous).toBe(previous)
    expect(applied.succeeded).toBe(previous === 'succeeded' ? 1 : 0)
    expect(applied.sentAt !== undefined).toBe(previous === 'unknown')
  })

  test('that was sent twice has the time of its last request', async () => {
    const { sentAt } = await apply(sent('a'), begun(2), sent('a', { resumed: true, at: later }))
    expect(sentAt).toEqual(new Date(later))
  })

  test('that the batch has three times has one outcome for each', async () => {
    const recordStates = newRecordStates({ id: 'a' }, { id: 'a' }, { id: 'a' })
    const path = writeJournal(begun(3), sent('a'), succeeded('a'), sent('a'), outcome('a', 'unknown'), sent('a'))
    const { succeeded: count } = await open(path, recordStates)
    expect(count).toBe(1)
    expect(['', '', ''].map(() => recordStates.claim('a\na')).sort()).toEqual(['succeeded', 'unknown', 'unknown'])
  })

  test('that the batch has twice keeps the time of the unknown one after the other has succeeded', async () => {
    const recordStates = newRecordStates({ id: 'a' }, { id: 'a' })
    const events = [sent('a'), outcome('a', 'unknown'), sent('a'), succeeded('a', { at: later })]
    const { sent: last } = await open(writeJournal(begun(2), ...events), recordStates)
    // A refund that the invoice shows before that time may be the other one.
    expect(last.get('a\na')).toMatchObject({ at: new Date(later) })
  })
})

describe('a journal that cannot be used is not changed', () => {
  test.each<[what: string, content: string, change: Partial<JournalHeader>, message: string]>([
    ['a text', 'notes\n', {}, 'was not written by this action'],
    ['a batch', '{"integrationConfigurationId":"icfg_1"}\n', {}, 'was not written by this action'],
    ['a text without a newline', 'notes', {}, 'was not written by this action'],
    ['one of a later version', journalText({ ...header, version: 2 as 1 }), {}, 'by another version of this action'],
    [
      'one of another operation',
      journalText(header),
      { operation: 'updateInvoice' },
      'belongs to "submitInvoice", not to updateInvoice',
    ],
    ['one of another shard', journalText(header), { shard: '2/4' }, 'belongs to shard "1/1", not to 2/4'],
    [
      'one of another API',
      journalText(header),
      { api: 'sandbox' },
      'records what was sent to "https://api.vercel.com", not to sandbox',
    ],
    [
      'one of another port',
      journalText(header),
      { api: 'https://api.vercel.com:8443' },
      'records what was sent to "https://api.vercel.com", not to https://api.vercel.com:8443',
    ],
    [
      'one of an earlier version, which named the host only, if the base path is not the standard one',
      earlierText({ ...header, api: 'api.vercel.com' }),
      { api: 'https://api.vercel.com/proxy' },
      'records what was sent to "https://api.vercel.com", not to https://api.vercel.com/proxy',
    ],
    [
      'one of an earlier version, if the port is not the standard one',
      earlierText({ ...header, api: '127.0.0.1' }),
      { api: 'http://127.0.0.1:4010' },
      'records what was sent to "https://127.0.0.1", not to http://127.0.0.1:4010',
    ],
    [
      'a line that begins like a header',
      '{"journal":"vercel-marketplace"} and notes',
      {},
      'was not written by this action',
    ],
    [
      'the beginning of a header of another batch',
      journalText({ ...header, operation: 'updateInvoice' }).slice(0, 70),
      {},
      'was not written by this action',
    ],
    ['a header with a changed byte', journalText(header).replace('auto', 'none'), {}, 'is damaged: line 1 was changed'],
    [
      'one with an outcome that nothing was sent for',
      journalText(header, begun(1), succeeded('a')),
      {},
      'is damaged: line 3 is an outcome without a request',
    ],
    [
      'one with other idempotency keys',
      journalText(header),
      { externalId: 'none' },
      'was begun with `external-id: auto`',
    ],
    [
      'one with a line that is too long',
      `${journalText(header)}${'x'.repeat((10 << 20) + 1)}\n`,
      {},
      'is damaged: line 2 is longer than 10 MiB',
    ],
  ])('%s', async (_, content, change, message) => {
    const path = newPath()
    writeFileSync(path, content)
    // Twice, because the first attempt must release the lock.
    for (let attempt = 1; attempt <= 2; attempt++) {
      const error = await openingError(path, { ...header, ...change })
      expect(error).toMatchObject({ name: 'Failure', code: 'journal_unusable' })
      expect(error.message).toContain(`The journal ${JSON.stringify(path).slice(0, 20)}`)
      expect(error.message).toContain(message)
    }
    expect(readFileSync(path, 'utf8') === content).toBe(true)
  })

  test('a folder', async () => {
    expect((await openingError(newFolder())).message).toContain('cannot be opened: it is not a regular file')
  })

  test.skipIf(process.platform !== 'linux')('one in a folder that cannot be made', async () => {
    expect(await openingError('/proc/no/such/journal')).toMatchObject({
      code: 'journal_unusable',
      message: expect.stringContaining('cannot be opened: ENOENT'),
      hint: 'Use a path whose folder exists or can be made',
    })
  })

  test('one whose folder is a file', async () => {
    const path = newPath()
    writeFileSync(path, '')
    for (const below of [join(path, 'journal'), join(path, 'folder', 'journal')]) {
      expect(await openingError(below)).toMatchObject({
        code: 'journal_unusable',
        message: expect.stringContaining('cannot be opened: '),
        hint: 'Use a path that has no file in place of a folder',
      })
    }
  })
})

test.skipIf(process.platform !== 'linux')(
  'a journal that cannot be used, or whose header is torn, is not left open',
  async () => {
    const path = newPath()
    writeFileSync(path, 'notes\n')
    const options = { recordStates: undefined, takeLock: withoutLock }
    const open = countOpenFiles()
    await expect(openJournal(path, header, options)).rejects.toMatchObject({
      message: expect.stringContaining('was not written by this action'),
      hint: 'Use another `journal-file`',
    })
    writeFileSync(path, journalText(header).slice(0, 20))
    const journal = await openJournal(path, header, options)
    journal.close()
    expect(countOpenFiles()).toBe(open)
  },
)

test('a journal in use is refused by any path until it is closed', async () => {
  const path = newPath()
  const link = `${path}-link`
  const first = await openJournal(path, header, { recordStates: undefined })
  symlinkSync(path, link)
  for (const other of [path, link]) {
    expect(await openingError(other)).toMatchObject({
      message: `The journal ${JSON.stringify(other)} is in use by another run`,
      hint: 'Wait until that run has ended, or give each run its own `journal-file`',
    })
  }
  first.close()
  await open(path)
})

test('a journal that the system cannot lock is refused, and its file is closed', async () => {
  const path = newPath()
  let descriptor = -1
  const takeLock = async (given: number) => {
    descriptor = given
    throw Object.assign(new Error('ENOLCK: no locks available'), { code: 'ENOLCK' })
  }
  await expect(openJournal(path, header, { recordStates: undefined, takeLock })).rejects.toMatchObject({
    code: 'journal_unusable',
    message: `The journal ${JSON.stringify(path)} cannot be locked: ENOLCK: no locks available`,
    hint: 'Use a path on another file system',
  })
  expect(() => fstatSync(descriptor)).toThrow('EBADF')
})

test('a journal of an earlier version, which named the host only, is resumed at the standard API', async () => {
  const path = newPath()
  writeFileSync(path, earlierText({ ...header, api: 'api.vercel.com' }, begun(1), sent('a'), succeeded('a')))
  expect((await open(path, newRecordStates({ id: 'a' }))).succeeded).toBe(1)
})

test('a journal that grows while it is read is not used', async () => {
  const path = writeJournal(begun(2), sent('a'))
  const { writer, close } = await openJournal(path, header, { recordStates: newRecordStates({ id: 'a' }) })
  // What another run, on another machine, wrote after this one has read.
  writeFileSync(path, journalText(succeeded('a')), { flag: 'a' })
  writer.append(begun(1))
  await expect(writer.flush()).rejects.toThrow('has lines that another run wrote at the same time')
  close()
})

describe('a journal of a process that was killed during a write', () => {
  const events: JournalEvent[] = [
    begun(2),
    sent('a', { request: { memo: 'é😀' } }),
    succeeded('a'),
    sent('b'),
    outcome('b', 'failed', { message: 'ü' }),
  ]
  const complete = Buffer.from(journalText(header, ...events))
  /** The events that are complete in the first bytes. A line without its line break and its last bracket is complete. */
  const completeEvents = (bytes: number) => {
    const endOf = (index: number) => Buffer.byteLength(journalText(header, ...events.slice(0, index + 1))) - 2
    return events.filter((_, index) => endOf(index) <= bytes)
  }

  test('keeps its complete lines, and ends the truncated one, wherever it ends', async () => {
    const path = newPath()
    for (let length = 0; length <= complete.length; length += 13) {
      writeFileSync(path, complete.subarray(0, length))
      const kept = completeEvents(length)
      const recordStates = newRecordStates({ id: 'a' }, { id: 'b' }, { id: 'c' })
      const journal = await openJournal(path, header, { recordStates, takeLock: withoutLock })
      const count = kept.filter(({ event }) => event === 'succeeded').length
      expect([length, journal.succeeded]).toEqual([length, count])
      const isSent = kept.some(({ event }) => event === 'sent')
      const previous = count > 0 ? 'succeeded' : isSent ? 'unknown' : 'none'
      expect([length, recordStates.claim('a\na')]).toEqual([length, previous])
      const next = [begun(3), sent('c')]
      for (const event of next) journal.writer.append(event)
      journal.close()
      expect([length, readWholeJournal(path)]).toEqual([length, { header, events: [...kept, ...next] }])
    }
  })

  test('is started again if its header is truncated, twice in a row', async () => {
    const path = newPath()
    const headerLength = Buffer.byteLength(journalText(header)) - 1
    for (let length = 1; length < headerLength; length += 11) {
      writeFileSync(path, complete.subarray(0, length))
      const second = await openJournal(path, header, { recordStates: undefined, takeLock: withoutLock })
      second.close()
      writeFileSync(path, readFileSync(path).subarray(0, headerLength - length))
      const third = await openJournal(path, header, { recordStates: undefined, takeLock: withoutLock })
      third.close()
      expect(readWholeJournal(path)).toEqual({ header, events: [] })
    }
  })
})

describe('a journal of another batch', () => {
  const mismatchOf = async (events: JournalEvent[], recordStates: RecordStates) => {
    const error = await openJournal(writeJournal(begun(1), ...events), header, { recordStates }).catch((error) => error)
    expect(error).toBeInstanceOf(JournalMismatch)
    return error as JournalMismatch
  }

  test('that shares records names the one that was removed from the batch', async () => {
    const error = await mismatchOf([sent('a'), succeeded('a'), sent('b', { line: 7 })], newRecordStates({ id: 'a' }))
    expect(error).toMatchObject({ hasNothingInCommon: false, records: [{ id: 'b' }] })
    expect(mismatchFailure('j', error, new Map())).toMatchObject({
      code: 'journal_unusable',
      message:
        'The journal "j" has 1 record that the batch file does not have, the first from line 7 (installation icfg_1)',
    })
  })

  test('that shares no record belongs to another file', async () => {
    const error = await mismatchOf([sent('a'), succeeded('a')], newRecordStates({ id: 'b' }))
    expect(mismatchFailure('j', error, new Map()).message).toBe(
      'The journal "j" belongs to another batch file: it shares no record with this one',
    )
  })

  test('that has a record more often than the file', async () => {
    const events = [sent('a'), succeeded('a'), sent('a'), succeeded('a')]
    const error = await mismatchOf(events, newRecordStates({ id: 'a' }))
    const currentRecords = new Map([['a', { line: 1, request: {} }]])
    expect(mismatchFailure('j', error, currentRecords).message).toContain(
      'has 1 record that the batch file does not have',
    )
  })

  test('that has many other records keeps ten', async () => {
    const events = Array.from({ length: 100 }, (_, number) => sent(`r-${number}`))
    const error = await mismatchOf(events, newRecordStates({ id: 'a' }))
    expect(error.records).toHaveLength(10)
    expect(
      mismatchFailure('j', { ...error, hasNothingInCommon: false } as JournalMismatch, new Map()).message,
    ).toContain('10 or more')
  })

  test('that has other content for an id shows both versions', async () => {
    const changed = sent('r-1', { digest: 'one', line: 3, request: { total: '1.00' } })
    const error = await mismatchOf([changed], newRecordStates({ id: 'r-1', digest: 'two' }))
    const currentRecords = new Map([['r-1', { line: 5, request: { total: '2.00' } }]])
    const { message, diagnostics } = mismatchFailure('j', error, currentRecords)
    expect(message).toBe('Records of the journal have changed, and nothing was sent')
    expect(diagnostics.map(({ message }) => message)).toEqual([
      'the record "r-1" has changed: it was sent as {"total":"1.00"} (line 3 then), and is {"total":"2.00"} now (line 5); give the new record its own id',
    ])
  })

  test('with long requests shows their beginnings', async () => {
    const error = await mismatchOf(
      [sent('r-1', { digest: 'one', request: 'x'.repeat(3000) })],
      newRecordStates({ id: 'c' }),
    )
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

test('a batch that is cancelled while its journal is read says what to do', async () => {
  const options = { recordStates: newRecordStates({ id: 'a' }), signal: AbortSignal.abort() }
  await expect(openJournal(writeJournal(begun(1), sent('a')), header, options)).rejects.toMatchObject({
    code: 'cancelled',
    hint: 'Run it again with the same batch file and journal',
  })
})

test('records can be added to a batch', async () => {
  const recordStates = newRecordStates({ id: 'a' }, { id: 'b' })
  await open(writeJournal(begun(1), sent('a'), succeeded('a')), recordStates)
  expect([recordStates.claim('a\na'), recordStates.claim('b\nb')]).toEqual(['succeeded', 'none'])
})
