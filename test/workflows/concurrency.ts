// The concurrency groups of a repository: one run at a time holds a group, others wait for it.
// https://docs.github.com/actions/how-tos/write-workflows/choose-when-workflows-run/control-workflow-concurrency

import { evaluate } from './expression.ts'

interface Waiting {
  readonly start: () => void
  readonly cancel: () => void
}

export interface ConcurrencyOptions {
  readonly group: string
  readonly cancelsInProgress: boolean
  /** Whether more than one run may wait. Otherwise a new one cancels the one that waits. */
  readonly isQueue: boolean
}

/** The groups of one repository. */
export class ConcurrencyGroups {
  private readonly waiting = new Map<string, Waiting[]>()

  /**
   * Waits until no other run holds the group.
   *
   * @returns a function that releases it; undefined if the run was cancelled while it waited
   */
  async enter({ group, cancelsInProgress, isQueue }: ConcurrencyOptions): Promise<(() => void) | undefined> {
    const key = group.toLowerCase()
    const queue = this.waiting.get(key)
    if (!queue) {
      this.waiting.set(key, [])
      return () => this.leave(key)
    }
    if (cancelsInProgress) throw new Error('cancel-in-progress is not supported here')
    if (!isQueue) for (const other of queue.splice(0)) other.cancel()
    return await new Promise((resolve) => {
      queue.push({ start: () => resolve(() => this.leave(key)), cancel: () => resolve(undefined) })
    })
  }

  private leave(key: string): void {
    const next = this.waiting.get(key)?.shift()
    if (next) next.start()
    else this.waiting.delete(key)
  }
}

/** Reads the value of `concurrency:`. */
export function concurrencyOf(value: unknown): ConcurrencyOptions {
  if (typeof value === 'string') return { group: value, cancelsInProgress: false, isQueue: false }
  const { group, queue, ...others } = value as Record<string, unknown>
  return {
    group: String(group),
    cancelsInProgress: evaluate(String(others['cancel-in-progress'] ?? false), {}) === true,
    isQueue: queue === 'max',
  }
}
