// Runs the steps of a job. It runs this action against the sandbox or a server, in process or as it was built, and `run:`
// steps in a shell with a simulated `gh`. It simulates the other actions that the workflows use.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TemplateToken } from '@actions/workflow-parser/templates/tokens/template-token'
import { launch } from '../e2e/launcher.ts'
import { readValues, runStepInProcess, type StepResult, scratch, startStep, writeFiles } from '../e2e/step.ts'
import { folderOnDisk } from '../folder-in-memory.ts'
import { jumpingClock } from '../waits.ts'
import { type ArtifactAccess, download, upload } from './artifacts.ts'
import { type Contexts, evaluate, resolve, type Status, textOf } from './expression.ts'
import { installGitHubCli, type ListedRun } from './github-cli.ts'
import { at, entriesOf, isOwn, itemsOf, manifest } from './read.ts'

/** The folders of a job. */
export interface Machine {
  readonly workspace: string
  readonly temp: string
}

/** A step of this action that has started. */
export interface StartedStep {
  /** The path of its job. */
  readonly job: string
  readonly attempt: number
  readonly inputs: Record<string, string>
  /** Ends the whole runner: no other step of the job runs. Only a process can be lost. */
  readonly loseRunner: () => void
}

export interface StepSetting {
  /** The files of the repository: content by path. */
  readonly repository: Record<string, string | Buffer>
  readonly secrets: Record<string, string>
  /** The environment of the runner, for the steps of this action. */
  readonly env?: Record<string, string>
  /** Whether GitHub's API refuses every request of `gh`. */
  readonly isApiDown?: boolean
  /** Prepares a job before its first step. */
  readonly prepare?: (machine: Machine) => Promise<void>
  readonly onStep?: (step: StartedStep) => void
  /** Whether a step of this action runs as a process, as it does at GitHub; by default it runs in process. */
  readonly isProcess?: (step: Omit<StartedStep, 'loseRunner'>) => boolean
}

/** A completed job, or one of several with the same name if there is a matrix. */
export interface Job {
  readonly status: Status
  readonly outputs: Record<string, string>
  /** The results of the steps that use this action, in order, including those of reusable workflows. */
  readonly steps: readonly StepResult[]
  /** The output of the shells. */
  readonly log: string
  /** Whether it ran in this attempt. */
  readonly isNew: boolean
}

/** Where a job runs. */
export interface JobSetting extends Omit<ArtifactAccess, 'workspace' | 'runs'> {
  readonly runs: readonly ListedRun[]
  readonly setting: StepSetting
  /** The path of the job. */
  readonly name: string
}

interface Done {
  readonly isSuccess: boolean
  /** Whether the runner was lost, so that nothing else of the job runs. */
  readonly isLost?: boolean
  readonly outputs: Record<string, string>
  readonly result?: StepResult
  readonly log?: string
}

/** Throws if a step has keys that GitHub's runner obeys and this one does not support. */
function rejectUnsupported(step: TemplateToken): void {
  for (const key of ['continue-on-error', 'working-directory', 'background'])
    if (at(step, key)) throw new Error(`${key} is not supported here`)
  const shell = String(at(step, 'shell') ?? 'bash')
  if (shell !== 'bash') throw new Error(`the shell ${shell} is not supported here`)
}

/** Runs the steps of a job. @param conditions  one for each step */
export async function runSteps(
  job: TemplateToken,
  conditions: readonly string[],
  given: Contexts,
  jobSetting: JobSetting,
): Promise<Job> {
  const machine = { workspace: scratch(folderOnDisk), temp: scratch() }
  await jobSetting.setting.prepare?.(machine)
  const runner = { temp: machine.temp }
  let status: Status = 'success'
  const steps: Record<string, { outputs: object; outcome: Status }> = {}
  const done: Done[] = []
  for (const [index, step] of itemsOf(at(job, 'steps')).entries()) {
    rejectUnsupported(step)
    const contexts = { ...given, steps, runner }
    const isRun = evaluate(conditions[index] ?? 'success()', contexts, status)
    const one = isRun ? await runStep(step, contexts, { ...machine, ...jobSetting }) : { isSuccess: true, outputs: {} }
    const outcome = isRun ? (one.isSuccess ? 'success' : 'failure') : 'skipped'
    steps[at(step, 'id')?.toString() ?? String(index)] = { outputs: { ...emptyOutputs(step), ...one.outputs }, outcome }
    if (!one.isSuccess) status = 'failure'
    done.push(one)
    if ('isLost' in one && one.isLost) break
  }
  const isLost = done.some((one) => one.isLost)
  const outputs = entriesOf(at(job, 'outputs')).map(([name, value]) => [
    name,
    isLost ? '' : textOf(resolve(value, { ...given, steps, runner })),
  ])
  return {
    status,
    outputs: Object.fromEntries(outputs),
    steps: done.flatMap(({ result }) => result ?? []),
    log: done.map(({ log = '' }) => log).join(''),
    isNew: true,
  }
}

