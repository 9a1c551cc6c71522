// Starts processes through a small process. To start one, the operating system copies the tables of the memory of its
// parent: from the process of the tests, which is large, it takes longer than most processes run.

import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import type { Launch, Report } from './launcher-process.ts'

export interface Ended {
  /** The exit code; null if a signal ended the process. */
  readonly code: number | null
  /** What it wrote to stdout and stderr. */
  readonly output: string
}

export interface Launched {
  readonly args: readonly string[]
  /** Never resolves if the process cannot be started. */
  readonly pid: Promise<number>
  /** Does nothing if the process has ended. */
  readonly kill: (signal: NodeJS.Signals) => void
  /** Rejects if the process cannot be started. */
  readonly ended: Promise<Ended>
}

const pending = new Map<number, (report: Report) => void>()
let launcher: ChildProcess | undefined
let count = 0

function startLauncher(): ChildProcess {
  const child = fork(join(import.meta.dirname, 'launcher-process.ts'))
  child.on('message', (report: Report) => pending.get(report.id)?.(report))
  child.once('exit', () => {
    for (const [id, onReport] of pending) onReport({ id, error: 'the launcher has ended' })
  })
  // It ends with the process of the tests.
  child.unref()
  child.channel?.unref()
  return child
}

function killUnlessEnded(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    // It has ended, and the report about it is on its way.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** Starts a process. */
export function launch(command: string, args: readonly string[], options: Launch['options']): Launched {
  launcher ??= startLauncher()
  const id = ++count
  const { promise: ended, resolve, reject } = Promise.withResolvers<Ended>()
  const started = Promise.withResolvers<number>()
  let pid: number | undefined
  /** A signal that was sent before the process has started. */
  let early: NodeJS.Signals | undefined
  const kill = (signal: NodeJS.Signals) => {
    if (pid !== undefined) killUnlessEnded(pid, signal)
    else if (pending.has(id)) early = signal
  }
  pending.set(id, (report) => {
    if ('pid' in report) {
      pid = report.pid
      started.resolve(pid)
      if (early) kill(early)
      return
    }
    pid = undefined
    pending.delete(id)
    if ('error' in report) reject(new Error(report.error))
    else resolve(report)
  })
  launcher.send({ id, command, args, options } satisfies Launch)
  return { args, pid: started.promise, kill, ended }
}
