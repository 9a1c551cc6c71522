// Steps of workflows, as they stand in documents and in .github/workflows, and what is wrong with them.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import MarkdownIt from 'markdown-it'
import { parse } from 'yaml'
import { root } from './links.ts'

const ours = /^(your-org\/vercel-marketplace-action@v\d+|\.\/)$/
const manifest = parse(readFileSync(join(root, 'action.yml'), 'utf8')) as Record<'inputs' | 'outputs', object>

interface Step {
  readonly uses?: string
  readonly id?: string
  readonly with?: Record<string, unknown>
}

/** The blocks of a document that have a `uses:`. */
export const blocksOf = (markdown: string): string[] =>
  new MarkdownIt()
    .parse(markdown, {})
    .filter(({ type, info, content }) => type === 'fence' && info === 'yaml' && /\buses:/.test(content))
    .map(({ content }) => content)

/** Every object with a `uses:` in it, however deep. */
function stepsIn(value: unknown): Step[] {
  if (Array.isArray(value)) return value.flatMap(stepsIn)
  if (typeof value !== 'object' || value === null) return []
  const inner = Object.values(value).flatMap(stepsIn)
  return 'uses' in value ? [value as Step, ...inner] : inner
}

/** How many steps of this action a workflow, or a part of one, has. */
export const countSteps = (text: string): number =>
  stepsIn(parse(text)).filter(({ uses = '' }) => ours.test(uses)).length

/** What is wrong with a workflow, or a part of one. */
export function problemsOf(text: string): string[] {
  const steps = stepsIn(parse(text))
  const own = steps.filter(({ uses = '' }) => ours.test(uses))
  const ids = new Set(own.map(({ id }) => id))
  const references = [...text.matchAll(/steps\.([\w-]+)\.outputs\.([\w-]+)/g)]
  return [
    ...own.flatMap(({ with: given = {} }) =>
      Object.keys(given)
        .filter((input) => !Object.hasOwn(manifest.inputs, input))
        .map((input) => `${input} is no input`),
    ),
    ...own.filter(({ with: given }) => given?.operation === undefined).map(() => 'a step without an operation'),
    ...references
      .filter(([, id, output = '']) => ids.has(id) && !Object.hasOwn(manifest.outputs, output))
      .map(([, , output]) => `${output} is no output`),
    ...steps
      .map(({ uses = '' }) => uses)
      .filter((uses) => !ours.test(uses) && !uses.startsWith('your-org/') && !/@[0-9a-f]{40}$/.test(uses))
      .map((uses) => `${uses} is not pinned to a commit`),
  ]
}

/** Expressions in `run:` that hold what somebody else wrote: a shell would take it for code. */
export const unsafeRuns = (text: string): string[] =>
  runsIn(parse(text)).filter((run) => /\$\{\{[^}]*(github\.event|github\.head_ref|inputs\.|secrets\.)/.test(run))

function runsIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(runsIn)
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, inner]) =>
    name === 'run' && typeof inner === 'string' ? [inner] : runsIn(inner),
  )
}
