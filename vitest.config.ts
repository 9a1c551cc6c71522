import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // A test that waits for something that never comes should say so soon; processes take their time on a busy machine.
    testTimeout: 30_000,
    projects: [
      { extends: true, test: { name: 'unit', exclude: ['test/e2e/**'] } },
      { extends: true, test: { name: 'e2e', include: ['test/e2e/**/*.test.ts'], exclude: [] } },
    ],
  },
})
