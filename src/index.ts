import { setFailed } from '@actions/core'
import { main } from './main.ts'

// The exit code decides over the step. It is set, not exited with, so that everything written gets out.
try {
  process.exitCode = await main({ env: process.env, now: () => new Date(), clock: () => performance.now() })
} catch (error) {
  setFailed(`The step could not be reported: ${(error as Error).message}`)
}
