// The messages between runner.ts, in Stryker's process, and driver.test.ts, in Vitest's: JSON, one per line.

import type { Socket } from 'node:net'

/** The driver's first message. */
export interface Hello {
  readonly pid: number
}

/** Run tests: all of them and record which mutants they reach, or some of them with a mutant. */
export interface Run {
  readonly mutant?: string
  readonly hitLimit?: number | undefined
  /** All tests if it is missing. */
  readonly tests?: readonly TimedTest[] | undefined
}

export interface TimedTest {
  readonly id: string
  /** How long it takes without a mutant. */
  readonly milliseconds: number
}

export interface TestOutcome {
  readonly id: string
  readonly name: string
  readonly file: string
  /** From 1. */
  readonly location: { readonly line: number; readonly column: number } | undefined
  readonly milliseconds: number
  readonly failure: string | undefined
}

export interface RunOutcome {
  /** With a mutant the last one is the first that failed. */
  readonly outcomes: readonly TestOutcome[]
  /** Stryker's counts per test and mutant, without a mutant. */
  readonly coverage?: unknown
  /** How often the mutant was reached. */
  readonly hits: number
  /** Whether the failed test fails without the mutant too: something of an earlier mutant was left in the process. */
  readonly isDirty: boolean
}

/** Environment variable with the port of the runner on loopback. */
export const portVariable = 'MUTANTS_PORT'

export function send(socket: Socket, message: Hello | Run | RunOutcome) {
  socket.write(`${JSON.stringify(message)}\n`)
}

export function receive<Message>(socket: Socket, take: (message: Message) => void) {
  let text = ''
  // Names of tests have separators that node:readline takes for the end of a line.
  socket.setEncoding('utf8').on('data', (data) => {
    const lines = `${text}${data}`.split('\n')
    text = lines.pop() ?? ''
    for (const line of lines) take(JSON.parse(line))
  })
}
