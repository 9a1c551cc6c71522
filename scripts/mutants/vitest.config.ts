// The tests that stryker.config.mjs runs for each mutant: unit tests of the mutated folders. Those that run whole batches
// many times take seconds, and a mutant is to be noticed where its code stands.

import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

const slow = ['delivery/faults', 'batch/refunds', 'report/publish-failures', 'batch/model/**/*']
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
    exclude: slow.map((name) => `test/${name}.test.ts`),
    // Nor those of the time that something takes.
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
