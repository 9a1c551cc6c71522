// Mutation testing: changes the code in small ways, and reports the changes that no unit test notices. See CONTRIBUTING.md.

/** @type {import('@stryker-mutator/api/core').PartialStrykerOptions} */
export default {
  testRunner: 'vitest',
  // Without `related` the runner does not search for the tests that import a file: it knows which tests cover a mutant.
  vitest: { configFile: 'scripts/mutants/vitest.config.ts', related: false },
  mutate: [
    'src/{http,delivery,sdk,operations,payload,credentials,batch,inputs,report}/**/*.ts',
    '!src/**/*.generated.ts',
  ],
  coverageAnalysis: 'perTest',
  // A mutant of code that runs when its module is loaded needs a run of all tests.
  ignoreStatic: true,
  incremental: true,
  incrementalFile: 'reports/mutants.json',
  reporters: ['clear-text', 'progress', 'html'],
  htmlReporter: { fileName: 'reports/mutants.html' },
  clearTextReporter: { logTests: false, allowEmojis: false },
  // Leaves a developer's machine usable; weekly.yml raises it.
  concurrency: 1,
  timeoutMS: 10_000,
  // `break` is for all folders together: raise it to what a whole run reaches.
  thresholds: { high: 95, low: 85, break: 70 },
}
