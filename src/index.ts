import { setFailed } from '@actions/core'
import { main } from './main.ts'
import { systemClock } from './runtime.ts'

const cancelled = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => cancelled.abort())

// The exit code decides over the step. It is set, not exited with, so that everything written gets out.
main({ env: process.env, clock: systemClock, random: Math.random, signal: cancelled.signal })
  .then((code) => {
    process.exitCode = code
  })
  .catch((error: Error) => setFailed(`The step could not be reported: ${error.message}`))
