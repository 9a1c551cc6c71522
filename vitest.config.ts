import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

// Short enough that a test which waits in vain fails soon, and long enough for tests that start processes on a busy machine.
// With RUNS a property tries more inputs: see test/runs.ts.
const testTimeout = 30_000 * Number(process.env.RUNS ?? 1)
const setupFiles = 'test/setup.ts'

// The files of a worker share modules and globals: to load both again for each file takes longer than most tests.
const shared = { testTimeout, setupFiles, isolate: false }

// Halves the start of a process that runs TypeScript. It is Node's own folder for that.
const env = { NODE_COMPILE_CACHE: join(tmpdir(), 'node-compile-cache') }

/** Paths of tests that start processes: git, bash, flock, or a command of the project. */
export const processes = [
  'file-lock',
  'payload/age-command',
  'release/pins',
  'release/release',
  'release/workflows',
  'sandbox/command',
  'sandbox/concurrent-writes',
].map((name) => `test/${name}.test.ts`)

/** Paths of tests of large inputs, such as a line of 10 MiB. */
const sizes = 'test/**/*-size.test.ts'

/** Tests of documents, names and workflows. They load the compiler, and parsers of Markdown and of workflows. */
const repository = ['test/{docs,release,scripts,structure,workflows}/**/*.test.ts', 'test/{licenses,manifest}.test.ts']

/** Many batches against simulated rate limits. */
const simulations = 'test/batch/sending/rate-limits.test.ts'

const slow = [...processes, ...repository, sizes, simulations]

const model = 'test/batch/model/**/*.test.ts'
const e2e = 'test/e2e/**/*.test.ts'

export default defineConfig({
  test: {
    // By default Vitest leaves a core idle. Most e2e tests wait for processes and timers, so each core has a worker.
    maxWorkers: availableParallelism(),
    // Node strips types itself. Vite would transform each file once for each project, and its imports are slower to call.
    experimental: { viteModuleRunner: false },
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: [...slow, model, e2e],
          ...shared,
          setupFiles: [setupFiles, 'test/quick-system.ts'],
          // Many tests have large texts: with more room for new objects (in MiB), they are collected less often.
          execArgv: ['--max-semi-space-size=64'],
        },
      },
      { test: { name: 'slow', include: slow, env, ...shared } },
      // The model replaces functions of Node, so it needs a process of its own.
      { test: { name: 'model', include: [model], ...shared } },
      {
        test: {
          name: 'e2e',
          include: [e2e],
          globalSetup: 'test/e2e/check-build.ts',
          env,
          ...shared,
          setupFiles: [setupFiles, 'test/folder-in-memory.ts'],
        },
      },
    ],
  },
})
