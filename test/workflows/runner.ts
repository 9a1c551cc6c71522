// Runs the workflows of this project and of its documentation as GitHub would, with `needs`, matrices, conditions, outputs,
// artifacts, reusable workflows and re-runs of failed jobs. It runs the built action against the sandbox, runs `run:` steps
// in a shell, and simulates the three other actions that the workflows use.

import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TemplateToken } from '@actions/workflow-parser/templates/tokens/template-token'
import { root } from '../docs/links.ts'
import { readValues, runStep, type StepResult, scratch, writeFiles } from '../e2e/step.ts'
import { download, upload } from './artifacts.ts'
import { type Contexts, evaluate, resolve, type Status, textOf } from './expression.ts'
import { at, calledWorkflow, entriesOf, isOwn, itemsOf, manifest, readWorkflow, type Workflow } from './read.ts'

/** The folders of a job. */
export interface Machine {
  readonly workspace: string
  readonly temp: string
}

export interface Setting {
  /** The files of the repository: content by path. */
  readonly repository: Record<string, string>
  readonly secrets: Record<string, string>
  /** Prepares a job before its first step. */
  readonly prepare?: (machine: Machine) => Promise<void>
  /** The jobs to run; by default all. */
  readonly jobs?: readonly string[]
  /** The previous attempt. Its failed jobs run again, and so do the jobs that need them. */
  readonly earlier?: Run
}

/** A completed job, or one of several with the same name if there is a matrix. */
export interface Job {
  readonly status: Status | 'skipped'
  readonly outputs: Record<string, string>
  /** The results of the steps that use this action, in order, including those of reusable workflows. */
  readonly steps: readonly StepResult[]
  /** The output of the shells. */
  readonly log: string
  /** Whether it ran in this attempt. */
  readonly isNew: boolean
}

export interface Run {
  readonly attempt: number
  /** Every job by its path, such as `bill/0/total/0`: the job `total` of the workflow that the job `bill` calls. */
  readonly jobs: ReadonlyMap<string, Job>
  /** The folder that holds the artifacts. */
  readonly artifacts: string
}

interface State extends Run {
  readonly setting: Setting
  readonly jobs: Map<string, Job>
}

/** Runs a workflow, or a part of one. */
export async function runWorkflow(text: string, setting: Setting): Promise<Run> {
  const { earlier } = setting
  const state: State = {
    setting,
    attempt: (earlier?.attempt ?? 0) + 1,
    jobs: new Map(),
    artifacts: earlier?.artifacts ?? scratch(),
  }
  await runJobs(await readValidWorkflow(text), { secrets: setting.secrets }, state, '')
  return state
}

/** Reads a workflow. @throws {Error} if it has problems, or a key that this runner does not support */
async function readValidWorkflow(text: string): Promise<Workflow> {
  const workflow = await readWorkflow(text)
  if (workflow.problems.length > 0) throw new Error(workflow.problems.join('\n'))
  rejectUnsupported(workflow.root, 'env')
  return workflow
}

/** Throws if a part has keys that GitHub's runner obeys and this one does not support. */
function rejectUnsupported(part: TemplateToken, ...keys: string[]): void {
  for (const key of keys) if (at(part, key)) throw new Error(`${key} is not supported here`)
}

