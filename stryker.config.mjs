// Mutation testing: changes the code in small ways, and reports the changes that no unit test notices. See CONTRIBUTING.md.

/** @type {import('@stryker-mutator/api/core').PartialStrykerOptions} */
export default {
  // Starts one process for many mutants: see scripts/mutants/runner.ts.
  testRunner: 'one-process',
  plugins: ['./scripts/mutants/runner.ts', './scripts/mutants/reporter.ts'],
  mutate: [
    'src/{http,delivery,sdk,operations,payload,credentials,batch,inputs,report}/**/*.ts',
    '!src/**/*.generated.ts',
  ],
  coverageAnalysis: 'perTest',
  // A mutant of code that runs when its module is loaded needs a new process and all tests. The runner has neither.
  ignoreStatic: true,
  // The runner has a limit of its own, without the time in which it starts processes.
  timeoutMS: 300_000,
  dryRunTimeoutMinutes: 20,
  incremental: true,
  incrementalFile: 'reports/mutants.json',
  reporters: ['unmarked', 'clear-text', 'progress', 'html'],
  htmlReporter: { fileName: 'reports/mutants.html' },
  clearTextReporter: { reportMutants: false, logTests: false, allowEmojis: false },
  // Leaves a developer's machine usable; weekly.yml raises it.
  concurrency: 1,
  // `break` is for all folders together: two less than what a whole run reached.
  thresholds: { high: 95, low: 90, break: 95 },
}
