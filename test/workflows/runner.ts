// Runs the workflows of this project and of its documentation as GitHub would: `needs`, matrices, conditions, outputs,
// permissions, environments, concurrency groups, reusable workflows, and re-runs. `steps.ts` runs the steps of a job.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TemplateToken } from '@actions/workflow-parser/templates/tokens/template-token'
import { root } from '../docs/links.ts'
import { scratch } from '../e2e/step.ts'
import { ConcurrencyGroups, concurrencyOf } from './concurrency.ts'
import { type Contexts, evaluate, resolve, type Status, textOf } from './expression.ts'
import type { ListedRun } from './github-cli.ts'
import { defaultPermissions, type Permissions, permissionsOf, requireWithin } from './permissions.ts'
import { at, calledWorkflow, entriesOf, readWorkflow, type Workflow } from './read.ts'
import { type Job, runSteps, type StepSetting } from './steps.ts'

export type { Job, Machine } from './steps.ts'

/** What the runs of a repository share. */
export interface Repository {
  readonly runs: Run[]
  readonly groups: ConcurrencyGroups
}

export const newRepository = (): Repository => ({ runs: [], groups: new ConcurrencyGroups() })

export interface Setting extends StepSetting {
  /** The repository, for runs that use artifacts of each other, or wait for each other. */
  readonly github?: Repository
  /** What the person who starts a `workflow_dispatch` enters. */
  readonly inputs?: Record<string, string>
  /** The file name of the workflow. */
  readonly workflow?: string
  /** The day on which the run is created; by default the present one. */
  readonly created?: string
  /** The jobs to run; by default all. */
  readonly jobs?: readonly string[]
  /** The previous attempt. Its failed jobs run again, and so do the jobs that need them. */
  readonly earlier?: Run
  /** Whether all jobs of the previous attempt run again. */
  readonly rerunsAll?: boolean
  /** Whether the reviewers of an environment approve; by default they do. */
  readonly approves?: (environment: string) => boolean
}

export interface Run extends ListedRun {
  /** Every job by its path, such as `bill/0/total/0`: the job `total` of the workflow that the job `bill` calls. */
  readonly jobs: ReadonlyMap<string, Job>
  /** The environments whose reviewers were asked in this attempt, with the name of the job that they saw. */
  readonly approvals: readonly string[]
}

interface State extends Run {
  readonly setting: Setting
  readonly jobs: Map<string, Job>
  readonly approvals: string[]
  conclusion: string | undefined
}

/** The part of a run that a workflow is: the whole, or a job that calls another workflow. */
interface Place {
  readonly state: State
  /** The path of the calling job with a slash at its end; empty for the whole. */
  readonly path: string
  /** What the calling job may do; undefined for the whole. */
  readonly callerPermissions?: Permissions
}

/** Runs a workflow, or a part of one. */
export async function runWorkflow(text: string, setting: Setting): Promise<Run> {
  const { earlier, github = newRepository() } = setting
  const id = earlier?.id ?? 1000 + github.runs.length
  const state: State = {
    setting: { ...setting, github },
    id,
    workflow: setting.workflow ?? 'workflow.yml',
    branch: 'main',
    created: setting.created ?? new Date().toISOString().slice(0, 10),
    conclusion: undefined,
    attempt: (earlier?.attempt ?? 0) + 1,
    jobs: new Map(),
    approvals: [],
    artifacts: earlier?.artifacts ?? scratch(),
    uploads: earlier?.uploads ?? new Map(),
  }
  const index = github.runs.findIndex((one) => one.id === id)
  github.runs.splice(index < 0 ? github.runs.length : index, 1, state)
  const done = await runJobs(
    await readValidWorkflow(text),
    { secrets: setting.secrets, inputs: setting.inputs ?? {} },
    { state, path: '' },
  )
  state.conclusion = statusOf(Object.values(done).flat().filter(wasRun))
  return state
}

const workflows = new Map<string, Promise<Workflow>>()

/** Reads a workflow, or returns what was read before. */
function readValidWorkflow(text: string): Promise<Workflow> {
  const workflow = workflows.get(text) ?? validate(text)
  workflows.set(text, workflow)
  return workflow
}

/** Reads a workflow. @throws {Error} if it has problems, or a key that this runner does not support */
async function validate(text: string): Promise<Workflow> {
  // Each call checks its own inputs.
  const workflow = await readWorkflow(text, { checksCalls: false })
  if (workflow.problems.length > 0) throw new Error(workflow.problems.join('\n'))
  rejectUnsupported(workflow.root, 'env')
  return workflow
}