/** The outputs that a step can set, which are empty if it does not. */
function emptyOutputs(step: TemplateToken): Record<string, string> {
  const script = String(at(step, 'run') ?? '')
  const names = isOwn(usesOf(step))
    ? Object.keys(manifest.outputs)
    : [...script.matchAll(/\becho "([\w-]+)=.*>> "\$GITHUB_OUTPUT"/g)].map(([, name = '']) => name)
  return Object.fromEntries(names.map((name) => [name, '']))
}

const usesOf = (step: TemplateToken) => String(at(step, 'uses') ?? '')

const textsAt = (step: TemplateToken, key: string, contexts: Contexts): Record<string, string> =>
  Object.fromEntries(entriesOf(at(step, key)).map(([name, value]) => [name, textOf(resolve(value, contexts))]))

async function runStep(step: TemplateToken, contexts: Contexts, machine: Machine & JobSetting): Promise<Done> {
  for (const key of ['name', 'timeout-minutes']) {
    const part = at(step, key)
    if (part) resolve(part, contexts)
  }
  const env = textsAt(step, 'env', contexts)
  const inputs = textsAt(step, 'with', contexts)
  const uses = usesOf(step)
  const script = at(step, 'run')
  if (script) {
    // GitHub's runner starts bash with -e, and with pipefail too if the step names it.
    const options = at(step, 'shell') ? ['-e', '-o', 'pipefail'] : ['-e']
    return runShell(textOf(resolve(script, contexts)), options, { ...defaultEnv(contexts), ...env }, machine)
  }
  if (isOwn(uses)) return runOwn(inputs, env, machine)
  const [name] = uses.split('@')
  if (name === 'actions/checkout') writeFiles(machine.workspace, machine.setting.repository)
  else if (name === 'actions/upload-artifact') upload(inputs, machine)
  else if (name === 'actions/download-artifact') return { isSuccess: download(inputs, machine), outputs: {} }
  else throw new Error(`${name} is not supported here`)
  return { isSuccess: true, outputs: {} }
}

async function runOwn(inputs: Record<string, string>, env: Record<string, string>, machine: Machine & JobSetting) {
  const { workspace, temp, setting, name: job, store } = machine
  const options = { with: inSandbox(inputs), env: { ...setting.env, ...env }, workspace, temp }
  const step = { job, attempt: store.attempt, inputs }
  const started = setting.isProcess?.(step) ? startStep(options) : undefined
  let isLost = false
  const loseRunner = () => {
    if (!started) throw new Error(`the step of ${job} is not a process`)
    isLost = true
    started.child.kill('SIGKILL')
  }
  setting.onStep?.({ ...step, loseRunner })
  const result = await (started?.done ?? runStepInProcess({ ...options, clock: jumpingClock() }))
  return { isSuccess: result.code === 0, isLost, outputs: result.outputs, result }
}

/** Changes the inputs of a step so that it uses the sandbox and polls every second. */
function inSandbox(inputs: Record<string, string>): Record<string, string> {
  const isReal = (inputs['api-url'] ?? 'https://api.vercel.com') === 'https://api.vercel.com'
  return {
    ...inputs,
    ...(isReal && inputs.operation !== 'mergeJournals' && { 'api-url': 'sandbox' }),
    ...(inputs['wait-for'] && { 'wait-interval': '1' }),
  }
}

/** The environment variables of GitHub's runner that the scripts use. */
function defaultEnv({ github }: Contexts): Record<string, string> {
  const { run_attempt, run_id, ref_name, ref, repository, workflow } = github as Record<string, unknown>
  return {
    GITHUB_REF_NAME: String(ref_name),
    GITHUB_REPOSITORY: String(repository),
    GITHUB_RUN_ATTEMPT: String(run_attempt),
    GITHUB_RUN_ID: String(run_id),
    GITHUB_WORKFLOW_REF: `${repository}/.github/workflows/${workflow}@${ref}`,
  }
}

async function runShell(
  script: string,
  options: readonly string[],
  env: Record<string, string>,
  machine: Machine & JobSetting,
): Promise<Done> {
  const { workspace, temp, runs, canReadActions, setting } = machine
  const files = scratch()
  const output = join(files, 'output')
  writeFiles(files, { output: '' })
  if (/\bgh /.test(script)) installGitHubCli(files, runs, canReadActions && !setting.isApiDown)
  const { PATH = '' } = process.env
  // The first two options keep the settings of the machine's user away.
  const { code, output: log } = await launch('bash', ['--noprofile', '--norc', ...options, '-c', script], {
    cwd: workspace,
    env: { PATH: `${files}:${PATH}`, RUNNER_TEMP: temp, GITHUB_OUTPUT: output, ...env },
  }).ended
  return { isSuccess: code === 0, outputs: readValues(readFileSync(output, 'utf8')), log }
}
