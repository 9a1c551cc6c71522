import { appendFileSync, existsSync, fstatSync, openSync, readFileSync, rmSync, statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { JournalEvent } from '../../../src/batch/journal/journal-format.ts'
import { JournalWriter, openForAppending } from '../../../src/batch/journal/journal-writer.ts'
import { LineChain } from '../../../src/batch/journal/line-chain.ts'
import { unicodeText } from '../../unicode-text.ts'
import { newFolder, replaceInFs, replaceWriteSync } from '../files.ts'
import { begun, header, journalText, outcome, readWholeJournal, sent } from '../journals.ts'

/** Writes lines as the next run of a journal. */
function write(path: string, ...lines: Parameters<JournalWriter['append']>[0][]): void {
  const descriptor = openForAppending(path)
  const { size } = fstatSync(descriptor)
  const chain = new LineChain()
  for (const line of readFileSync(path, 'utf8').split('\n')) chain.check(line)
  const writer = new JournalWriter(descriptor, { chain, size })
  for (const line of lines) writer.append(line)
  writer.close()
}

const text = unicodeText({ maxLength: 20 }).map((text) => text.toWellFormed())
/** A run that sends records and gets their outcomes. */
const run: fc.Arbitrary<JournalEvent[]> = fc
  .uniqueArray(
    fc.record({
      id: text,
      digest: text,
      message: text,
      event: fc.constantFrom('succeeded' as const, 'failed' as const, 'unknown' as const),
    }),
    { selector: ({ id, digest }) => `${id}\n${digest}` },
  )
  .map((records) => [
    begun(records.length),
    ...records.flatMap(({ id, digest, event, message }) => [
      sent(id, { digest, request: { memo: id } }),
      outcome(id, event, { digest, message, httpStatus: 500 }),
    ]),
  ])

test('the events of two writers are read back in their order', () => {
  const folder = newFolder()
  let number = 0
  fc.assert(
    fc.property(run, run, (first, second) => {
      const path = join(folder, String(number++))
      write(path, header, ...first)
      write(path, ...second)
      expect(readWholeJournal(path)).toEqual({ header, events: [...first, ...second] })
      expect(readFileSync(path, 'utf8')).toBe(journalText(header, ...first, ...second))
    }),
  )
})

describe('a writer stops before a request could be sent if the file', () => {
  const startWriter = () => {
    const path = join(newFolder(), 'journal')
    const writer = new JournalWriter(openForAppending(path))
    writer.append(header)
    writer.append(begun(1))
    writer.flushSync()
    writer.append(sent('a'))
    return { path, writer }
  }
  const expectStop = (path: string, writer: JournalWriter, message: string, fix: string) => {
    const before = readFileSync(path, 'utf8')
    expect(() => writer.flushSync()).toThrow(message)
    expect(writer.failure).toMatchObject({ name: 'JournalError', fix: expect.stringContaining(fix) })
    writer.close()
    expect(readFileSync(path, 'utf8')).toBe(before)
  }

  test('has lines of another run', () => {
    const { path, writer } = startWriter()
    write(path, begun(1))
    expectStop(path, writer, 'has lines that another run wrote', 'Wait until the other run has ended')
  })

  test('gets lines of another run while it writes', () => {
    const { path, writer } = startWriter()
    replaceWriteSync((write) => (...args: Parameters<typeof write>) => {
      appendFileSync(path, journalText(begun(1)))
      return write(...args)
    })
    expect(() => writer.flushSync()).toThrow('has lines that another run wrote')
    writer.close()
  })

  test('was truncated', () => {
    const { path, writer } = startWriter()
    truncateSync(path, 10)
    expectStop(path, writer, 'was truncated while the batch ran', 'Restore the lines')
  })

  test('was deleted', () => {
    const { path, writer } = startWriter()
    rmSync(path)
    expect(() => writer.flushSync()).toThrow('was deleted while the batch ran')
    expect(writer.failure?.fix).toContain('Restore it first')
    writer.close()
  })
})

test('lines are written when they are flushed or the writer is closed, each once', () => {
  const path = join(newFolder(), 'journal')
  const writer = new JournalWriter(openForAppending(path))
  writer.append(header)
  writer.append(begun(1))
  expect(readFileSync(path, 'utf8')).toBe('')
  writer.flushSync()
  writer.flushSync()
  expect(readFileSync(path, 'utf8')).toBe(journalText(header, begun(1)))
  writer.append(sent('a'))
  writer.close()
  expect(readFileSync(path, 'utf8')).toBe(journalText(header, begun(1), sent('a')))
})

test('a flush writes at once, or once per turn for all callers while the event loop is saturated', async () => {
  const path = join(newFolder(), 'journal')
  let isSaturated = false
  const writer = new JournalWriter(openForAppending(path), { monitor: { isSaturated: () => isSaturated } })
  writer.append(header)
  const flushed = writer.flush()
  expect(readFileSync(path, 'utf8')).toBe(journalText(header))
  await flushed
  isSaturated = true
  writer.append(begun(1))
  const flushes = [writer.flush(), writer.flushAtEndOfTurn()]
  writer.append(sent('a'))
  expect(readFileSync(path, 'utf8')).toBe(journalText(header))
  await Promise.all(flushes)
  expect(readFileSync(path, 'utf8')).toBe(journalText(header, begun(1), sent('a')))
  writer.close()
})

test('only the owner can read the file', () => {
  const path = join(newFolder(), 'journal')
  write(path, header)
  expect(statSync(path).mode & 0o777).toBe(0o600)
})

test.skipIf(!existsSync('/dev/full'))('after a write to a full disk every flush throws the same error', () => {
  const writer = new JournalWriter(openSync('/dev/full', 'a'))
  writer.flushSync()
  writer.append(header)
  expect(writer.failure).toBeUndefined()
  expect(() => writer.flushSync()).toThrow(/^could not be written: ENOSPC/)
  expect(writer.failure?.message).toMatch(/ENOSPC/)
  const first = writer.failure
  const secondError = () => {
    try {
      writer.flushSync()
    } catch (error) {
      return error
    }
  }
  expect(secondError()).toBe(first)
  writer.close()
})

test.skipIf(!existsSync('/dev/full'))('a flush at the end of a turn fails if its write fails', async () => {
  const writer = new JournalWriter(openSync('/dev/full', 'a'))
  writer.append(header)
  await expect(writer.flushAtEndOfTurn()).rejects.toThrow(/^could not be written: ENOSPC/)
  writer.close()
})

test('a writer that is closed has put its lines on the disk', () => {
  const path = join(newFolder(), 'journal')
  const writer = new JournalWriter(openForAppending(path))
  let synced: string | undefined
  replaceInFs('fdatasyncSync', () => {
    synced = readFileSync(path, 'utf8')
  })
  writer.append(header)
  writer.close()
  expect(synced).toBe(journalText(header))
})

test('a writer that is closed has closed the file', () => {
  const descriptor = openForAppending(join(newFolder(), 'journal'))
  new JournalWriter(descriptor).close()
  expect(() => fstatSync(descriptor)).toThrow('EBADF')
})