/** Throws if a part has keys that GitHub's runner obeys and this one does not support. */
function rejectUnsupported(part: TemplateToken, ...keys: string[]): void {
  for (const key of keys) if (at(part, key)) throw new Error(`${key} is not supported here`)
}

const githubContext = ({ id, attempt, workflow, branch }: Run) => ({
  run_attempt: attempt,
  run_id: id,
  ref: `refs/heads/${branch}`,
  ref_name: branch,
  repository: 'octo-org/octo-repo',
  token: 'token-of-the-run',
  workflow,
})

type Jobs = Record<string, Job[]>

/** Runs the jobs of a workflow, once it has its concurrency group. */
async function runJobs(workflow: Workflow, given: Contexts, place: Place): Promise<Jobs> {
  const { root } = workflow
  const contexts = { ...given, github: githubContext(place.state) }
  for (const key of ['name', 'run-name']) resolveAt(root, key, contexts)
  return await inGroup(root, contexts, place.state, () => runInOrder(workflow, contexts, place))
}

/** Runs a workflow or a job once it has its concurrency group. */
async function inGroup<T>(part: TemplateToken, contexts: Contexts, { setting }: State, run: () => Promise<T>) {
  const concurrency = resolveAt(part, 'concurrency', contexts)
  if (concurrency === undefined) return await run()
  const leave = await setting.github?.groups.enter(concurrencyOf(concurrency))
  if (!leave) throw new Error('the run was cancelled while it waited for its concurrency group')
  try {
    return await run()
  } finally {
    leave()
  }
}

async function runInOrder({ root, template }: Workflow, given: Contexts, place: Place): Promise<Jobs> {
  const { state, path } = place
  const done: Jobs = {}
  const ancestors: Record<string, string[]> = {}
  for (const [id, job] of entriesOf(at(root, 'jobs'))) {
    if (path === '' && state.setting.jobs?.includes(id) === false) continue
    const definition = template.jobs.find((one) => one.id.value === id)
    const needs = definition?.needs?.map(({ value }) => value) ?? []
    for (const need of needs) if (!done[need]) throw new Error(`${id} comes before ${need}, which it needs`)
    const before = needs.flatMap((need) => done[need] ?? [])
    ancestors[id] = [...new Set(needs.flatMap((need) => [need, ...(ancestors[need] ?? [])]))]
    const status = statusOf(ancestors[id].flatMap((need) => done[need] ?? []))
    const results = needs.map((need) => [need, { result: statusOf(done[need]), outputs: outputsOf(done[need]) }])
    const contexts = { ...given, needs: Object.fromEntries(results) }
    const isNew = before.some((one) => one.isNew)
    if (!evaluate(definition?.if.expression ?? 'success()', contexts, status)) {
      const earlier = state.setting.earlier?.jobs.get(`${path}${id}/0`)
      const skipped = skippedJob(job, isNew || earlier?.status !== 'skipped')
      state.jobs.set(`${path}${id}/0`, skipped)
      done[id] = [skipped]
      continue
    }
    const conditions =
      definition?.type === 'job' ? definition.steps.map((step) => step.if?.expression ?? 'success()') : []
    const permissions = permissionsOf(job) ?? permissionsOf(root) ?? place.callerPermissions ?? defaultPermissions
    if (place.callerPermissions) requireWithin(permissions, place.callerPermissions)
    const runs: Job[] = []
    for (const [index, matrix] of combinations(at(job, 'strategy', 'matrix'), contexts).entries()) {
      const name = `${path}${id}/${index}`
      const kept = isNew || state.setting.rerunsAll ? undefined : keptJob(state, name)
      const run = kept ?? (await runJob(job, conditions, { ...contexts, matrix }, { ...place, name, permissions }))
      state.jobs.set(name, run)
      runs.push(run)
    }
    done[id] = runs
  }
  return done
}

const wasRun = ({ status }: Job) => status !== 'skipped'

const skippedJob = (job: TemplateToken, isNew: boolean): Job => {
  const outputs = Object.fromEntries(entriesOf(at(job, 'outputs')).map(([name]) => [name, '']))
  return { status: 'skipped', outputs, steps: [], log: '', isNew }
}

/** A job that succeeded in the previous attempt, with the jobs of the workflow that it calls. */
function keptJob({ setting: { earlier }, jobs }: State, name: string): Job | undefined {
  const job = earlier?.jobs.get(name)
  if (!earlier || job?.status !== 'success') return undefined
  for (const [path, nested] of earlier.jobs)
    if (path.startsWith(`${name}/`)) jobs.set(path, { ...nested, isNew: false })
  return { ...job, isNew: false }
}

