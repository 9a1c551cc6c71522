import { closeSync, openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { JournalWriter, openForAppending } from '../../../src/batch/journal/journal-writer.ts'
import { readJournal } from '../../../src/batch/journal/read-journal.ts'
import { newFolder, withFile } from '../files.ts'
import { header, journalText, readWholeJournal, sent, succeeded } from '../journals.ts'

test('lines that are not events are skipped', () => {
  const path = join(newFolder(), 'journal')
  const otherLines = [
    '{"event":"sent"}',
    '[]',
    'null',
    '{',
    '{"event":"other","id":"a"}',
    '{"event":"begun"}',
    '"sent"',
    JSON.stringify({ ...sent('a'), event: 'other' }),
    JSON.stringify({ ...sent('a'), line: '1' }),
    JSON.stringify({ ...sent('a'), id: 1 }),
    JSON.stringify({ ...sent('a'), installation: null }),
  ]
  writeFileSync(path, `${journalText(header)}${otherLines.join('\n')}\n\ufffd\n${journalText(sent('a'))}`)
  expect(readWholeJournal(path).events).toEqual([sent('a')])
})

test.each([
  ['nothing', ''],
  ['a batch', '{"integrationConfigurationId":"icfg_1"}\n'],
  ['events without a header', journalText(sent('a'))],
  ['text that is not JSON', 'journal\n'],
  ['a header without a shard', `${JSON.stringify({ ...header, shard: undefined })}\n`],
  ['bytes that are not UTF-8', Buffer.from([0xff, 0xfe, 0x0a])],
])('a file with %s is not a journal', (_, content) => {
  withFile(join(newFolder(), 'journal'), content, (descriptor) => {
    expect(() => readJournal(descriptor)).toThrow('was not written by this action')
  })
})

test('a journal of a later version is refused', () => {
  withFile(join(newFolder(), 'journal'), `${JSON.stringify({ ...header, version: 2 })}\n`, (descriptor) => {
    expect(() => readJournal(descriptor)).toThrow('was written by another version of this action')
  })
})

test('a line that is too long is an error, because it may be about a record that was sent', () => {
  const content = `${journalText(header)}${'x'.repeat((10 << 20) + 1)}\n`
  withFile(join(newFolder(), 'journal'), content, (descriptor) => {
    expect(() => [...readJournal(descriptor).events]).toThrow('has a line that is longer than 10 MiB: line 2')
  })
})

test('a journal can be read while it is written', () => {
  const path = join(newFolder(), 'journal')
  const writer = new JournalWriter(openForAppending(path))
  writer.append(header)
  writer.append(sent('a'))
  writer.flushSync()
  const descriptor = openSync(path, 'r')
  const { events } = readJournal(descriptor)
  expect(events.next().value).toEqual(sent('a'))
  writer.append(succeeded('a'))
  writer.close()
  expect(events.next().value).toEqual(succeeded('a'))
  closeSync(descriptor)
})
