// Vitest's runner while mutants are tested: it collects the tests of all files and leaves them to driver.test.ts, which
// runs them as often as it needs without loading anything again.

import { type RunnerTask, type RunnerTestFile, TestRunner } from 'vitest'

// Vitest loads this module apart from those of the tests, so they share a global.
const shared = globalThis as { collectedFiles?: RunnerTestFile[] }
shared.collectedFiles ??= []

/** Test files in the order in which they were collected, without the driver. */
export const collectedFiles: readonly RunnerTestFile[] = shared.collectedFiles

export default class Collector extends TestRunner {
  onCollected(files: RunnerTestFile[]) {
    for (const file of files.filter(({ filepath }) => !filepath.endsWith('driver.test.ts'))) {
      skip(file)
      shared.collectedFiles?.push(file)
    }
  }
}

/** Keeps Vitest from running the tests and hooks of a file. */
function skip(task: RunnerTask) {
  task.mode = 'skip'
  if ('tasks' in task) for (const child of task.tasks) skip(child)
}