function statusOf(jobs: readonly Job[] = []): Status {
  const statuses = jobs.map(({ status }) => status)
  if (statuses.includes('failure')) return 'failure'
  return statuses.includes('skipped') ? 'skipped' : 'success'
}

const outputsOf = (jobs: readonly Job[] = []): Record<string, string> =>
  Object.assign({}, ...jobs.map(({ outputs }) => outputs))

/** Evaluates a part, to find references to what does not exist; undefined if there is no such part. */
function resolveAt(part: TemplateToken, key: string, contexts: Contexts): unknown {
  const token = at(part, key)
  return token && resolve(token, contexts)
}

function combinations(token: TemplateToken | undefined, contexts: Contexts): object[] {
  const matrix = token ? (resolve(token, contexts) as Record<string, unknown[]>) : {}
  return Object.entries(matrix).reduce<object[]>(
    (all, [key, values]) => all.flatMap((one) => values.map((value) => ({ ...one, [key]: value }))),
    [{}],
  )
}

interface JobPlace extends Place {
  /** The path of the job. */
  readonly name: string
  readonly permissions: Permissions
}

async function runJob(job: TemplateToken, conditions: string[], contexts: Contexts, place: JobPlace): Promise<Job> {
  const { state, name, permissions } = place
  rejectUnsupported(job, 'env', 'container', 'services', 'continue-on-error')
  for (const key of ['runs-on', 'timeout-minutes']) resolveAt(job, key, contexts)
  const called = calledWorkflow(String(at(job, 'uses') ?? ''))
  if (called !== undefined) return await call(called, job, contexts, place)
  if (!isApproved(job, contexts, state)) return { ...skippedJob(job, true), status: 'failure' }
  const { setting, ...store } = state
  const canReadActions = permissions.actions === 'read' || permissions.actions === 'write'
  const access = { store, runs: setting.github?.runs ?? [], canReadActions }
  return await inGroup(job, contexts, state, () => runSteps(job, conditions, contexts, { ...access, setting, name }))
}

/** Asks the reviewers of a job's environment. GitHub takes an empty name as no environment. */
function isApproved(job: TemplateToken, contexts: Contexts, { setting, approvals }: State): boolean {
  const environment = textOf(resolveAt(job, 'environment', contexts))
  const name = textOf(resolveAt(job, 'name', contexts))
  if (environment === '') return true
  approvals.push(`${environment}: ${name}`)
  return setting.approves?.(environment) ?? true
}

async function call(path: string, job: TemplateToken, contexts: Contexts, place: JobPlace): Promise<Job> {
  const workflow = await readValidWorkflow(readFileSync(join(root, path), 'utf8'))
  const definition = at(workflow.root, 'on', 'workflow_call')
  const valuesOf = (part: 'inputs' | 'secrets', given: 'with' | 'secrets') => {
    const values = (resolveAt(job, given, contexts) ?? {}) as Record<string, unknown>
    const declared = entriesOf(at(definition, part)).map(([name, one]) => {
      if (String(at(one, 'required')) === 'true' && !Object.hasOwn(values, name)) throw new Error(`${name} is missing`)
      const type = String(at(one, 'type') ?? 'string')
      return [name, at(one, 'default') ? resolveAt(one, 'default', contexts) : emptyValues[type]]
    })
    const all = Object.fromEntries(declared)
    for (const name of Object.keys(values)) if (!Object.hasOwn(all, name)) throw new Error(`${name} is not in ${path}`)
    return { ...all, ...values }
  }
  const inputs = valuesOf('inputs', 'with')
  const secrets = valuesOf('secrets', 'secrets')
  const inner = { state: place.state, path: `${place.name}/`, callerPermissions: place.permissions }
  const done = await runJobs(workflow, { inputs, secrets }, inner)
  const jobs = Object.entries(done).map(([id, runs]) => [id, { outputs: outputsOf(runs), result: statusOf(runs) }])
  const runs = Object.values(done).flat()
  const outputs = entriesOf(at(definition, 'outputs')).map(([name, one]) => [
    name,
    textOf(resolveAt(one, 'value', { jobs: Object.fromEntries(jobs), inputs })),
  ])
  return {
    status: statusOf(runs.filter(wasRun)),
    outputs: Object.fromEntries(outputs),
    steps: runs.flatMap(({ steps }) => steps),
    log: runs.map(({ log }) => log).join(''),
    isNew: runs.some(({ isNew }) => isNew),
  }
}

/** The value of an input that has no default and is not given. */
const emptyValues: Record<string, unknown> = { boolean: false, number: 0, string: '' }
