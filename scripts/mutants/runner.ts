// A test runner for Stryker that loads code and tests once, and runs the tests of each mutant in that process. Stryker's own
// runner for Vitest loads everything again for each mutant, which takes far longer than the tests.

import { rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type {
  DryRunResult,
  MutantRunOptions,
  MutantRunResult,
  TestResult,
  TestRunner,
} from '@stryker-mutator/api/test-runner'
import { createVitest, type Vitest } from 'vitest/node'
import { type Run, type RunOutcome, receive, send, socketVariable, type TestOutcome } from './protocol.ts'

class Runner implements TestRunner {
  readonly #milliseconds = new Map<string, number>()
  #tests: TestProcess | undefined

  /** Keeps Stryker from starting a process for each mutant of code that runs at load and in tests too. */
  capabilities() {
    return { reloadEnvironment: true }
  }

  async dryRun(): Promise<DryRunResult> {
    const { outcomes, coverage } = await this.#run({})
    return { status: 'complete', tests: outcomes.map(testResult), mutantCoverage: coverage } as DryRunResult
  }

  async mutantRun({ activeMutant, testFilter, hitLimit, sandboxFileName }: MutantRunOptions): Promise<MutantRunResult> {
    const run = { mutant: activeMutant.id, tests: testFilter && this.#sorted(testFilter, sandboxFileName), hitLimit }
    let outcome = await this.#run(run)
    // The code may compute something once, and have done so before: run the tests in a new process.
    const isComputedBefore = outcome.hits === 0
    if (isComputedBefore || outcome.isDirty) {
      await this.dispose()
      outcome = await this.#run(run)
    }
    if (isComputedBefore || outcome.isDirty) await this.dispose()
    return mutantResult(outcome, hitLimit)
  }

  async dispose() {
    const tests = this.#tests
    this.#tests = undefined
    await tests?.stop()
  }

  /** Tests of the mutated folder first, and of those the quick ones: the first failure ends a run. */
  #sorted(tests: readonly string[], mutated: string) {
    const folder = /src\/([^/]+)\//.exec(mutated)?.[1]
    const rank = (id: string) => (id.startsWith(`test/${folder}/`) ? 0 : 1e6) + (this.#milliseconds.get(id) ?? 0)
    return tests.toSorted((one, other) => rank(one) - rank(other))
  }

  async #run(run: Run) {
    this.#tests ??= await TestProcess.start()
    const outcome = await this.#tests.run(run)
    for (const { id, milliseconds, failure } of outcome.outcomes)
      if (failure === undefined) this.#milliseconds.set(id, milliseconds)
    return outcome
  }
}

/** Vitest with its one worker, in which driver.test.ts waits for runs. */
class TestProcess {
  readonly #vitest: Vitest
  readonly #socket: Socket
  readonly #ended: Promise<never>
  #take: ((outcome: RunOutcome) => void) | undefined

  private constructor(vitest: Vitest, socket: Socket, ended: Promise<never>) {
    this.#vitest = vitest
    this.#socket = socket
    this.#ended = ended
    receive<RunOutcome>(socket, (outcome) => this.#take?.(outcome))
  }

  static async start() {
    const path = join(tmpdir(), `mutants-${process.pid}.sock`)
    rmSync(path, { force: true })
    const server = createServer()
    const connected = new Promise<Socket>((resolve) => server.once('connection', resolve))
    await new Promise<void>((resolve) => server.listen(path, resolve))
    process.env[socketVariable] = path
    const config = 'scripts/mutants/vitest.config.ts'
    const vitest = await createVitest('test', { config, watch: false, silent: true, reporters: [] })
    const ended = vitest.start().then(() => {
      const files = vitest.state.getFiles()
      const errors = files.flatMap(({ name, result }) =>
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

  async run(run: Run): Promise<RunOutcome> {
    const outcome = new Promise<RunOutcome>((resolve) => {
      this.#take = resolve
    })
    send(this.#socket, run)
    return Promise.race([outcome, this.#ended])
  }

  async stop() {
    this.#socket.destroy()
    await this.#vitest.close()
  }
}

function testResult({ id, name, file, location, milliseconds, failure }: TestOutcome): TestResult {
  const startPosition = location && { line: location.line - 1, column: location.column - 1 }
  const test = { id, name, fileName: file, timeSpentMs: milliseconds, ...(startPosition && { startPosition }) }
  return (
    failure === undefined ? { ...test, status: 0 } : { ...test, status: 1, failureMessage: failure }
  ) as TestResult
}

function mutantResult({ outcomes, hits }: RunOutcome, hitLimit = Number.POSITIVE_INFINITY): MutantRunResult {
  const nrOfTests = outcomes.length
  const last = outcomes.at(-1)
  if (hits > hitLimit) return { status: 'timeout', reason: `Reached more than ${hitLimit} times` } as MutantRunResult
  if (last?.failure === undefined) return { status: 'survived', nrOfTests } as MutantRunResult
  return { status: 'killed', nrOfTests, killedBy: [last.id], failureMessage: last.failure } as MutantRunResult
}

export const strykerPlugins = [{ kind: 'TestRunner', name: 'one-process', factory: () => new Runner() }]
