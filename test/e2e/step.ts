// Runs the action as GitHub's runner does: inputs in the environment, outputs in files, commands in the log.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'
import { parse } from 'yaml'
import { localLockSystem, type TakeLock, takeLock } from '../../src/file-lock.ts'
import { main } from '../../src/main.ts'
import { type Clock, systemClock } from '../../src/runtime.ts'
import { testRuntime } from '../test-runner.ts'
import { type Launched, launch } from './launcher.ts'

const root = join(import.meta.dirname, '..', '..')
const manifest = parse(readFileSync(join(root, 'action.yml'), 'utf8')) as {
  inputs: Record<string, { default?: string }>
  runs: { main: string }
}

/** The file that a process runs: that of the built action, or the sources with ACTION_ENTRY=src. */
const entryFile = () => join(root, process.env.ACTION_ENTRY === 'src' ? 'src/index.ts' : manifest.runs.main)

export interface Annotation {
  readonly level: string
  readonly message: string
  readonly [property: string]: string
}

export interface StepResult {
  readonly code: number | null
  /** The whole log, including add-mask commands. */
  readonly log: string
  /** The lines of the log that are not commands. */
  readonly lines: string[]
  readonly masks: string[]
  readonly annotations: Annotation[]
  readonly errors: string[]
  readonly warnings: string[]
  readonly outputs: Record<string, string>
  readonly summary: string
}

export interface StepOptions {
  /** The step's `with:`. */
  readonly with?: Record<string, string>
  readonly env?: Record<string, string>
  /** The files of the workspace: content by path. */
  readonly files?: Record<string, string | Buffer>
  /** The folder RUNNER_TEMP, which the steps of a job share. */
  readonly temp?: string
  readonly workspace?: string
  /** A command that runs the step, such as a shell that sets limits. */
  readonly wrapper?: readonly string[]
}

/** Makes a folder that is deleted after the test. */
export function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), 'step-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Writes files into a folder: content by path. Files that start with `#!` are executable. */
export function writeFiles(folder: string, files: Record<string, string | Buffer>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), content, { mode: content.toString().startsWith('#!') ? 0o755 : 0o644 })
  }
}

/** The folders, files and variables that the runner prepares for a step. */
function prepareStep(options: StepOptions) {
  const base = scratch()
  const workspace = options.workspace ?? join(base, 'work')
  const temp = options.temp ?? join(base, 'temp')
  for (const folder of [workspace, temp]) mkdirSync(folder, { recursive: true })
  writeFiles(workspace, options.files ?? {})
  const outputs = join(base, 'output')
  const summary = join(base, 'summary')
  for (const file of [outputs, summary]) writeFileSync(file, '')
  const env: Record<string, string> = {
    PATH: process.env.PATH ?? '',
    CI: 'true',
    GITHUB_ACTIONS: 'true',
    GITHUB_OUTPUT: outputs,
    GITHUB_REPOSITORY: 'octo-org/octo-repo',
    GITHUB_STEP_SUMMARY: summary,
    GITHUB_WORKSPACE: workspace,
    RUNNER_TEMP: temp,
  }
  return { workspace, outputs, summary, env }
}

/** Starts a step. Returns its process, to send signals to, and a promise of the result. */
export function startStep(options: StepOptions): { child: Launched; done: Promise<StepResult> } {
  const { workspace, outputs, summary, env: prepared } = prepareStep(options)
  const inputs = { ...defaults, ...options.with }
  const env = {
    ...prepared,
    ...Object.fromEntries(Object.entries(inputs).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value])),
    ...options.env,
  }
  // A shell does not pass on variables with a dash in their names.
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`)
  const wrapper = options.wrapper ? [...options.wrapper, 'env', ...variables] : []
  const [command = '', ...args] = [...wrapper, process.execPath, entryFile()]
  const child = launch(command, args, { cwd: workspace, env })
  onTestFinished(() => child.kill('SIGKILL'))
  const done = child.ended.then(({ code, output: log }) => ({
    code,
    log,
    ...readLog(log),
    outputs: readValues(readFileSync(outputs, 'utf8')),
    summary: readFileSync(summary, 'utf8'),
  }))
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
  const { workspace, summary, env: prepared } = prepareStep(options)
  const env = { ...prepared, ...options.env }
  const { clock = systemClock } = options
  const isDebug = env.RUNNER_DEBUG === '1'
  const given = { env, folder: workspace, clock, random: Math.random, takeLock: takeQuickLock, isDebug }
  const runtime = testRuntime({ ...defaults, ...options.with }, given)
  const code = await main(runtime)
  const log = runtime.runner.log.map((line) => `${line}\n`).join('')
  return { code, log, ...readLog(log), outputs: runtime.runner.outputs, summary: readFileSync(summary, 'utf8') }
}

const defaults = Object.fromEntries(Object.entries(manifest.inputs).map(([name, input]) => [name, input.default ?? '']))

function readLog(log: string) {
  const lines: string[] = []
  const masks: string[] = []
  const annotations: Annotation[] = []
  for (const line of log.split('\n')) {
    const [, command, properties = '', data = ''] = /^::([\w-]+)(?: (.*?))?::(.*)$/.exec(line) ?? []
    if (command === undefined) {
      if (line !== '') lines.push(line)
    } else if (command === 'add-mask') masks.push(decode(data))
    else if (['error', 'warning', 'notice'].includes(command)) {
      const pairs = properties.split(',').map((pair) => pair.split('=') as [string, string])
      const named = Object.fromEntries(
        pairs.filter(([name]) => name).map(([name, value = '']) => [name, decode(value)]),
      )
      annotations.push({ ...named, level: command, message: decode(data) })
    }
  }
  const messages = (level: string) => annotations.filter((one) => one.level === level).map(({ message }) => message)
  return { lines, masks, annotations, errors: messages('error'), warnings: messages('warning') }
}

const escapes: Record<string, string> = { '%0D': '\r', '%0A': '\n', '%3A': ':', '%2C': ',', '%25': '%' }
const decode = (text: string) => text.replace(/%(0D|0A|3A|2C|25)/g, (code) => escapes[code] ?? code)

/** Reads GITHUB_OUTPUT: blocks of `name<<delimiter`, lines, `delimiter`, and lines of `name=value`. */
export function readValues(text: string): Record<string, string> {
  const values: Record<string, string> = {}
  const entries = /^(.+?)<<(\S+)\n(?:([\s\S]*?)\n)?\2$|^([\w-]+)=(.*)$/gm
  for (const [, block, , value, name = '', line = ''] of text.matchAll(entries)) values[block ?? name] = value ?? line
  return values
}
