// What the cases of the trial share: servers, steps as processes, and one line of output per case.

import { mkdtempSync, rmSync, writeSync } from 'node:fs'
import { EOL, tmpdir } from 'node:os'
import { join } from 'node:path'
import { type SandboxServer, type ServerOptions, startSandboxServer } from '../../src/sandbox/server.ts'
import { type Launched, launch } from '../../test/e2e/launcher.ts'
import {
  entryFile,
  prepareStep,
  readResult,
  type StepOptions,
  type StepResult,
  variablesOf,
} from '../../test/e2e/step-files.ts'

/** Thrown by a case that this system cannot play. The message completes "not possible here: …". */
export class NotPossible extends Error {}

/** Its name says what works. It throws if that does not, and may return a note. */
export type Case = readonly [name: string, run: (trial: Trial) => Promise<string | undefined>]

export interface RunningStep {
  readonly child: Launched
  readonly done: Promise<StepResult>
}

export const isWindows = process.platform === 'win32'

/** A backslash that is written twice, except at the beginning of `\\?\` and `\\.\`. */
const doubledBackslash = /\\\\(?![?.]\\)/

/** One case: a folder of its own, and what it starts, which ends with it. */
export class Trial {
  /** With a blank in its name, as folders of users have. */
  readonly folder = mkdtempSync(join(tmpdir(), 'trial of a step-'))
  /** The logs of the steps that have ended. */
  readonly logs: string[] = []
  readonly #ends: (() => unknown)[] = []
  #steps = 0

  /** Starts a server on loopback that counts. */
  async startServer(options: ServerOptions = {}): Promise<SandboxServer> {
    const server = await startSandboxServer(options)
    this.#ends.push(server.close)
    return server
  }

  /** Starts the action as a process, as the runner does. */
  start(options: StepOptions): RunningStep {
    const prepared = prepareStep(options, join(this.folder, `step ${++this.#steps}`))
    const child = launch(process.execPath, [entryFile()], {
      cwd: prepared.workspace,
      env: variablesOf(prepared, options),
    })
    const done = child.ended.then((ended) => {
      this.logs.push(ended.output)
      return readResult(prepared, ended)
    })
    this.#ends.push(() => {
      child.kill('SIGKILL')
      return done.catch(() => {})
    })
    return { child, done }
  }

  run = (options: StepOptions): Promise<StepResult> => this.start(options).done

  /** Ends what still runs, and deletes the folder. */
  async end(): Promise<void> {
    for (const end of this.#ends.reverse()) await end()
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
  }
}

/** A wait after which a case has failed: no case waits for anything that takes as long. */
const maxCaseMs = 90_000

/** Prints at once, also to a pipe under Wine, which `process.stdout` of Node cannot open. */
const printLine = (line: string): void => void writeSync(1, `${line}\n`)

/**
 * Runs cases one after the other, and prints one line for each: `ok`, `failed`, or `not possible here`, which is the
 * system's limit and not a failure. After a failure it prints the logs of the case's steps, and at the end the counts.
 *
 * @returns how many cases failed
 */
export async function runCases(cases: readonly Case[], print = printLine): Promise<number> {
  let failures = 0
  let impossible = 0
  for (const [name, run] of cases) {
    const trial = new Trial()
    try {
      const note = await withTimeout(run(trial))
      const doubled = trial.logs.find((log) => doubledBackslash.test(log))
      if (doubled !== undefined) throw new Error(`a message shows a backslash twice: ${lineWith(doubled)}`)
      print(`ok                 ${name}${note ? ` (${note})` : ''}`)
    } catch (error) {
      const { message } = error as Error
      if (error instanceof NotPossible) {
        impossible++
        print(`not possible here  ${name}: ${message}`)
      } else {
        failures++
        print(`failed             ${name}: ${placeOf(error as Error)}${message}`)
        for (const [index, log] of trial.logs.entries()) {
          print(`    step ${index + 1} of ${trial.logs.length}:`)
          print(excerptOf(log || '(no output)'))
        }
      }
    } finally {
      await trial.end()
    }
  }
  print(`${cases.length - failures - impossible} ok, ${impossible} not possible here, ${failures} failed`)
  return failures
}

/** The line of the case that failed, because a comparison says only what it compared. */
function placeOf({ stack = '' }: Error): string {
  const [, place] = /(scripts\/trial\/(?!trial\.ts)[\w-]+\.ts:\d+)/.exec(stack.replaceAll('\\', '/')) ?? []
  return place ? `${place}: ` : ''
}

/** The lines of a log, indented. */
const excerptOf = (log: string) =>
  log
    .trimEnd()
    .split(EOL)
    .map((line) => `    | ${line.slice(0, 300)}`)
    .join('\n')

const lineWith = (log: string) => log.split('\n').find((line) => doubledBackslash.test(line))

async function withTimeout<T>(promise: Promise<T>): Promise<T> {
  const timeout = Promise.withResolvers<never>()
  const timer = setTimeout(() => timeout.reject(new Error(`it has not ended after ${maxCaseMs / 1000} s`)), maxCaseMs)
  try {
    return await Promise.race([promise, timeout.promise])
  } finally {
    clearTimeout(timer)
  }
}
