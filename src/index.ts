// Runs main() on GitHub's runner, and sets the exit code.

import { debug, error, getInput, info, isDebug, setFailed, setOutput, setSecret, warning } from '@actions/core'
import { main } from './main.ts'
import { systemClock } from './runtime.ts'

const cancelled = new AbortController()
// On Windows the runner sends Ctrl-C and then Ctrl-Break. https://nodejs.org/api/process.html#signal-events
for (const signal of ['SIGINT', 'SIGTERM', 'SIGBREAK'] as const) process.on(signal, () => cancelled.abort())

async function runStep(): Promise<0 | 1> {
  const isWindows = process.platform === 'win32'
  return main({
    env: process.env,
    cutProblem: isWindows ? (await import('./cut-variables.ts')).findCutVariables() : undefined,
    folder: process.cwd(),
    clock: systemClock,
    random: Math.random,
    signal: cancelled.signal,
    runner: {
      getInput: (name) => getInput(name, { trimWhitespace: false }),
      setOutput,
      setSecret,
      info,
      debug,
      error,
      warning,
      isDebug,
    },
  })
}

runStep()
  .then((code) => {
    process.exitCode = code
  })
  .catch((error: Error) => setFailed(`The step could not be reported: ${error.message}`))
  // Ends the process once everything is written. A connection, or the look-up of a name, may still be under way.
  .finally(() => process.stdout.write('', () => process.exit()))
