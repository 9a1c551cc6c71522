// Runs the collected tests again and again, as runner.ts asks: each time with another mutant, in one process.

import { globSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { expect, type RunnerTestCase, type RunnerTestSuite, TestRunner, test, vi } from 'vitest'
import { collected } from './collector.ts'
import { portVariable, type Run, type RunOutcome, receive, send, type TestOutcome } from './protocol.ts'

type Hook = (...args: readonly unknown[]) => unknown
type WithHandlers = { onFinished?: Hook[] | undefined; onFailed?: Hook[] | undefined; promises?: unknown }

/** How long a test may take: without a mutant, and with one as a multiple of that and some more. */
const maxMs = 22_000
const slackFactor = 10
const slackMs = 2_000

/** As in stryker.config.mjs. */
const mutatedFiles = 'src/{http,delivery,sdk,operations,payload,credentials,batch,inputs,report}/**/*.ts'

// Tests replace the clock.
const { clearTimeout, setImmediate, setTimeout } = globalThis
const now = performance.now.bind(performance)

/** What Stryker's instrumented code reads and counts. */
interface Stryker {
  activeMutant?: string | undefined
  currentTestId?: string | undefined
  hitCount?: number | undefined
  hitLimit?: number | undefined
  mutantCoverage?: unknown
}
const globals = globalThis as { __stryker__?: Stryker }
globals.__stryker__ ??= {}
const stryker = globals.__stryker__

/** A failure that no test waits for, such as a rejected promise. */
let stray: unknown
for (const event of ['unhandledRejection', 'uncaughtException']) process.on(event, (error) => (stray ??= error))

test('runs the tests that it is asked for', { timeout: 0 }, async ({ task }) => {
  const tests = new Map<string, RunnerTestCase>()
  for (const { name, result } of collected.files)
    if (result?.errors?.length) throw new Error(`${name}: ${result.errors[0]?.message}`)
  for (const each of collected.tests) tests.set(uniqueId(tests, each), each)
  await loadMutatedModules()
  await callAll('beforeAll')
  const socket = connect(Number(process.env[portVariable]), '127.0.0.1')
  await new Promise((resolve) => {
    socket.on('close', resolve)
    send(socket, { pid: process.pid })
    receive<Run>(socket, async (run) => send(socket, await runTests(run, tests, task as WithHandlers)))
  })
  await callAll('afterAll')
})

/** Code that runs when its module is loaded is static for Stryker, also if a test would be the first to load it. */
async function loadMutatedModules() {
  const root = join(import.meta.dirname, '..', '..')
  for (const path of globSync(mutatedFiles, { cwd: root })) await import(join(root, path))
}

async function callAll(name: 'beforeAll' | 'afterAll') {
  for (const suite of collected.files.flatMap(suitesOf))
    for (const hook of TestRunner.getSuiteHooks(suite)[name]) await call(hook, suite)
}

/** Runs tests; with a mutant only until one fails. */
async function runTests(
  { mutant, hitLimit, tests: timedTests }: Run,
  tests: ReadonlyMap<string, RunnerTestCase>,
  driver: WithHandlers,
): Promise<RunOutcome> {
  const outcomes: TestOutcome[] = []
  let hits = 0
  for (const { id, milliseconds } of timedTests ??
    Array.from(tests.keys(), (key) => ({ id: key, milliseconds: undefined }))) {
    const limitMs = milliseconds === undefined ? maxMs : slackMs + slackFactor * milliseconds
    const each = tests.get(id)
    if (!each) throw new Error(`There is no test ${id}`)
    const currentTestId = mutant === undefined ? id : undefined
    Object.assign(stryker, { activeMutant: mutant, currentTestId, hitCount: hits, hitLimit })
    const start = now()
    const failure = await runTest(each, driver, limitMs)
    const took = now() - start
    hits = stryker.hitCount ?? 0
    const off = { activeMutant: undefined, currentTestId: undefined, hitCount: undefined, hitLimit: undefined }
    Object.assign(stryker, off)
    outcomes.push({
      id,
      name: each.fullName,
      file: each.file.filepath,
      location: each.location,
      milliseconds: took,
      failure,
    })
    if (failure === undefined) continue
    restoreGlobals()
    if (mutant !== undefined) return { outcomes, hits, isDirty: (await runTest(each, driver, limitMs)) !== undefined }
  }
  return { outcomes, hits, isDirty: false, coverage: mutant === undefined ? stryker.mutantCoverage : undefined }
}

/** Runs a test as Vitest does; returns how it failed. */
async function runTest(task: RunnerTestCase, driver: WithHandlers, limitMs: number): Promise<string | undefined> {
  const suites = ancestors(task)
  const cleanups: unknown[] = []
  const errors: unknown[] = []
  const attempt = async (action: () => unknown) => {
    try {
      await action()
    } catch (error) {
      errors.push(error)
    }
  }
  stray = undefined
  task.result = { state: 'run', startTime: 0, retryCount: 0 } as NonNullable<RunnerTestCase['result']>
  const handlers = task as WithHandlers
  handlers.promises = undefined
  expect.setState({ assertionCalls: 0, currentTestName: task.fullName })
  await attempt(async () => {
    for (const suite of suites)
      for (const hook of TestRunner.getSuiteHooks(suite).beforeEach)
        cleanups.push(await call(hook, task.context, suite))
    await inTime(TestRunner.getTestFn(task)(), limitMs)
  })
  for (const suite of suites.toReversed())
    for (const hook of TestRunner.getSuiteHooks(suite).afterEach) await attempt(() => call(hook, task.context, suite))
  for (const cleanup of cleanups) if (typeof cleanup === 'function') await attempt(() => cleanup())
  const finished = [...(handlers.onFinished ?? []), ...(driver.onFinished ?? [])]
  for (const handler of finished.toReversed()) await attempt(() => handler(task.context))
  for (const each of [handlers, driver]) Object.assign(each, { onFinished: undefined, onFailed: undefined })
  await new Promise((resolve) => setImmediate(resolve))
  if (stray !== undefined) errors.push(stray)
  return errors.length === 0 ? undefined : String(errors[0])
}

/** @throws {Error} if the test takes longer than a limit */
async function inTime(test: unknown, limitMs: number) {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`The test took more than ${limitMs} ms`)), limitMs)
  })
  await Promise.race([test, late])
  clearTimeout(timer)
}

/** Undoes what a test that failed half-way may leave. */
function restoreGlobals() {
  vi.useRealTimers()
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
  process.exitCode = 0
}

function call(hook: unknown, ...args: readonly unknown[]) {
  return (hook as Hook)(...args)
}

function uniqueId(tests: ReadonlyMap<string, unknown>, { file, fullTestName }: RunnerTestCase) {
  let id = `${file.name}#${fullTestName}`
  while (tests.has(id)) id += '*'
  return id
}

/** A suite and those in it, outermost first. */
function suitesOf(suite: RunnerTestSuite): RunnerTestSuite[] {
  return [suite, ...suite.tasks.flatMap((task) => (task.type === 'suite' ? suitesOf(task) : []))]
}

/** The suites that a test is in, outermost first. */
function ancestors(task: RunnerTestCase) {
  const suites: RunnerTestSuite[] = []
  for (let suite = task.suite; suite; suite = suite.suite) suites.unshift(suite)
  if (suites[0] !== task.file) suites.unshift(task.file)
  return suites
}
