// What the checks of a run share.

import type { RecordClass } from './batch.ts'
import type { PlayedRun } from './play.ts'

/** @throws {Error} with the facts, if something does not hold */
export function require(holds: boolean, what: string, facts: unknown): void {
  if (!holds) throw new Error(`${what}: ${JSON.stringify(facts)}`)
}

/** Whether what a request of the class does depends on nothing but this journal's requests. */
export function isAlone({ vercel, hasOldRequests }: PlayedRun, { name, isDoneBefore }: RecordClass): boolean {
  if (isDoneBefore || hasOldRequests) return false
  return vercel.epochs.slice(0, -1).every((epoch) => (epoch.get(name)?.processed ?? 0) === 0)
}
