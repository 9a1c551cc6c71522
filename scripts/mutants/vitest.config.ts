// The tests that stryker.config.mjs runs for each mutant: unit tests of the mutated folders. Those that run whole batches
// many times take seconds, and a mutant is to be noticed where its code stands.

import { defineConfig } from 'vitest/config'

const slow = ['delivery/faults', 'batch/refunds', 'report/publish-failures', 'batch/model/**/*']

export default defineConfig({
  test: {
    include: ['test/{http,delivery,sdk,operations,payload,credentials,batch,inputs,report,tasks}/**/*.test.ts'],
    exclude: slow.map((name) => `test/${name}.test.ts`),
    setupFiles: ['test/setup.ts', 'test/quick-system.ts'],
    testTimeout: 60_000,
  },
})
