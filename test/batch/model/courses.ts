// A test that plays random courses of an operation: any batch, and any schedule of faults, kills and resumes. Nothing is done
// twice, nothing is lost, and nothing is reported that did not happen. `SEQUENCES` sets how many courses are played.

import './system.ts'

import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Branch, Branches } from './branches.ts'
import { checkEnd, checkRun } from './check.ts'
import type { JournalClaims } from './claims.ts'
import { type Course, course, type Kind } from './course.ts'
import { type PlayedRun, play } from './play.ts'

const { SEQUENCES, SEED } = process.env
const sequences = Number(SEQUENCES ?? 250)
// In a few courses a rare branch may not be taken, so they are always the same; with SEQUENCES they are random.
const seed = SEED === undefined && SEQUENCES !== undefined ? {} : { seed: Number(SEED ?? 1) }
const timeoutMs = 600_000

/** Plays a course and checks each of its runs. */
async function holds(chosen: Course, branches: Branches, trace?: (line: string) => void): Promise<void> {
  let last: { run: PlayedRun; claims: JournalClaims } | undefined
  await play(
    chosen,
    (run) => {
      const claims = checkRun(chosen, run)
      branches.addRun(run, claims)
      last = { run, claims }
    },
    trace,
  )
  if (last) checkEnd(chosen, last.run, last.claims)
  branches.endCourse(chosen)
}

/** Plays a course again, to show what happened. */
async function explain(chosen: Course, error: unknown): Promise<never> {
  const lines: string[] = []
  await holds(chosen, new Branches(), (line) => lines.push(line)).catch(() => {})
  throw new Error(`${(error as Error).message}\n${lines.join('\n')}`, { cause: error })
}

const cpu = (since: NodeJS.CpuUsage) => {
  const { user, system } = process.cpuUsage(since)
  return `${((user + system) / 1e6).toFixed(1)} s of CPU`
}

/** Branches that courses of every operation take. */
const common: readonly Branch[] = [
  'answer lost',
  'not processed',
  'killed in a write',
  'killed in a request',
  'cancelled',
  'resumed',
  'journal lost',
  'unknown outcome',
  'gone',
  'failed',
  'all done',
]

/**
 * Plays random courses of an operation.
 *
 * @param branches  which it must take besides the common ones, so that the test cannot pass by doing nothing
 */
export function testCourses(kind: Kind, ...branches: readonly Branch[]): void {
  // The code under test makes many errors that nobody looks at, and their stacks take a tenth of the time.
  const { stackTraceLimit } = Error
  beforeEach(() => {
    Error.stackTraceLimit = 0
  })
  afterEach(() => {
    Error.stackTraceLimit = stackTraceLimit
  })

  test(kind, { timeout: timeoutMs }, async () => {
    const taken = new Branches()
    const started = process.cpuUsage()
    await fc.assert(
      fc.asyncProperty(course(kind), (chosen) => holds(chosen, taken).catch((error) => explain(chosen, error))),
      { numRuns: sequences, ...seed },
    )
    if (SEQUENCES) console.log(kind, Object.fromEntries(taken.counts), cpu(started))
    for (const branch of [...common, ...branches]) expect(taken.counts.get(branch) ?? 0, branch).toBeGreaterThan(0)
  })
}
