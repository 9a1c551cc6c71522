// Runs of this version and of an earlier one take turns with one journal, and are killed at any byte: the next run
// accepts the journal, and knows what is in it.

import { appendFileSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { JournalEvent } from '../../../src/batch/journal/journal-format.ts'
import { openJournal } from '../../../src/batch/journal/open-journal.ts'
import { recordKey } from '../../../src/batch/records/record.ts'
import type { RecordStates } from '../../../src/batch/records/record-states.ts'
import { newFolder, withoutLock } from '../files.ts'
import { begun, earlierText, header, newRecordStates, outcome, sent } from '../journals.ts'

/** Several records have the same key. */
const records = ['a', 'b', 'a', 'c', 'd', 'a', 'c', 'e'].map((id) => ({ id }))
const [events, keys] = [['succeeded', 'failed', 'unknown'] as const, 4]

interface Run {
  readonly isEarlierVersion: boolean
  /** One for each record. */
  readonly outcomes: readonly (typeof events)[number][]
  /** How the records are interleaved. */
  readonly order: readonly number[]
  /** How much of what the run wrote is left, from 0 to 1. */
  readonly left: number
}

const run: fc.Arbitrary<Run> = fc.record({
  isEarlierVersion: fc.boolean(),
  outcomes: fc.array(fc.constantFrom(...events), { minLength: records.length, maxLength: records.length }),
  order: fc.array(fc.nat(keys - 1), { minLength: 20, maxLength: 20 }),
  left: fc.double({ min: 0, max: 1, noNaN: true }),
})

/** What a run writes: the records of one key one after the other, those of different keys in any order. */
function eventsOf({ outcomes, order }: Run, states: RecordStates, isSafeToRepeat: boolean): JournalEvent[] {
  const queues = new Map<string, JournalEvent[]>()
  records.forEach(({ id }, index) => {
    const previous = states.claim(recordKey({ id }))
    if (previous === 'succeeded') return
    const request = previous === 'none' ? [sent(id)] : isSafeToRepeat ? [sent(id, { resumed: true })] : []
    const end = outcome(id, outcomes[index] ?? 'failed', { message: `ü "${id}"` })
    queues.set(id, [...(queues.get(id) ?? []), ...request, end])
  })
  const written: JournalEvent[] = [begun(records.length)]
  for (let turn = 0; [...queues.values()].some((queue) => queue.length > 0); turn++) {
    const waiting = [...queues.values()].filter((queue) => queue.length > 0)
    written.push(waiting[(order[turn % order.length] ?? 0) % waiting.length]?.shift() as JournalEvent)
  }
  return written
}

/** How many records a journal says succeeded, counted without its reader. */
const countSucceeded = (path: string) =>
  readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => eventOf(line) === 'succeeded').length

/** A line with a checksum that lacks only its last bracket counts as complete. */
function eventOf(line: string): unknown {
  try {
    return JSON.parse(/"crc":"\w{8}"$/.test(line) ? `${line}}` : line).event
  } catch {
    return undefined
  }
}

test('a journal whose runs were killed at any byte is accepted', async () => {
  const folder = newFolder()
  let number = 0
  await fc.assert(
    fc.asyncProperty(fc.boolean(), fc.array(run, { minLength: 1, maxLength: 4 }), async (isSafeToRepeat, runs) => {
      const path = join(folder, String(number++))
      writeFileSync(path, runs[0]?.isEarlierVersion ? earlierText(header) : '')
      for (const next of runs) {
        const states = newRecordStates(...records)
        const journal = await openJournal(path, header, { recordStates: states, takeLock: withoutLock })
        const { size } = statSync(path)
        expect(journal.succeeded).toBe(countSucceeded(path))
        const written = eventsOf(next, states, isSafeToRepeat)
        if (next.isEarlierVersion) {
          journal.close()
          appendFileSync(path, earlierText(...written))
        } else {
          for (const event of written) journal.writer.append(event)
          journal.close()
        }
        truncateSync(path, size + Math.round((statSync(path).size - size) * next.left))
      }
      const last = await openJournal(path, header, { recordStates: newRecordStates(...records), takeLock: withoutLock })
      expect(last.succeeded).toBe(countSucceeded(path))
      last.close()
    }),
    { numRuns: 20 },
  )
})
