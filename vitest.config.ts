import { defineConfig } from 'vitest/config'

// Short enough that a test which waits in vain fails soon, and long enough for tests that start processes on a busy machine.
const testTimeout = 30_000
const setupFiles = 'test/json-imports.ts'

export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: ['test/**/*.test.ts'], exclude: ['test/e2e/**'], testTimeout, setupFiles } },
      { test: { name: 'e2e', include: ['test/e2e/**/*.test.ts'], testTimeout, setupFiles } },
    ],
  },
})
