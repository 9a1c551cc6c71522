import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isMapping } from '@actions/workflow-parser'
import { describe, expect, test } from 'vitest'
import { documents } from '../../scripts/docs.ts'
import { root } from '../docs/links.ts'
import { blocksOf, countSteps, readWorkflow } from './read.ts'

const read = (path: string) => readFileSync(join(root, path), 'utf8')
const workflows = readdirSync(join(root, '.github', 'workflows'))

test.each(workflows)('%s is a workflow that gives no right that is not asked for', async (name) => {
  const { root, problems } = await readWorkflow(read(`.github/workflows/${name}`))
  expect(problems).toEqual([])
  const permissions = root.find('permissions')
  expect(permissions && isMapping(permissions) && permissions.count).toBe(0)
})

test.each(documents)('the workflows of %s, and the parts of some, are right', async (path) => {
  for (const block of blocksOf(read(path))) {
    const { problems } = await readWorkflow(block)
    expect(problems, block).toEqual([])
  }
})

test('the call at the head of a workflow to be called is right', async () => {
  for (const name of ['billing.yml', 'rotate-secrets.yml']) {
    const [comment = ''] = /^(#.*\n)+/.exec(read(`.github/workflows/${name}`)) ?? []
    const call = comment.replaceAll(/^#(?! {3}).*\n/gm, '').replaceAll(/^# {3}/gm, '')
    expect(call).toContain(`/${name}@v1`)
    // What is called for may be named, and not be there.
    const job = 'usage: { runs-on: ubuntu-latest, steps: [{ run: ./export-usage }] }'
    const text = call.startsWith('on:') ? call : `jobs:\n  ${job}\n${call.replaceAll(/^/gm, '  ')}`
    expect((await readWorkflow(text)).problems).toEqual([])
  }
})

describe('a workflow is wrong', () => {
  const uses = 'your-org/vercel-marketplace-action@v1'
  const billing = 'your-org/vercel-marketplace-action/.github/workflows/billing.yml@v1'
  const call = (given: string) => `jobs: { bill: { uses: ${billing}, with: { ${given} } } }`
  test.each([
    [
      'with an input that there is not',
      `- uses: ${uses}\n  with: { operation: getInvoice, invoice: 1 }`,
      'invoice is no input',
    ],
    ['without an operation', `- uses: ${uses}\n  with: { token: a }`, 'a step without an operation'],
    [
      'where an output is read that there is not',
      `- { id: a, uses: ${uses}, with: { operation: getInvoice } }\n- run: echo "$ID"\n  env: { ID: "\${{ steps.a.outputs.invoice }}" }`,
      'invoice is no output',
    ],
    [
      'where a step is read that there is not',
      '- run: echo "$ID"\n  env: { ID: "${{ steps.a.outputs.id }}" }',
      'a is no step',
    ],
    [
      'where another action is not pinned',
      '- uses: actions/checkout@v5',
      'actions/checkout@v5 is not pinned to a commit',
    ],
    ['where a shell gets an input', '- run: echo ${{ inputs.name }}', 'a shell is given inputs.'],
    ['where a shell gets an event', '- run: echo ${{ github.event.issue.title }}', 'a shell is given github.event'],
    [
      'with a key that GitHub does not know',
      `- uses: ${uses}\n  with: { operation: getInvoice }\n  runs: a`,
      "Unexpected value 'runs'",
    ],
    ['with an expression that does not end', '- run: echo ${{ github.ref', 'The expression is not closed'],
    [
      'with an input that a called workflow has not',
      call('operation: a, batch-artifact: b, shard: 1'),
      'Invalid input, shard is not defined',
    ],
    ['without an input that a called workflow requires', call('operation: a'), 'Input batch-artifact is required'],
  ])('%s', async (_, text, problem) => {
    expect((await readWorkflow(text)).problems).toEqual([expect.stringContaining(problem)])
  })

  test('but not where a shell gets what GitHub itself made', async () => {
    expect((await readWorkflow('- run: echo ${{ github.run_id }}')).problems).toEqual([])
  })
})

test('the README has a workflow to copy for each use', async () => {
  const blocks = blocksOf(read('README.md'))
  const counts = await Promise.all(blocks.map(async (block) => countSteps(await readWorkflow(block))))
  expect(counts).toEqual([1, 1, 0])
  expect(blocks[1]).toMatch(/on:\n {2}schedule:/)
  expect(blocks[2]).toMatch(/on:\n {2}release:/)
})