async function runJobs({ root, template }: Workflow, given: Contexts, state: State, path: string) {
  const done: Record<string, Job[]> = {}
  const github = { run_attempt: state.attempt, ref: 'refs/heads/main', repository: 'octo-org/octo-repo' }
  resolveAll(root, ['name', 'run-name', 'concurrency'], { ...given, github })
  for (const [id, job] of entriesOf(at(root, 'jobs'))) {
    if (path === '' && state.setting.jobs?.includes(id) === false) continue
    const needs = template.jobs.find((one) => one.id.value === id)?.needs?.map(({ value }) => value) ?? []
    const before = needs.flatMap((need) => done[need] ?? [])
    const results = needs.map((need) => [need, { result: statusOf(done[need]), outputs: outputsOf(done[need]) }])
    const contexts = { ...given, github, needs: Object.fromEntries(results) }
    const definition = template.jobs.find((one) => one.id.value === id)
    const runs: Job[] = []
    done[id] = runs
    if (!evaluate(definition?.if.expression ?? 'success()', contexts, statusOf(before))) {
      runs.push({ status: 'skipped', outputs: {}, steps: [], log: '', isNew: true })
      continue
    }
    for (const [index, matrix] of combinations(at(job, 'strategy', 'matrix'), contexts).entries()) {
      const place = `${path}${id}/${index}`
      const earlier = before.some(({ isNew }) => isNew) ? undefined : state.setting.earlier?.jobs.get(place)
      const isKept = earlier?.status === 'success'
      const conditions =
        definition?.type === 'job' ? definition.steps.map((step) => step.if?.expression ?? 'success()') : []
      const run = isKept
        ? { ...earlier, isNew: false }
        : await runJob(job, conditions, { ...contexts, matrix }, state, place)
      state.jobs.set(place, run)
      runs.push(run)
    }
  }
  return done
}

const statusOf = (jobs: readonly Job[] = []): Status =>
  jobs.every(({ status }) => status === 'success') ? 'success' : 'failure'

const outputsOf = (jobs: readonly Job[] = []): Record<string, string> =>
  Object.assign({}, ...jobs.map(({ outputs }) => outputs))

/** Evaluates parts that have no effect here, to find references to what does not exist. */
function resolveAll(part: TemplateToken, keys: readonly string[], contexts: Contexts): void {
  for (const key of keys) {
    const token = at(part, key)
    if (token) resolve(token, contexts)
  }
}

function combinations(token: TemplateToken | undefined, contexts: Contexts): object[] {
  const matrix = token ? (resolve(token, contexts) as Record<string, unknown[]>) : {}
  return Object.entries(matrix).reduce<object[]>(
    (all, [key, values]) => all.flatMap((one) => values.map((value) => ({ ...one, [key]: value }))),
    [{}],
  )
}

async function runJob(job: TemplateToken, conditions: string[], contexts: Contexts, state: State, place: string) {
  rejectUnsupported(job, 'env', 'container', 'services', 'continue-on-error')
  resolveAll(job, ['name', 'environment', 'concurrency', 'runs-on', 'timeout-minutes'], contexts)
  const called = calledWorkflow(String(at(job, 'uses') ?? ''))
  return called === undefined
    ? await runSteps(job, conditions, contexts, state)
    : await call(called, job, contexts, state, place)
}

async function call(path: string, job: TemplateToken, contexts: Contexts, state: State, place: string): Promise<Job> {
  const workflow = await readValidWorkflow(readFileSync(join(root, path), 'utf8'))
  const definition = at(workflow.root, 'on', 'workflow_call')
  const valuesOf = (part: 'inputs' | 'secrets', given: 'with' | 'secrets') => {
    const declared = entriesOf(at(definition, part)).map(([name, one]) => [name, valueAt(at(one, 'default'), contexts)])
    return { ...Object.fromEntries(declared), ...(valueAt(at(job, given), contexts) as object) }
  }
  const inputs = valuesOf('inputs', 'with')
  const secrets = valuesOf('secrets', 'secrets')
  const done = await runJobs(workflow, { inputs, secrets }, state, `${place}/`)
  const jobs = Object.fromEntries(Object.entries(done).map(([id, runs]) => [id, { outputs: outputsOf(runs) }]))
  const runs = Object.values(done).flat()
  return {
    status: statusOf(runs.filter(({ status }) => status !== 'skipped')),
    outputs: texts(at(definition, 'outputs'), { jobs }, 'value'),
    steps: runs.flatMap(({ steps }) => steps),
    log: runs.map(({ log }) => log).join(''),
    isNew: runs.some(({ isNew }) => isNew),
  }
}

