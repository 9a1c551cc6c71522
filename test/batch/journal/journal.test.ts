import { closeSync, existsSync, openSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type JournalEvent, JournalWriter, openForAppending, readJournal } from '../../../src/batch/journal/journal.ts'
import { recordKey } from '../../../src/batch/records/record.ts'
import { newFolder, withFile } from '../files.ts'
import { begun, contentOf, header, outcome, sent, succeeded, textOf } from '../journals.ts'

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

test('what is written is read, in its order, whoever wrote it', () => {
  const folder = newFolder()
  let number = 0
  fc.assert(
    fc.property(events, events, (one, two) => {
      const path = join(folder, String(number++))
      write(path, header, ...one)
      write(path, ...two)
      expect(contentOf(path)).toEqual({ header, events: [...one, ...two] })
      expect(readFileSync(path, 'utf8')).toBe(textOf(header, ...one, ...two))
    }),
  )
})

test('nothing is written before it is to be', () => {
  const path = join(newFolder(), 'journal')
  const writer = new JournalWriter(openForAppending(path))
  writer.append(header)
  writer.append(begun(1))
  expect(readFileSync(path, 'utf8')).toBe('')
  writer.flushSync()
  writer.flushSync()
  expect(readFileSync(path, 'utf8')).toBe(textOf(header, begun(1)))
  writer.append(sent('a'))
  writer.close()
  expect(readFileSync(path, 'utf8')).toBe(textOf(header, begun(1), sent('a')))
})

test('a line is written at once where there is time to spare, and else with all that are noted in a turn', async () => {
  const path = join(newFolder(), 'journal')
  let isBusy = false
  const writer = new JournalWriter(openForAppending(path), { isSaturated: () => isBusy })
  writer.append(header)
  const written = writer.flush()
  expect(readFileSync(path, 'utf8')).toBe(textOf(header))
  await written
  isBusy = true
  writer.append(begun(1))
  const both = [writer.flush(), writer.flushAtEndOfTurn()]
  writer.append(sent('a'))
  expect(readFileSync(path, 'utf8')).toBe(textOf(header))
  await Promise.all(both)
  expect(readFileSync(path, 'utf8')).toBe(textOf(header, begun(1), sent('a')))
  writer.close()
})

test('nobody else can read it', () => {
  const path = join(newFolder(), 'journal')
  write(path, header)
  expect(statSync(path).mode & 0o777).toBe(0o600)
})

test('lines that are no events say nothing', () => {
  const path = join(newFolder(), 'journal')
  const others = ['{"event":"sent"}', '[]', 'null', '{', '{"event":"other","id":"a"}', '{"event":"begun"}', '"sent"']
  const wrong = [
    JSON.stringify({ ...sent('a'), event: 'other' }),
    JSON.stringify({ ...sent('a'), line: '1' }),
    JSON.stringify({ ...sent('a'), id: 1 }),
    JSON.stringify({ ...sent('a'), installation: null }),
  ]
  writeFileSync(path, `${textOf(header)}${[...others, ...wrong].join('\n')}\n\ufffd\n${textOf(sent('a'))}`)
  expect(contentOf(path).events).toEqual([sent('a')])
})

test.each([
  ['nothing', ''],
  ['a batch', '{"integrationConfigurationId":"icfg_1"}\n'],
  ['events alone', textOf(sent('a'))],
  ['no JSON', 'journal\n'],
  ['a header without a shard', `${JSON.stringify({ ...header, shard: undefined })}\n`],
  ['bytes', Buffer.from([0xff, 0xfe, 0x0a])],
])('a file with %s is no journal', (_, content) => {
  withFile(join(newFolder(), 'journal'), content, (file) => {
    expect(() => readJournal(file)).toThrow('was not written by this action')
  })
})

test('a journal of a later version is not guessed at', () => {
  withFile(join(newFolder(), 'journal'), `${JSON.stringify({ ...header, version: 2 })}\n`, (file) => {
    expect(() => readJournal(file)).toThrow('was written by another version of this action')
  })
})

test('a line that is too long to be read is not passed over: it may have been of a record that was sent', () => {
  const content = `${textOf(header)}${'x'.repeat((10 << 20) + 1)}\n`
  withFile(join(newFolder(), 'journal'), content, (file) => {
    expect(() => [...readJournal(file).events]).toThrow('has a line that is longer than 10 MiB: line 2')
  })
})

test.skipIf(!existsSync('/dev/full'))(
  'a disk that is full is told once and for all, and nothing more is written',
  () => {
    const writer = new JournalWriter(openSync('/dev/full', 'a'))
    writer.flushSync()
    writer.append(header)
    expect(writer.failure).toBeUndefined()
    expect(() => writer.flushSync()).toThrow(/^could not be written: ENOSPC/)
    expect(writer.failure?.message).toMatch(/ENOSPC/)
    const first = writer.failure
    const again = () => {
      try {
        writer.flushSync()
      } catch (error) {
        return error
      }
    }
    expect(again()).toBe(first)
    writer.close()
  },
)

test('a record is known by its id and its content, one without an id by its content', () => {
  expect(recordKey({ id: 'd' })).toBe(recordKey({ id: 'd', digest: 'd' }))
  expect(recordKey({ id: 'a', digest: 'd' })).not.toBe(recordKey({ id: 'a', digest: 'e' }))
  expect(recordKey({ id: 'a', digest: 'd' })).not.toBe(recordKey({ id: 'b', digest: 'd' }))
})

test('a journal may be read while it is written', () => {
  const path = join(newFolder(), 'journal')
  write(path, header, sent('a'))
  const file = openSync(path, 'r')
  const { events } = readJournal(file)
  expect(events.next().value).toEqual(sent('a'))
  write(path, succeeded('a'))
  expect(events.next().value).toEqual(succeeded('a'))
  closeSync(file)
})
