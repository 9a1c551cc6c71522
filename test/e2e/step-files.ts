// What GitHub's runner prepares for a step, and what it reads when the step has ended. It works without Vitest, so that
// scripts use it too.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { EOL } from 'node:os'
import { dirname, join } from 'node:path'
import { parse } from 'yaml'
import type { Ended } from './launcher.ts'

const root = join(import.meta.dirname, '..', '..')
const manifest = parse(readFileSync(join(root, 'action.yml'), 'utf8')) as {
  inputs: Record<string, { default?: string }>
  runs: { main: string }
}

/** The file that a process runs: that of the built action, or the sources with ACTION_ENTRY=src. */
export const entryFile = () => join(root, process.env.ACTION_ENTRY === 'src' ? 'src/index.ts' : manifest.runs.main)

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

/** What a step is started with. */
export interface PreparedStep {
  readonly workspace: string
  /** The file with the outputs. */
  readonly outputs: string
  /** The file of the job summary. */
  readonly summary: string
  /** The runner's variables. */
  readonly env: Record<string, string>
}

/** Writes files into a folder: content by path. Files that start with `#!` are executable. */
export function writeFiles(folder: string, files: Record<string, string | Buffer>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), content, { mode: content.toString().startsWith('#!') ? 0o755 : 0o644 })
  }
}

/**
 * Makes the folders and files of a step, and the variables with which the runner starts it.
 *
 * @param base  a new folder
 */
export function prepareStep(options: StepOptions, base: string): PreparedStep {
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

/** The variables of the step's process: those of the runner, the inputs, and those of the step. */
export const variablesOf = ({ env }: PreparedStep, options: StepOptions): Record<string, string> => ({
  ...env,
  ...Object.fromEntries(
    Object.entries({ ...defaultInputs, ...options.with }).map(([name, value]) => [
      `INPUT_${name.toUpperCase()}`,
      value,
    ]),
  ),
  ...options.env,
})

/** Reads what a process has left. */
export const readResult = ({ outputs, summary }: PreparedStep, { code, output: log }: Ended): StepResult => ({
  code,
  log,
  ...readLog(log),
  outputs: readValues(readFileSync(outputs, 'utf8')),
  summary: readFileSync(summary, 'utf8'),
})

/** The defaults of action.yml. */
export const defaultInputs = Object.fromEntries(
  Object.entries(manifest.inputs).map(([name, input]) => [name, input.default ?? '']),
)

/** Reads the lines, masks and annotations of a log. */
export function readLog(log: string) {
  const lines: string[] = []
  const masks: string[] = []
  const annotations: Annotation[] = []
  for (const line of withNewlines(log).split('\n')) {
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

/** The runner's functions end lines as the system does. */
const withNewlines = (text: string) => text.replaceAll(EOL, '\n')

const escapes: Record<string, string> = { '%0D': '\r', '%0A': '\n', '%3A': ':', '%2C': ',', '%25': '%' }
const decode = (text: string) => text.replace(/%(0D|0A|3A|2C|25)/g, (code) => escapes[code] ?? code)

/** Reads GITHUB_OUTPUT: blocks of `name<<delimiter`, lines, `delimiter`, and lines of `name=value`. */
export function readValues(text: string): Record<string, string> {
  const values: Record<string, string> = {}
  const entries = /^(.+?)<<(\S+)\n(?:([\s\S]*?)\n)?\2$|^([\w-]+)=(.*)$/gm
  for (const [, block, , value, name = '', line = ''] of withNewlines(text).matchAll(entries))
    values[block ?? name] = value ?? line
  return values
}
