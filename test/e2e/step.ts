// Runs the action as GitHub's runner does: inputs in the environment, outputs in files, commands in the log.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { localLockSystem, type TakeLock, takeLock } from '../../src/file-lock.ts'
import { main } from '../../src/main.ts'
import { type Clock, systemClock } from '../../src/runtime.ts'
import { testRuntime } from '../test-runner.ts'
import { type Launched, launch } from './launcher.ts'
import {
  defaultInputs,
  entryFile,
  prepareStep,
  readLog,
  readResult,
  type StepOptions,
  type StepResult,
  variablesOf,
} from './step-files.ts'

export { type Annotation, readValues, type StepOptions, type StepResult, writeFiles } from './step-files.ts'

/** Makes a folder that is deleted after the test. @param parent  `folderOnDisk` if the test refers to files in it */
export function scratch(parent: string = tmpdir()): string {
  const folder = mkdtempSync(join(parent, 'step-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Starts a step. Returns its process, to send signals to, and a promise of the result. */
export function startStep(options: StepOptions): { child: Launched; done: Promise<StepResult> } {
  const prepared = prepareStep(options, scratch())
  const env = variablesOf(prepared, options)
  // A shell does not pass on variables with a dash in their names.
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`)
  const wrapper = options.wrapper ? [...options.wrapper, 'env', ...variables] : []
  const [command = '', ...args] = [...wrapper, process.execPath, entryFile()]
  const child = launch(command, args, { cwd: prepared.workspace, env })
  onTestFinished(() => child.kill('SIGKILL'))
  const done = child.ended.then((ended) => readResult(prepared, ended))
  return { child, done }
}

/** Runs a step to its end. */
export const runStep = (options: StepOptions): Promise<StepResult> => startStep(options).done

/** The lock of a step in process, which excludes processes too. It starts no process of its own, unlike the whole lock. */
const takeQuickLock: TakeLock = (descriptor, path) =>
  takeLock(descriptor, path, { ...localLockSystem, isFlockHeld: async () => false })

/**
 * Runs a step to its end with main() in process, which takes a tenth of the time: for tests of what main() does, where the
 * process, the built action and the runner's own functions do not matter.
 *
 * @param clock  for steps that wait
 */
export async function runStepInProcess(options: StepOptions & { readonly clock?: Clock }): Promise<StepResult> {
  const { workspace, summary, env: prepared } = prepareStep(options, scratch())
  const env = { ...prepared, ...options.env }
  const { clock = systemClock } = options
  const isDebug = env.RUNNER_DEBUG === '1'
  const given = { env, folder: workspace, clock, random: Math.random, takeLock: takeQuickLock, isDebug }
  const runtime = testRuntime({ ...defaultInputs, ...options.with }, given)
  const code = await main(runtime)
  const log = runtime.runner.log.map((line) => `${line}\n`).join('')
  return { code, log, ...readLog(log), outputs: runtime.runner.outputs, summary: readFileSync(summary, 'utf8') }
}
