// The tests that stryker.config.mjs runs for each mutant: unit tests of the mutated folders. A mutant is to be noticed where
// its code stands, so neither whole simulations run nor tests of how long something takes.

import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

const driver = 'scripts/mutants/driver.test.ts'

/** Puts the driver after the files whose tests it runs. */
class DriverLast extends BaseSequencer {
  override async sort(files: TestSpecification[]) {
    const isDriver = ({ moduleId }: TestSpecification) => moduleId.endsWith(driver)
    return [...files.filter((file) => !isDriver(file)), ...files.filter(isDriver)]
  }
}

export default defineConfig({
  test: {
    include: ['test/{http,delivery,sdk,operations,payload,credentials,batch,inputs,report,tasks}/**/*.test.ts', driver],
    exclude: ['test/batch/model/**/*.test.ts'],
    testNamePattern: /^(?!.*(?:quickly|linear time|three million values|more than a million|made of megabytes))/s,
    setupFiles: ['test/setup.ts', 'test/quick-system.ts'],
    runner: 'scripts/mutants/collector.ts',
    sequence: { sequencer: DriverLast },
    // One process loads all files once.
    isolate: false,
    maxWorkers: 1,
    fileParallelism: false,
    includeTaskLocation: true,
    testTimeout: 60_000,
  },
})
