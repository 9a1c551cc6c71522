// Vitest's runner while mutants are tested: it collects the tests of all files and leaves them to driver.test.ts, which
// runs them as often as it needs without loading anything again.

import { type RunnerTask, type RunnerTestCase, type RunnerTestFile, TestRunner } from 'vitest'

interface Collected {
  /** In the order in which they were collected, without the driver. */
  readonly files: RunnerTestFile[]
  /** The tests of these files that are to run. */
  readonly tests: RunnerTestCase[]
}

// Vitest loads this module apart from those of the tests, so they share a global.
const shared = globalThis as { collected?: Collected }
shared.collected ??= { files: [], tests: [] }

/** What the driver is to run. */
export const collected: Collected = shared.collected

export default class Collector extends TestRunner {
  onCollected(files: RunnerTestFile[]) {
    for (const file of files.filter(({ filepath }) => !filepath.endsWith('driver.test.ts'))) {
      collected.files.push(file)
      take(file)
    }
  }
}

/** Takes the tests from Vitest, which would run them and the hooks of their suites. */
function take(task: RunnerTask) {
  if (task.type === 'test' && task.mode !== 'skip' && task.mode !== 'todo') collected.tests.push(task)
  task.mode = 'skip'
  if ('tasks' in task) for (const child of task.tasks) take(child)
}
