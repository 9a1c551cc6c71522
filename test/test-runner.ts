// GitHub's runner in memory, for calling main() and its parts in process.

import { type AnnotationProperties, type Runner, type Runtime, systemClock } from '../src/runtime.ts'

export interface TestRunner extends Runner {
  /** What a process would print: lines and workflow commands, in order. */
  readonly log: string[]
  readonly outputs: Record<string, string>
  readonly masks: string[]
  readonly lines: string[]
  readonly debugLines: string[]
  readonly errors: string[]
  readonly warnings: string[]
}

/** @param inputs  the step's `with:`; the runner adds the defaults of action.yml, which the action knows itself */
export function testRunner(inputs: Readonly<Record<string, string>> = {}, { isDebug = false } = {}): TestRunner {
  const log: string[] = []
  const outputs: Record<string, string> = {}
  const masks: string[] = []
  const lines: string[] = []
  const debugLines: string[] = []
  const errors: string[] = []
  const warnings: string[] = []
  const annotate = (level: string, messages: string[]) => (message: string, properties: AnnotationProperties) => {
    messages.push(message)
    log.push(command(level, message, properties))
  }
  return {
    log,
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
    setSecret(value) {
      masks.push(value)
      log.push(command('add-mask', value))
    },
    info(line) {
      lines.push(line)
      log.push(line)
    },
    debug(line) {
      debugLines.push(line)
      log.push(command('debug', line))
    },
    error: annotate('error', errors),
    warning: annotate('warning', warnings),
    isDebug: () => isDebug,
  }
}

/** A workflow command as @actions/core writes it. */
function command(name: string, message: string, annotation: Partial<AnnotationProperties> = {}): string {
  const { title, file, startLine: line, startColumn: col } = annotation
  const properties = Object.entries({ title, file, line, col })
    .filter(([, value]) => value)
    .map(([key, value]) => `${key}=${String(value).replace(/[%\r\n:,]/g, encodeURIComponent)}`)
  return `::${`${name} ${properties}`.trimEnd()}::${message.replace(/[%\r\n]/g, encodeURIComponent)}`
}

/** What main() is handed in a test. */
export function testRuntime(
  inputs: Readonly<Record<string, string>>,
  { isDebug = false, ...change }: Partial<Omit<Runtime, 'runner'>> & { isDebug?: boolean } = {},
): Runtime & { readonly runner: TestRunner } {
  const never = new AbortController().signal
  return {
    env: {},
    folder: process.cwd(),
    clock: systemClock,
    random: () => 0.5,
    signal: never,
    ...change,
    runner: testRunner(inputs, { isDebug }),
  }
}
