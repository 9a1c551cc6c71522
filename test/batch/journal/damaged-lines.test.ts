// Lines that are not JSON: the truncated end of a run, or damage. And what is closed after a journal was read.

import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { JournalError, type JournalEvent } from '../../../src/batch/journal/journal-format.ts'
import { readJournal, withJournal } from '../../../src/batch/journal/read-journal.ts'
import { Failure } from '../../../src/failure.ts'
import { newFolder, withFile } from '../files.ts'
import { begun, earlierText, header, journalText, sent, succeeded } from '../journals.ts'

const start = journalText(header, begun(1))

/** Reads a journal whose last line is this one. @returns its events, or why it is refused */
const read = (lines: string | Buffer) =>
  withFile(join(newFolder(), 'journal'), Buffer.concat([Buffer.from(start), Buffer.from(lines)]), (descriptor) => {
    try {
      return [...readJournal(descriptor).events].length
    } catch (error) {
      return (error as JournalError).message
    }
  })

const unreadable = (line: number) => `is damaged: line ${line} cannot be read, and is not the truncated end of a run`

describe('at the end of a run', () => {
  test.each([
    '{',
    '{"event":"sent","id":"a}',
    '{"event":"sent","id":"a\\"}',
    '{"a":{"b":1}',
    '{"a":[1,{"b":2}]',
    '{"a":"}"',
    '{"a":"[","b":[1]',
    '{"a":"\\\\","b":{}',
  ])('%j may be the beginning of a line', (line) => {
    expect(read(line)).toBe(1)
    expect(read(`${line}\n`)).toBe(1)
  })

  test.each([
    'x',
    '"a"x',
    '[1',
    '{"a":1}}',
    '{a}',
    '{"a":{"b":1}}]',
    '{"a":"\\\\"}"',
    '{"a":1]',
    '{"a":"x"}x',
    '{"event":"sent,"crc":"00000000"}',
  ])('%j is damage', (line) => {
    expect(read(`${line}\n`)).toBe(unreadable(3))
  })

  test('a truncated line is followed by a run, or by the beginning of its first line', () => {
    const next = '{"event":"begun","at":"2025-03-15T12:00:00.000Z","batch":"b","total":1}\n'
    expect(read(`{"event":"sent\n${next}`)).toBe(2)
    expect(read('{"event":"sent\n{"event":"be')).toBe(1)
    expect(read('{"event":"sent\n{"event":"begun","at":')).toBe(1)
    expect(read('{"event":"sent\n{"event":"sent')).toBe(unreadable(3))
    expect(read('{"event":"sent\n\n{"event":"gone')).toMatch(/^is damaged: line 3/)
  })

  test('of a line that is not UTF-8 the bytes count', () => {
    expect(read(Buffer.from([0x7b, 0x22, 0xc3]))).toBe(1)
    expect(read(Buffer.from([0x7b, 0x22, 0xc3, 0x22, 0x7d, 0x0a]))).toBe(unreadable(3))
    // The line begins in the second chunk that is read, and ends in the third.
    const many = earlierText(
      ...Array.from({ length: 1000 }, (_, index) => [sent(`${index}`), succeeded(`${index}`)]).flat(),
    )
    const events = earlierText(begun(1)) + many
    const last = Buffer.concat([Buffer.from(`{"a":"${'x'.repeat(70_000)}`), Buffer.from([0xff])])
    expect(read(Buffer.concat([Buffer.from(events), last]))).toBe(2002)
    expect(read(Buffer.concat([Buffer.from(events), last, Buffer.from('"}\n')]))).toBe(
      unreadable(2004).replace('2004', '2,004'),
    )
  })
})

test('a line of more than 256 KiB is refused', () => {
  const line = (chars: number) => `{"a":"${'x'.repeat(chars - 6)}`
  expect(read(line(256 * 1024))).toBe(1)
  expect(read(line(256 * 1024 + 1))).toBe('is damaged: line 3 is longer than 262,144 characters')
})

test('lines of a run either all have checksums or none', () => {
  const sealed = journalText(header, begun(1), sent('a')).slice(start.length)
  expect(read(sealed)).toBe(2)
  expect(read(earlierText(sent('a')))).toBe('is damaged: line 3 was changed: its checksum does not fit its run')
  expect(read(earlierText({ crc: '00000000', ...begun(1) } as JournalEvent))).toBe(
    'is damaged: line 3 has a checksum that is not at its end',
  )
  expect(read(sealed.replace('"a"', '"b"'))).toBe(
    'is damaged: line 3 does not fit the lines before it: a line was changed, removed or added',
  )
})

test('a header whose checksum is wrong is damage, and one of an earlier version names the host only', () => {
  const folder = newFolder()
  const headerOf = (text: string) => withFile(join(folder, 'j'), text, (descriptor) => readJournal(descriptor).header)
  expect(() => headerOf(journalText(header).replace('1/1', '1/2'))).toThrow(
    /^is damaged: line 1 was changed: its checksum is wrong$/,
  )
  expect(headerOf(earlierText({ ...header, api: 'api.vercel.com' })).api).toBe('https://api.vercel.com')
  expect(headerOf(earlierText({ ...header, api: 'sandbox' })).api).toBe('sandbox')
  expect(headerOf(earlierText({ ...header, api: 'http://localhost/x' })).api).toBe('http://localhost/x')
})

describe('a journal is closed', () => {
  const refuse = (reason: string) => new Failure('journal_unusable', `The journal ${reason}`)
  const open = () => readdirSync('/proc/self/fd').length
  const path = () => {
    const path = join(newFolder(), 'journal')
    writeFileSync(path, start)
    return path
  }

  test.skipIf(process.platform !== 'linux')('after use, at once or later, with success or not', async () => {
    const journal = path()
    const before = open()
    expect(withJournal(journal, ({ events }) => [...events].length, refuse)).toBe(1)
    expect(open()).toBe(before)
    const later = withJournal(journal, async ({ events }) => [...events].length, refuse)
    expect(open()).toBe(before + 1)
    expect(await later).toBe(1)
    expect(open()).toBe(before)
    const throwing = (error: Error) => () => {
      throw error
    }
    expect(() => withJournal(journal, throwing(new Error('EIO')), refuse)).toThrow('The journal cannot be read: EIO')
    await expect(withJournal(journal, async () => throwing(new JournalError('is odd'))(), refuse)).rejects.toThrow(
      'The journal is odd',
    )
    const failure = new Failure('cancelled', 'enough')
    expect(() => withJournal(journal, throwing(failure), refuse)).toThrow(failure)
    expect(open()).toBe(before)
  })

  test('one that does not exist is refused, and one that cannot be read', () => {
    const use = () => 1
    expect(() => withJournal(join(newFolder(), 'missing'), use, refuse)).toThrow(
      'The journal does not exist: paths are relative to the workspace',
    )
    expect(() => withJournal(newFolder(), use, refuse)).toThrow(
      /^The journal is a folder: give the journals in it, with a glob such as `journals\/\*\.ndjson`$/,
    )
  })
})
