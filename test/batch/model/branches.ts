// Counts the courses that took each branch, so that the properties cannot hold only because nothing happened.

import type { JournalClaims } from './claims.ts'
import type { Course } from './course.ts'
import { lostFates, untouchedFates } from './network.ts'
import type { PlayedRun } from './play.ts'

const lost = new Set<string>(lostFates)
const untouched = new Set<string>(untouchedFates)

export type Branch =
  | 'answer lost'
  | 'not processed'
  | 'killed in a write'
  | 'killed in a request'
  | 'cancelled'
  | 'resumed'
  | 'journal lost'
  | 'unknown outcome'
  | 'outcome looked up'
  | 'conflict as proof'
  | 'duplicate'
  | 'gone'
  | 'failed'
  | 'all done'
  | 'refused'

export class Branches {
  readonly counts = new Map<Branch, number>()
  #taken = new Set<Branch>()

  /** Adds what a run has shown. */
  addRun(run: PlayedRun, { byClass, lastRun, runs }: JournalClaims): void {
    const { choice, killedIn, says } = run
    const claims = [...byClass.values()]
    const branches: Record<Branch, boolean> = {
      'answer lost': choice.fates.some((fate) => lost.has(fate)),
      'not processed': choice.fates.some((fate) => untouched.has(fate)),
      'killed in a write': killedIn === 'write',
      'killed in a request': killedIn === 'request',
      cancelled: says?.result.failure?.code === 'cancelled',
      resumed: runs > 1 && lastRun.succeeded > 0,
      'journal lost': choice.losesJournal,
      'unknown outcome': claims.some(({ unknown }) => unknown > 0),
      'outcome looked up': lastRun.lookedUp > 0 && lastRun.succeeded > 0,
      'conflict as proof': lastRun.conflicts > 0,
      duplicate: claims.some(({ duplicate }) => duplicate > 0),
      gone: claims.some(({ gone }) => gone > 0),
      failed: claims.some(({ failed }) => failed > 0),
      'all done': says !== undefined && says.result.failure === undefined,
      refused: says?.result.failure?.code === 'invalid_payload',
    }
    for (const [branch, isTaken] of Object.entries(branches)) if (isTaken) this.#taken.add(branch as Branch)
  }

  /** Ends a course. */
  endCourse(_: Course): void {
    for (const branch of this.#taken) this.counts.set(branch, (this.counts.get(branch) ?? 0) + 1)
    this.#taken = new Set()
  }
}
