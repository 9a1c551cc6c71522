// GitHub's runner in memory, for calling main() and its parts in process.

import { type Runner, type Runtime, systemClock } from '../src/runtime.ts'

export interface TestRunner extends Runner {
  readonly outputs: Record<string, string>
  readonly masks: string[]
  readonly lines: string[]
  readonly debugLines: string[]
  readonly errors: string[]
  readonly warnings: string[]
}

/** @param inputs  the step's `with:`; the runner adds the defaults of action.yml, which the action knows itself */
export function testRunner(inputs: Readonly<Record<string, string>> = {}, { isDebug = false } = {}): TestRunner {
  const outputs: Record<string, string> = {}
  const masks: string[] = []
  const lines: string[] = []
  const debugLines: string[] = []
  const errors: string[] = []
  const warnings: string[] = []
  return {
    outputs,
    masks,
    lines,
    debugLines,
    errors,
    warnings,
    getInput: (name) => inputs[name] ?? '',
    setOutput(name, value) {
      outputs[name] = value
    },
    setSecret: (value) => void masks.push(value),
    info: (line) => void lines.push(line),
    debug: (line) => void debugLines.push(line),
    error: (message) => void errors.push(message),
    warning: (message) => void warnings.push(message),
    isDebug: () => isDebug,
  }
}

/** What main() is handed in a test. */
export function testRuntime(
  inputs: Readonly<Record<string, string>>,
  change: Partial<Omit<Runtime, 'runner'>> = {},
): Runtime & { readonly runner: TestRunner } {
  const never = new AbortController().signal
  return {
    env: {},
    folder: process.cwd(),
    clock: systemClock,
    random: () => 0.5,
    signal: never,
    ...change,
    runner: testRunner(inputs),
  }
}
