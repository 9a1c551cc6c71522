// Reads workflows, and parts of them, from documents and .github/workflows. GitHub's own parser checks the syntax. The rest
// is checked here: the inputs and outputs of this action, pinned versions, and unsafe expressions in shell scripts.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  convertWorkflowTemplate,
  isBasicExpression,
  isMapping,
  isSequence,
  NoOperationTraceWriter,
  parseWorkflow,
  type WorkflowTemplate,
} from '@actions/workflow-parser'
import type { MappingToken } from '@actions/workflow-parser/templates/tokens/mapping-token'
import type { TemplateToken } from '@actions/workflow-parser/templates/tokens/template-token'
import MarkdownIt from 'markdown-it'
import { parse } from 'yaml'
import { repository } from '../../scripts/repository.ts'
import { root } from '../docs/links.ts'

/** The content of action.yml. */
export const manifest = parse(readFileSync(join(root, 'action.yml'), 'utf8')) as Record<'inputs' | 'outputs', object>

const own = new RegExp(`^(${repository.name}@(v\\d+|[0-9a-f]{40})|\\./)$`)
const ownWorkflow = new RegExp(`^${repository.name}/(\\.github/workflows/[\\w-]+\\.yml)@v\\d+$`)

/** Whether a step uses this action. */
export const isOwn = (uses: string): boolean => own.test(uses)

/** Returns the path of the workflow of this project that a job calls; undefined if it calls another one. */
export const calledWorkflow = (uses: string): string | undefined => ownWorkflow.exec(uses)?.[1]

/** Returns the YAML blocks of a document that contain `uses:`. */
export const blocksOf = (markdown: string): string[] =>
  new MarkdownIt()
    .parse(markdown, {})
    .filter(({ type, info, content }) => type === 'fence' && info === 'yaml' && /\buses:/.test(content))
    .map(({ content }) => content)

/** Whether a text only has steps, which readers put into a job. */
export const isSteps = (text: string): boolean => text.startsWith('- ')

/** Completes a part of a workflow to a whole one. */
function completed(text: string): string {
  if (isSteps(text)) {
    const steps = text.replaceAll(/^(?=.)/gm, '      ')
    return `on: push\njobs:\n  job:\n    runs-on: ubuntu-latest\n    steps:\n${steps}`
  }
  return /^on:/m.test(text) ? text : `on: push\n${text}`
}

export interface Workflow {
  /** The workflow as it was written. */
  readonly root: MappingToken
  /** The jobs and steps with their conditions, from GitHub's parser. */
  readonly template: WorkflowTemplate
  /** One sentence per problem. A workflow with problems cannot run. */
  readonly problems: readonly string[]
}

/**
 * Reads a workflow, or a part of one.
 *
 * @param checksCalls  whether to compare the calls of reusable workflows with their inputs, which takes most of the time
 */
export async function readWorkflow(text: string, { checksCalls = true } = {}): Promise<Workflow> {
  const { context, value } = parseWorkflow(
    { name: 'workflow.yml', content: completed(text) },
    new NoOperationTraceWriter(),
  )
  const syntax = () => [...new Set(context.errors.getErrors().map(({ message }) => message))]
  if (!value || !isMapping(value)) throw new Error(`not a workflow: ${syntax().join(', ')}`)
  const depth = { fetchReusableWorkflowDepth: checksCalls ? 1 : 0 }
  const template = await convertWorkflowTemplate(context, value, { getFileContent }, depth)
  return { root: value, template, problems: [...syntax(), ...problemsOf(value, text)] }
}

async function getFileContent({ path }: { path: string }) {
  return { name: path, content: readFileSync(join(root, path), 'utf8') }
}

/** Returns the part of a workflow at a path of keys; undefined if it does not exist. */
export function at(token: TemplateToken | undefined, ...path: string[]): TemplateToken | undefined {
  return path.reduce((inner, key) => (inner && isMapping(inner) ? inner.find(key) : undefined), token)
}

export const itemsOf = (token: TemplateToken | undefined): TemplateToken[] =>
  token && isSequence(token) ? [...token] : []

export const entriesOf = (token: TemplateToken | undefined): [string, TemplateToken][] =>
  token && isMapping(token) ? [...token].map(({ key, value }) => [String(key), value]) : []

const steps = (workflow: MappingToken) =>
  entriesOf(workflow.find('jobs')).flatMap(([, job]) => itemsOf(at(job, 'steps')))
const usesOf = (step: TemplateToken) => String(at(step, 'uses') ?? '')

/** Returns how many steps of a workflow use this action. */
export const countSteps = ({ root }: Workflow): number => steps(root).filter((step) => isOwn(usesOf(step))).length

function problemsOf(workflow: MappingToken, text: string): string[] {
  const all = steps(workflow)
  const ours = all.filter((step) => isOwn(usesOf(step)))
  const ids = new Set(all.map((step) => String(at(step, 'id'))))
  const ownIds = new Set(ours.map((step) => String(at(step, 'id'))))
  const references = [...text.matchAll(/steps\.([\w-]+)\.outputs\.([\w-]+)/g)]
  return [
    ...ours.flatMap((step) =>
      entriesOf(at(step, 'with'))
        .filter(([input]) => !Object.hasOwn(manifest.inputs, input))
        .map(([input]) => `${input} is not an input`),
    ),
    ...ours.filter((step) => !at(step, 'with', 'operation')).map(() => 'a step without an operation'),
    ...references.filter(([, id = '']) => !ids.has(id)).map(([, id]) => `${id} is not a step`),
    ...references
      .filter(([, id = '', output = '']) => ownIds.has(id) && !Object.hasOwn(manifest.outputs, output))
      .map(([, , output]) => `${output} is not an output`),
    ...all
      .map(usesOf)
      .filter((uses) => uses !== '' && !isOwn(uses) && !/@[0-9a-f]{40}$/.test(uses))
      .map((uses) => `${uses} is not pinned to a commit`),
    ...all.flatMap(unsafeIn),
  ]
}

/** Reports a `run:` that contains an expression with text from users, which a shell would execute. */
function unsafeIn(step: TemplateToken): string[] {
  const run = at(step, 'run')
  if (!run || !isBasicExpression(run)) return []
  const [unsafe] = /github\.event\b|github\.head_ref|inputs\.|secrets\./.exec(run.expression) ?? []
  return unsafe === undefined ? [] : [`a shell script contains ${unsafe}`]
}
