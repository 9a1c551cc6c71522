// Decides which record is next. Records of one installation run one at a time, in the order of the file; installations
// run side by side.

import { setImmediate as nextTurn } from 'node:timers/promises'
import type { AdaptiveLimiter } from './limiter.ts'

export interface ScheduleOptions<T> {
  readonly records: Iterator<T> | AsyncIterator<T>
  readonly installationOf: (record: T) => string
  readonly limiter: Pick<AdaptiveLimiter, 'acquire' | 'release'>
  /** Runs a record with a slot of the limiter, which it releases. It does not throw. */
  readonly run: (record: T) => Promise<void>
  /** Whether to start no further records. */
  readonly isStopped: () => boolean
  /**
   * Whether `isStopped` depends on outcomes (`max-failures`). If so, the schedule yields one turn after a slot is freed,
   * so that the outcome of that record is counted first.
   */
  readonly waitsForOutcomes?: boolean
  /** How many records to read ahead and queue behind earlier records of their installations. */
  readonly maxWaitingRecords: number
}

/** How many records to read before the event loop gets a turn. */
const maxReadsPerTurn = 200

/**
 * Runs all records, or those that were started before `isStopped` became true. It resolves when all started records have
 * ended.
 *
 * @throws what `records` throws, after all started records have ended
 */
export async function schedule<T>(options: ScheduleOptions<T>): Promise<void> {
  const { records, installationOf, limiter, run, isStopped, maxWaitingRecords, waitsForOutcomes } = options
  /** Installations with a running record, and their waiting records. */
  const busy = new Map<string, T[]>()
  /** Records that waited and whose installation is free now. */
  const ready: T[] = []
  const running = new Set<Promise<void>>()
  let waiting = 0
  let isAtEnd = false
  let wake = () => {}

  /** The next record whose installation is free; undefined if every installation with records left is busy. */
  async function next(): Promise<T | undefined> {
    for (let reads = 1; !isAtEnd && ready.length === 0 && waiting < maxWaitingRecords; reads++) {
      const { value, done } = await records.next()
      if (done) {
        isAtEnd = true
        break
      }
      const queue = busy.get(installationOf(value))
      if (!queue) return value
      queue.push(value)
      waiting++
      if (reads % maxReadsPerTurn === 0) await nextTurn()
    }
    const record = ready.shift()
    if (record !== undefined) waiting--
    return record
  }

  async function start(record: T): Promise<void> {
    const installation = installationOf(record)
    const queue = busy.get(installation) ?? []
    busy.set(installation, queue)
    await run(record)
    const following = queue.shift()
    if (following === undefined) busy.delete(installation)
    else ready.push(following)
    wake()
  }

  try {
    while (!isStopped()) {
      const recordEnded = new Promise<void>((resolve) => {
        wake = resolve
      })
      const record = await next()
      if (record === undefined) {
        if (running.size === 0) break
        await recordEnded
        continue
      }
      await limiter.acquire()
      if (waitsForOutcomes) await nextTurn()
      if (isStopped()) {
        limiter.release()
        break
      }
      const ended = start(record).finally(() => running.delete(ended))
      running.add(ended)
    }
  } finally {
    await Promise.all(running)
  }
}
