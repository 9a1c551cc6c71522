import { existsSync, openSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { JournalEvent } from '../../../src/batch/journal/journal-format.ts'
import { JournalWriter, openForAppending } from '../../../src/batch/journal/journal-writer.ts'
import { newFolder } from '../files.ts'
import { begun, header, journalText, outcome, readWholeJournal, sent } from '../journals.ts'

function write(path: string, ...lines: Parameters<JournalWriter['append']>[0][]): void {
  const writer = new JournalWriter(openForAppending(path))
  for (const line of lines) writer.append(line)
  writer.close()
}

const text = fc.string({ unit: 'binary', maxLength: 20 }).map((text) => text.toWellFormed())
const events: fc.Arbitrary<JournalEvent[]> = fc.array(
  fc.oneof(
    fc.nat().map(begun),
    fc.tuple(text, text).map(([id, digest]) => sent(id, { digest, request: { memo: id } })),
    fc
      .tuple(text, fc.constantFrom('succeeded' as const, 'failed' as const, 'unknown' as const), text)
      .map(([id, event, message]) => outcome(id, event, { message, httpStatus: 500 })),
  ),
)

test('the events of two writers are read back in their order', () => {
  const folder = newFolder()
  let number = 0
  fc.assert(
    fc.property(events, events, (first, second) => {
      const path = join(folder, String(number++))
      write(path, header, ...first)
      write(path, ...second)
      expect(readWholeJournal(path)).toEqual({ header, events: [...first, ...second] })
      expect(readFileSync(path, 'utf8')).toBe(journalText(header, ...first, ...second))
    }),
  )
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
  const writer = new JournalWriter(openForAppending(path), { isSaturated: () => isSaturated })
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
