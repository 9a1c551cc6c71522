// A test runner for Stryker that loads code and tests once, and runs the tests of each mutant in that process. Stryker's own
// runner for Vitest loads everything again for each mutant, which takes far longer than the tests.

import { readFileSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import type {
  DryRunResult,
  MutantRunOptions,
  MutantRunResult,
  TestResult,
  TestRunner,
} from '@stryker-mutator/api/test-runner'
import { createVitest, type Vitest } from 'vitest/node'
import {
  type Hello,
  portVariable,
  type Run,
  type RunOutcome,
  receive,
  send,
  type TestOutcome,
  type TimedTest,
} from './protocol.ts'

const driver = 'scripts/mutants/driver.test.ts'

/** Stryker's limit is 100 times what all tests reached: in a loop over a long text, that takes minutes. */
const hitLimitDivisor = 20
const minHitLimit = 10_000

/** How long may take: the tests of the mutated file, the others of its folder and those above it, and all others. */
const maxFileMs = 10_000
const maxFolderMs = 4_000
const maxOthersMs = 2_000

/** For tests that hang. Those that wait fail by themselves before. */
const slackMs = 6_000

/** Only one of Stryker's processes runs the tests without a mutant. It leaves here, in the sandbox, how long they took. */
const timesFile = 'test-times.json'

class Runner implements TestRunner {
  #times: Readonly<Record<string, number>> | undefined
  #tests: TestProcess | undefined

  /** Keeps Stryker from starting a process for each mutant of code that runs at load and in tests too. */
  capabilities() {
    return { reloadEnvironment: true }
  }

  async dryRun(): Promise<DryRunResult> {
    const { outcomes = [], coverage } = (await this.#run({})) ?? {}
    writeFileSync(
      timesFile,
      JSON.stringify(Object.fromEntries(outcomes.map(({ id, milliseconds }) => [id, milliseconds]))),
    )
    return { status: 'complete', tests: outcomes.map(testResult), mutantCoverage: coverage } as DryRunResult
  }

  async mutantRun({
    activeMutant,
    testFilter = [],
    hitLimit,
    sandboxFileName,
  }: MutantRunOptions): Promise<MutantRunResult> {
    const tests = this.#chosen(testFilter, sandboxFileName)
    const limit = hitLimit && minHitLimit + hitLimit / hitLimitDivisor
    const run = { mutant: activeMutant.id, tests, hitLimit: limit }
    const net = tests.reduce((sum, { milliseconds }) => sum + milliseconds, 0)
    const deadline = slackMs + 2 * net
    let outcome = await this.#run(run, deadline)
    if (outcome?.isDirty) {
      await this.dispose()
      outcome = await this.#run(run, deadline)
    } else if (outcome?.hits === 0) {
      // The code may compute something once, and have done so before.
      const files = [...new Set(tests.map(({ id }) => id.split('#', 1)[0] ?? ''))]
      const fresh = await TestProcess.start(files)
      outcome = await fresh.run(run, deadline)
      await fresh.stop()
    }
    if (!outcome || outcome.isDirty) await this.dispose()
    return mutantResult(outcome, limit)
  }

  async dispose() {
    const tests = this.#tests
    this.#tests = undefined
    await tests?.stop()
  }

  /**
   * The tests of the mutated file, those of its folder, and the others as far as they are quick: some code is covered by
   * nearly all tests. The quick ones of each group are first, because the first failure ends a run.
   */
  #chosen(tests: readonly string[], mutated: string): readonly TimedTest[] {
    this.#times ??= JSON.parse(readFileSync(timesFile, 'utf8')) as Record<string, number>
    const times = this.#times
    const [, folder = '', name = ''] = /src\/(.*\/)(.*)\.ts$/.exec(mutated) ?? []
    const groupOf = (id: string) => {
      const [, testFolder = '-', testName = ''] = /^test\/(.*\/)(.*?)\.test\.ts#/.exec(id) ?? []
      if (!folder.startsWith(testFolder)) return 'others'
      return testFolder === folder && testName.startsWith(name) ? 'file' : 'folder'
    }
    const groups = Map.groupBy(
      tests
        .map((id) => ({ id, milliseconds: times[id] ?? 0 }))
        .toSorted((one, other) => one.milliseconds - other.milliseconds),
      ({ id }) => groupOf(id),
    )
    return [
      ...within(maxFileMs, groups.get('file')),
      ...within(maxFolderMs, groups.get('folder')),
      ...within(maxOthersMs, groups.get('others')),
    ]
  }

  async #run(run: Run, deadlineMs?: number) {
    this.#tests ??= await TestProcess.start()
    return this.#tests.run(run, deadlineMs)
  }
}