const valueAt = (token: TemplateToken | undefined, contexts: Contexts): unknown =>
  token ? resolve(token, contexts) : ''

/** The entries of a mapping as strings. With a key, the value at that key of each entry. */
const texts = (token: TemplateToken | undefined, contexts: Contexts, key?: string): Record<string, string> =>
  Object.fromEntries(
    entriesOf(token).map(([name, value]) => [name, textOf(valueAt(key ? at(value, key) : value, contexts))]),
  )

interface Done {
  readonly isSuccess: boolean
  readonly outputs: Record<string, string>
  readonly result?: StepResult
  readonly log?: string
}

async function runSteps(job: TemplateToken, conditions: string[], given: Contexts, state: State): Promise<Job> {
  const machine = { workspace: scratch(), temp: scratch() }
  await state.setting.prepare?.(machine)
  let status: Status = 'success'
  const steps: Record<string, { outputs: object; outcome: Status | 'skipped' }> = {}
  const done: Done[] = []
  for (const [index, step] of itemsOf(at(job, 'steps')).entries()) {
    rejectUnsupported(step, 'continue-on-error', 'working-directory', 'shell')
    const contexts = { ...given, steps, runner: { temp: machine.temp } }
    const id = at(step, 'id')?.toString() ?? String(index)
    const isRun = evaluate(conditions[index] ?? 'success()', contexts, status)
    const one = isRun ? await runOne(step, contexts, { ...machine, ...state }) : { isSuccess: true, outputs: {} }
    // An output that a step of this action does not set is empty.
    const all = isOwn(String(at(step, 'uses') ?? '')) ? Object.keys(manifest.outputs).map((name) => [name, '']) : []
    const outcome = one.isSuccess ? 'success' : 'failure'
    steps[id] = { outputs: { ...Object.fromEntries(all), ...one.outputs }, outcome: isRun ? outcome : 'skipped' }
    if (!one.isSuccess) status = 'failure'
    done.push(one)
  }
  return {
    status,
    outputs: texts(at(job, 'outputs'), { ...given, steps }),
    steps: done.flatMap(({ result }) => result ?? []),
    log: done.map(({ log = '' }) => log).join(''),
    isNew: true,
  }
}

async function runOne(step: TemplateToken, contexts: Contexts, machine: Machine & State): Promise<Done> {
  resolveAll(step, ['name', 'timeout-minutes'], contexts)
  const env = texts(at(step, 'env'), contexts)
  const inputs = texts(at(step, 'with'), contexts)
  const uses = String(at(step, 'uses') ?? '')
  if (uses === '') return shell(textOf(valueAt(at(step, 'run'), contexts)), env, machine)
  if (isOwn(uses)) {
    const result = await runStep({ with: inSandbox(inputs), env, workspace: machine.workspace, temp: machine.temp })
    return { isSuccess: result.code === 0, outputs: result.outputs, result }
  }
  const [name] = uses.split('@')
  if (name === 'actions/checkout') writeFiles(machine.workspace, machine.setting.repository)
  else if (name === 'actions/upload-artifact') upload(inputs, machine)
  else if (name === 'actions/download-artifact') return { isSuccess: download(inputs, machine), outputs: {} }
  else throw new Error(`${name} is not supported here`)
  return { isSuccess: true, outputs: {} }
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

function shell(script: string, env: Record<string, string>, { workspace, temp }: Machine): Done {
  const output = join(temp, 'output')
  writeFiles(temp, { output: '' })
  const { PATH = '' } = process.env
  const { status, stdout, stderr } = spawnSync('bash', ['--noprofile', '--norc', '-e', '-c', script], {
    cwd: workspace,
    env: { PATH, RUNNER_TEMP: temp, GITHUB_OUTPUT: output, ...env },
    encoding: 'utf8',
  })
  return { isSuccess: status === 0, outputs: readValues(readFileSync(output, 'utf8')), log: stdout + stderr }
}
