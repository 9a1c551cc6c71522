// What main() is handed: everything that a step reads from or does to the world around it.

import type { CutProblem } from './cut-variables.ts'
import type { TakeLock } from './file-lock.ts'

export interface Clock {
  readonly now: () => Date
  /** Milliseconds from an arbitrary start; never goes back. */
  readonly monotonic: () => number
  /** Resolves after `ms` milliseconds, or at once when the signal is aborted: the caller checks the signal. */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>
}

/** Where an annotation points; columns and lines are 1-based. */
export interface AnnotationProperties {
  readonly title: string
  /** Relative to the workspace. */
  readonly file?: string
  readonly startLine?: number
  readonly startColumn?: number
}

/** What GitHub's runner does for a step. See https://docs.github.com/actions/reference/workflow-commands-for-github-actions */
export interface Runner {
  /** The input as the workflow gives it, blanks included; empty if it is not given. */
  readonly getInput: (name: string) => string
  readonly setOutput: (name: string, value: string) => void
  /** Has the runner mask a value in the log from now on. */
  readonly setSecret: (value: string) => void
  readonly info: (line: string) => void
  /** Prints a line that the log shows if debug logging is on. */
  readonly debug: (line: string) => void
  readonly error: (message: string, properties: AnnotationProperties) => void
  readonly warning: (message: string, properties: AnnotationProperties) => void
  /** Whether debug logging is on. */
  readonly isDebug: () => boolean
}

export interface Runtime {
  readonly env: NodeJS.ProcessEnv
  /** Set on systems that can pass on a variable in part. */
  readonly cutProblem?: CutProblem | undefined
  /** The folder that the step runs in. */
  readonly folder: string
  readonly clock: Clock
  /** From 0 to 1. */
  readonly random: () => number
  /** Aborted when the step is cancelled. */
  readonly signal: AbortSignal
  /** How a batch locks its files; by the operating system by default. */
  readonly takeLock?: TakeLock | undefined
  readonly runner: Runner
}

export const systemClock: Clock = {
  now: () => new Date(),
  monotonic: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve()
      const end = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', end)
        resolve()
      }
      // A timer holds 24.8 days at most; a server may ask for a longer delay.
      const timer = setTimeout(end, Math.min(ms, 2 ** 31 - 1))
      signal?.addEventListener('abort', end, { once: true })
    }),
}