/** Vitest with its one worker, in which driver.test.ts waits for runs. */
class TestProcess {
  readonly #vitest: Vitest
  readonly #socket: Socket
  readonly #ended: Promise<never>
  #pid: number | undefined
  #take: ((outcome: RunOutcome) => void) | undefined

  private constructor(vitest: Vitest, socket: Socket, ended: Promise<never>) {
    this.#vitest = vitest
    this.#socket = socket
    this.#ended = ended
    receive<Hello | RunOutcome>(socket, (message) => {
      if ('pid' in message) this.#pid = message.pid
      else this.#take?.(message)
    })
  }

  /** @param files  those with the tests to run; without them all */
  static async start(files: readonly string[] = []) {
    const server = createServer()
    const connected = new Promise<Socket>((resolve) => server.once('connection', resolve))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    process.env[portVariable] = String((server.address() as AddressInfo).port)
    const config = 'scripts/mutants/vitest.config.ts'
    const vitest = await createVitest('test', { config, watch: false, silent: true, reporters: [] })
    const ended = vitest.start(files.length > 0 ? [...files, driver] : []).then(() => {
      const modules = vitest.state.getFiles()
      const errors = modules.flatMap(({ name, result }) =>
        (result?.errors ?? []).map((error) => `${name}: ${error.message}`),
      )
      throw new Error(['The process of the tests ended', ...errors].join('\n'))
    })
    // Otherwise the end after stop() would be a rejection that nobody handles.
    ended.catch(() => {})
    const socket = await Promise.race([connected, ended])
    server.close()
    return new TestProcess(vitest, socket, ended)
  }

  /** @returns undefined if the process was killed, because the tests did not end in time */
  async run(run: Run, deadlineMs?: number): Promise<RunOutcome | undefined> {
    let timer: NodeJS.Timeout | undefined
    const outcome = new Promise<RunOutcome | undefined>((resolve) => {
      this.#take = resolve
      if (deadlineMs === undefined) return
      timer = setTimeout(() => {
        this.#kill()
        resolve(undefined)
      }, deadlineMs)
    })
    send(this.#socket, run)
    try {
      return await Promise.race([outcome, this.#ended])
    } finally {
      clearTimeout(timer)
    }
  }

  async stop() {
    this.#socket.destroy()
    // What a test left open, such as a server, would keep it from ending, and Vitest waits for that.
    this.#kill()
    await this.#vitest.close()
  }

  #kill() {
    const pid = this.#pid
    this.#pid = undefined
    if (pid !== undefined) process.kill(pid, 'SIGKILL')
  }
}

/** The first tests that take no longer than a limit together. */
function within(limitMs: number, tests: readonly TimedTest[] = []): readonly TimedTest[] {
  let total = 0
  return tests.filter(({ milliseconds }) => {
    total += milliseconds
    return total <= limitMs
  })
}

function testResult({ id, name, file, location, milliseconds, failure }: TestOutcome): TestResult {
  const startPosition = location && { line: location.line - 1, column: location.column - 1 }
  const test = { id, name, fileName: file, timeSpentMs: milliseconds, ...(startPosition && { startPosition }) }
  return (
    failure === undefined ? { ...test, status: 0 } : { ...test, status: 1, failureMessage: failure }
  ) as TestResult
}

function mutantResult(outcome: RunOutcome | undefined, hitLimit = Number.POSITIVE_INFINITY): MutantRunResult {
  if (!outcome) return { status: 'timeout' } as MutantRunResult
  const { outcomes, hits } = outcome
  const nrOfTests = outcomes.length
  const last = outcomes.at(-1)
  if (hits > hitLimit) return { status: 'timeout', reason: `Reached more than ${hitLimit} times` } as MutantRunResult
  if (last?.failure === undefined) return { status: 'survived', nrOfTests } as MutantRunResult
  return { status: 'killed', nrOfTests, killedBy: [last.id], failureMessage: last.failure } as MutantRunResult
}

export const strykerPlugins = [{ kind: 'TestRunner', name: 'one-process', factory: () => new Runner() }]
