import { closeSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { JournalError, type JournalEvent } from '../../../src/batch/journal/journal-format.ts'
import { JournalWriter, openForAppending } from '../../../src/batch/journal/journal-writer.ts'
import { readJournal } from '../../../src/batch/journal/read-journal.ts'
import { newFolder, withFile } from '../files.ts'
import { begun, earlierText, header, journalText, outcome, readWholeJournal, sent, succeeded } from '../journals.ts'

function writeJournal(content: string | Uint8Array): string {
  const path = join(newFolder(), 'journal')
  writeFileSync(path, content)
  return path
}

const eventsOf = (content: string | Uint8Array) => readWholeJournal(writeJournal(content)).events

test.each([
  ['nothing', ''],
  ['a batch', '{"integrationConfigurationId":"icfg_1"}\n'],
  ['events without a header', journalText(begun(1), sent('a'))],
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

test('a journal can be read while it is written', () => {
  const path = join(newFolder(), 'journal')
  const writer = new JournalWriter(openForAppending(path))
  for (const line of [header, begun(1), sent('a')]) writer.append(line)
  writer.flushSync()
  const descriptor = openSync(path, 'r')
  const { events } = readJournal(descriptor)
  expect([events.next().value, events.next().value]).toEqual([begun(1), sent('a')])
  writer.append(succeeded('a'))
  writer.close()
  expect(events.next().value).toEqual(succeeded('a'))
  closeSync(descriptor)
})

describe('an earlier version', () => {
  const events = [begun(1), sent('a'), succeeded('a', { message: 'ü' })]

  test('wrote no checksums: its journals are read, those of killed runs too', () => {
    const text = earlierText(header, ...events)
    expect(eventsOf(text)).toEqual(events)
    const cut = text.slice(0, -5)
    expect(eventsOf(`${cut}\n${earlierText(begun(1), sent('a', { resumed: true }))}`)).toEqual([
      begun(1),
      sent('a'),
      begun(1),
      sent('a', { resumed: true }),
    ])
  })

  test('and this one can take turns', () => {
    const text = earlierText(header, ...events, begun(2))
    const path = writeJournal(text)
    for (const id of ['b', 'c']) {
      const { chain } = readAll(path)
      const writer = new JournalWriter(openForAppending(path), { chain, size: readFileSync(path).length })
      for (const event of [begun(2), sent(id)]) writer.append(event)
      writer.close()
      writeFileSync(path, earlierText(begun(2), sent(`${id}-earlier`)), { flag: 'a' })
    }
    expect(readAll(path).events.filter(({ event }) => event === 'sent')).toHaveLength(5)
    // The checksums of this version cover the lines before them, those without checksums too.
    for (const [old, changed] of [
      ['"shard":"1/1"', '"shard":"1/2"'],
      ['"message":"ü"', '"message":"u"'],
    ] as const) {
      const damaged = writeJournal(readFileSync(path, 'utf8').replace(old, changed))
      expect(() => readAll(damaged)).toThrow('does not fit the lines before it')
    }
  })

  test.each([
    ['api.vercel.com', 'https://api.vercel.com'],
    ['127.0.0.1', 'https://127.0.0.1'],
    ['sandbox', 'sandbox'],
  ])('named the host only: %s counts for the standard port and no base path', (api, complete) => {
    expect(readWholeJournal(writeJournal(earlierText({ ...header, api }))).header.api).toBe(complete)
  })
})

function readAll(path: string) {
  const descriptor = openSync(path, 'r')
  const { events, chain } = readJournal(descriptor)
  const all = [...events]
  closeSync(descriptor)
  return { events: all, chain }
}

const start = earlierText(header, begun(2), sent('a'))

describe('a line is refused, with its number and what to do, if it', () => {
  const change = (fields: object, event: object = succeeded('a')) =>
    `${start}${JSON.stringify({ ...event, ...fields })}\n`
  test.each<[what: string, content: string | Buffer, line: number, problem: string]>([
    [
      'is not JSON and is not the last of its run',
      `${start}{"event":"suc\n${earlierText(sent('b'))}`,
      4,
      'cannot be read',
    ],
    ['is no beginning of a line', `${start}notes\n`, 4, 'cannot be read'],
    [
      'is longer than any line of this action',
      change({ message: 'x'.repeat(300_000) }),
      4,
      'is longer than 262,144 char',
    ],
    ['is longer than 10 MiB', `${start}${'x'.repeat((10 << 20) + 1)}\n`, 4, 'is longer than 10 MiB'],
    ['is no object', `${start}[]\n`, 4, 'is a list, not an object'],
    ['is an event that nobody knows', change({ event: 'lost' }), 4, 'has no `event` that this version'],
    ['is an event of JavaScript', change({ event: 'constructor' }), 4, 'has no `event` that this version'],
    ['lacks its id', change({ id: undefined }), 4, 'lacks the field `id`'],
    ['has a number as its id', change({ id: 1 }), 4, '`id` that must be text, not a number'],
    ['has a line number as text', change({ line: '1' }), 4, '`line` that must be a line number, not "1"'],
    ['has no time', change({ at: 'yesterday' }), 4, '`at` that must be a time such as 2026-01-31T12:00:00.000Z'],
    ['has a day that does not exist', change({ at: '2025-13-45T00:00:00Z' }), 4, '`at` that must be a time'],
    ['has attempts as text', change({ attempts: '2' }), 4, '`attempts` that must be a whole number, not "2"'],
    ['has an infinite duration', change({}).replace('"ms":10', '"ms":1e999'), 4, '`ms` that must be a duration'],
    [
      'has an amount with an exponent',
      change({ amount: '1e999999999' }, sent('b')),
      4,
      '`amount` that must be a decimal',
    ],
    [
      'has an amount as a number',
      change({ amount: 1 }, sent('b')),
      4,
      '`amount` that must be a decimal in quotes, not a n',
    ],
    ['has an invoice with a wrong total', change({ before: { state: 'paid', total: 'x' } }, sent('b')), 4, '`before`'],
    [
      'has a request that nests too deep',
      change({ request: '#' }, sent('b')).replace('"#"', `${'{"a":'.repeat(2000)}1${'}'.repeat(2000)}`),
      4,
      '`request` that must be a request',
    ],
    ['is resumed with a word', change({ resumed: 'yes' }, sent('b')), 4, '`resumed` that must be true'],
    [
      'begins without a count',
      `${start}${JSON.stringify({ ...begun(1), total: '1' })}\n`,
      4,
      '`total` that must be a whole',
    ],
    ['is about a record before a run has begun', earlierText(header, sent('a')), 2, 'no run has begun before it'],
    [
      'is a second outcome',
      earlierText(header, begun(1), sent('a'), succeeded('a'), succeeded('a')),
      5,
      'is an outcome without a request',
    ],
    [
      'is a second outcome after an unknown one',
      earlierText(header, begun(1), sent('a'), outcome('a', 'unknown'), succeeded('a')),
      5,
      'is an outcome without a request',
    ],
    [
      'is an outcome of a record that was not sent',
      earlierText(header, begun(1), sent('a'), succeeded('b')),
      4,
      'is an outcome without',
    ],
    ['sends a record in flight', earlierText(header, begun(1), sent('a'), sent('a')), 4, 'has in flight already'],
    [
      'resumes a record that succeeded',
      earlierText(header, begun(1), sent('a'), succeeded('a'), begun(1), sent('a', { resumed: true })),
      6,
      'whose outcome was not unknown',
    ],
    [
      'is a second look-up',
      earlierText(header, begun(1), sent('a'), begun(1), succeeded('a'), succeeded('a')),
      6,
      'is an outcome without',
    ],
  ])('%s', (_, content, line, problem) => {
    const error = errorOf(content)
    expect(error.message).toContain(`is damaged: line ${line} `)
    expect(error.message).toContain(problem)
    expect(error.message.length).toBeLessThan(250)
    expect(error.fix).toMatch(/^Restore an intact copy of it\. Without one, find out at Vercel what has arrived/)
  })
})

function errorOf(content: string | Uint8Array): JournalError {
  try {
    eventsOf(content)
  } catch (error) {
    expect(error).toBeInstanceOf(JournalError)
    return error as JournalError
  }
  throw new Error('the journal was accepted')
}

describe('what a run leaves is accepted:', () => {
  test.each<[what: string, events: JournalEvent[]]>([
    ['the same record twice, one after the other', [begun(2), sent('a'), succeeded('a'), sent('a'), succeeded('a')]],
    ['a record that failed and is sent again', [begun(1), sent('a'), outcome('a', 'failed'), begun(1), sent('a')]],
    [
      'a record in flight that is resumed',
      [begun(1), sent('a'), begun(1), sent('a', { resumed: true }), succeeded('a')],
    ],
    ['a record in flight that is looked up', [begun(1), sent('a'), begun(1), succeeded('a')]],
    [
      'an unknown one that stays unknown',
      [begun(1), sent('a'), begun(1), outcome('a', 'unknown'), begun(1), outcome('a', 'unknown')],
    ],
    [
      'two unknown ones with one key',
      [begun(2), sent('a'), outcome('a', 'unknown'), sent('a'), begun(2), succeeded('a'), succeeded('a')],
    ],
    [
      'a failure of the action before it sent the record',
      [begun(1), outcome('a', 'unknown', { code: 'internal_error' })],
    ],
  ])('%s', (_, events) => {
    expect(eventsOf(journalText(header, ...events))).toEqual(events)
    expect(eventsOf(earlierText(header, ...events))).toEqual(events)
  })

  test('truncated lines at the ends of several runs', () => {
    const text = `${start}{"event":"suc\n{"event":"be\n{"event":"begun","at":"2\n${earlierText(begun(2))}{"event":"se`
    expect(eventsOf(text)).toEqual([begun(2), sent('a'), begun(2)])
  })

  test('a line that is truncated within a character', () => {
    const line = Buffer.from(JSON.stringify(sent('b', { request: { memo: 'é' } })))
    const cut = line.subarray(0, line.indexOf(Buffer.from('é')) + 1)
    expect(eventsOf(Buffer.concat([Buffer.from(start), cut]))).toEqual([begun(2), sent('a')])
  })
})

describe('a journal in which one byte was changed is refused, or says the same', () => {
  // Thousands of journals are refused, and nobody looks at the stacks of the errors.
  const { stackTraceLimit } = Error
  beforeEach(() => {
    Error.stackTraceLimit = 0
  })
  afterEach(() => {
    Error.stackTraceLimit = stackTraceLimit
  })

  const events = [
    begun(2),
    sent('a', { amount: '12.50', externalId: 'invoice-1', request: { items: [{ memo: 'é😀' }] } }),
    succeeded('a', { invoiceId: 'inv_1' }),
    sent('b', { before: { state: 'paid', total: '3.00' } }),
    outcome('b', 'unknown', { message: 'no "response"' }),
    begun(2),
    sent('b', { resumed: true }),
  ]
  const content = Buffer.from(journalText(header, ...events))
  const replacements = [...'\n\r }],"\\x1a', '\0'].map((char) => char.charCodeAt(0)).concat(0xc3)

  const isWordCharacter = (byte: number) => /\w/.test(String.fromCharCode(byte))

  test.each([0, 1, 2, 3, 4, 5, 6])('after %i of its lines are missing at the end', (missing) => {
    const kept = events.slice(0, events.length - missing)
    const length = Buffer.byteLength(journalText(header, ...kept))
    const path = writeJournal(content.subarray(0, length))
    const descriptor = openSync(path, 'r+')
    const said = JSON.stringify(kept)
    const accepted: string[] = []
    // Only the last line is in another place than in the whole journal.
    const from = missing === 0 ? 0 : content.lastIndexOf('\n', length - 2)
    for (let position = from; position < length; position++) {
      for (const replacement of replacements) {
        if (content[position] === replacement) continue
        // Letters and digits mean little to the parser: a third of the changes of each.
        if (isWordCharacter(content[position] as number) && (position + replacement) % 3 !== 0) continue
        writeSync(descriptor, Buffer.from([replacement]), 0, 1, position)
        try {
          const found = JSON.stringify([...readJournal(descriptor).events])
          if (found !== said) accepted.push(`${position}: ${String.fromCharCode(replacement)}`)
        } catch (error) {
          if (!(error instanceof JournalError)) throw error
        }
      }
      writeSync(descriptor, content, position, 1, position)
    }
    closeSync(descriptor)
    expect(accepted).toEqual([])
  })

  test('so is one that lacks a line, or has one twice or elsewhere', () => {
    const lines = content.toString().trimEnd().split('\n')
    for (let index = 1; index < lines.length - 1; index++) {
      const line = lines[index] as string
      const [before, after] = [lines.slice(0, index), lines.slice(index + 1)]
      for (const changed of [
        [...before, ...after],
        [...before, line, line, ...after],
        [...before, ...after, line],
      ]) {
        expect(() => eventsOf(`${changed.join('\n')}\n`)).toThrow('is damaged')
      }
    }
  })
})
