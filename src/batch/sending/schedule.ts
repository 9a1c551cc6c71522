// Which record is next: those of one installation in the order of the file and one at a time, installations side by side.

import { setImmediate as turn } from 'node:timers/promises'
import type { AdaptiveLimiter } from './limiter.ts'

export interface ScheduleOptions<T> {
  readonly records: Iterator<T>
  readonly installationOf: (record: T) => string
  readonly limiter: Pick<AdaptiveLimiter, 'acquire' | 'release'>
  /** Delivers a record, with a place that it gives back. It does not throw. */
  readonly run: (record: T) => Promise<void>
  /** Whether to start no more. */
  readonly isStopped: () => boolean
  /** Whether that depends on outcomes: the one that made room is to count before the next record starts. */
  readonly waitsForOutcomes?: boolean
  /** How many records to read ahead of those that are under way. */
  readonly maxWaitingRecords: number
}

/** How many records to read before whatever else there is to do gets its turn. */
const maxReadsPerTurn = 200

/** Delivers all records, or those that are under way once it is to stop. */
export async function schedule<T>(options: ScheduleOptions<T>): Promise<void> {
  const { records, installationOf, limiter, run, isStopped, maxWaitingRecords, waitsForOutcomes } = options
  /** Installations with a record under way, and their records that wait behind it. */
  const busy = new Map<string, T[]>()
  const ready: T[] = []
  const running = new Set<Promise<void>>()
  let waiting = 0
  let isAtEnd = false
  let wake = () => {}

  /** The next record whose installation is free; undefined where there is none for now. */
  async function next(): Promise<T | undefined> {
    for (let read = 1; !isAtEnd && ready.length === 0 && waiting < maxWaitingRecords; read++) {
      const { value, done } = records.next()
      if (done) {
        isAtEnd = true
        break
      }
      const queue = busy.get(installationOf(value))
      if (!queue) return value
      queue.push(value)
      waiting++
      if (read % maxReadsPerTurn === 0) await turn()
    }
    const record = ready.shift()
    if (record !== undefined) waiting--
    return record
  }

  async function start(record: T): Promise<void> {
    const installation = installationOf(record)
    if (!busy.has(installation)) busy.set(installation, [])
    await run(record)
    const queue = busy.get(installation)
    const follower = queue?.shift()
    if (follower === undefined) busy.delete(installation)
    else ready.push(follower)
    wake()
  }

  try {
    while (!isStopped()) {
      const changed = new Promise<void>((resolve) => {
        wake = resolve
      })
      const record = await next()
      if (record === undefined) {
        if (running.size === 0) break
        await changed
        continue
      }
      await limiter.acquire()
      if (waitsForOutcomes) await turn()
      if (isStopped()) {
        limiter.release()
        break
      }
      const done = start(record).finally(() => running.delete(done))
      running.add(done)
    }
  } finally {
    await Promise.all(running)
  }
}
