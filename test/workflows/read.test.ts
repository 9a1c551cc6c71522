import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isMapping } from '@actions/workflow-parser'
import { describe, expect, test } from 'vitest'
import { documents } from '../../scripts/docs.ts'
import { root } from '../docs/links.ts'
import { blocksOf, countSteps, readWorkflow } from './read.ts'

const read = (path: string) => readFileSync(join(root, path), 'utf8')
const workflows = readdirSync(join(root, '.github', 'workflows'))

test.each(workflows)('%s is valid, and grants no permissions by default', async (name) => {
  const { root, problems } = await readWorkflow(read(`.github/workflows/${name}`))
  expect(problems).toEqual([])
  const permissions = root.find('permissions')
  expect(permissions && isMapping(permissions) && permissions.count).toBe(0)
})

test.each(documents)('the workflows in %s are valid', async (path) => {
  for (const block of blocksOf(read(path))) {
    const { problems } = await readWorkflow(block)
    expect(problems, block).toEqual([])
  }
})

const reusable = ['billing.yml', 'follow-up.yml', 'rotate-secrets.yml']

test('documents and reusable workflows use one version of each action', () => {
  const texts = [...documents, ...reusable.map((name) => `.github/workflows/${name}`)].map(read)
  const versions = new Set(texts.flatMap((text) => text.match(/uses: actions\/.*@.*/g) ?? []))
  expect([...versions].sort()).toEqual([
    'uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1',
    'uses: actions/download-artifact@3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c # v8.0.1',
    'uses: actions/upload-artifact@bbbca2ddaa5d8feaa63e36b76fdaad77386f024f # v7.0.0',
  ])
})

test('the example in the first comment of each reusable workflow is valid', async () => {
  for (const name of reusable) {
    const [comment = ''] = /^(#.*\n)+/.exec(read(`.github/workflows/${name}`)) ?? []
    const call = comment.replaceAll(/^#(?! {3}).*\n/gm, '').replaceAll(/^# {3}/gm, '')
    expect(call).toContain(`/${name}@v1`)
    // The example may need a job that it does not contain.
    const job = 'invoices: { runs-on: ubuntu-latest, steps: [{ run: ./export-invoices }] }'
    const text = call.startsWith('on:') ? call : `jobs:\n  ${job}\n${call.replaceAll(/^/gm, '  ')}`
    expect((await readWorkflow(text)).problems).toEqual([])
  }
})

describe('a workflow is invalid', () => {
  const uses = 'your-org/vercel-marketplace-action@v1'
  const billing = 'your-org/vercel-marketplace-action/.github/workflows/billing.yml@v1'
  const call = (given: string) => `jobs: { bill: { uses: ${billing}, with: { ${given} } } }`
  test.each([
    [
      'with an input that does not exist',
      `- uses: ${uses}\n  with: { operation: getInvoice, invoice: 1 }`,
      'invoice is not an input',
    ],
    ['without an operation', `- uses: ${uses}\n  with: { token: a }`, 'a step without an operation'],
    [
      'if it reads an output that does not exist',
      `- { id: a, uses: ${uses}, with: { operation: getInvoice } }\n- run: echo "$ID"\n  env: { ID: "\${{ steps.a.outputs.invoice }}" }`,
      'invoice is not an output',
    ],
    [
      'if it reads a step that does not exist',
      '- run: echo "$ID"\n  env: { ID: "${{ steps.a.outputs.id }}" }',
      'a is not a step',
    ],
    ['if another action is not pinned', '- uses: actions/checkout@v5', 'actions/checkout@v5 is not pinned to a commit'],
    ['if a shell script contains an input', '- run: echo ${{ inputs.name }}', 'a shell script contains inputs.'],
    [
      'if a shell script contains a field of the event',
      '- run: echo ${{ github.event.issue.title }}',
      'a shell script contains github.event',
    ],
    [
      'with a key that GitHub does not know',
      `- uses: ${uses}\n  with: { operation: getInvoice }\n  runs: a`,
      "Unexpected value 'runs'",
    ],
    ['with an expression that does not end', '- run: echo ${{ github.ref', 'The expression is not closed'],
    [
      'with an input that the reusable workflow does not have',
      call('operation: a, batch-artifact: b, shard: 1'),
      'Invalid input, shard is not defined',
    ],
    ['without an input that the reusable workflow requires', call('operation: a'), 'Input batch-artifact is required'],
  ])('%s', async (_, text, problem) => {
    expect((await readWorkflow(text)).problems).toEqual([expect.stringContaining(problem)])
  })

  test('but not if a shell script contains a value that GitHub generates', async () => {
    expect((await readWorkflow('- run: echo ${{ github.run_id }}')).problems).toEqual([])
  })
})

test('the README has a workflow for each use', async () => {
  const blocks = blocksOf(read('README.md'))
  const counts = await Promise.all(blocks.map(async (block) => countSteps(await readWorkflow(block))))
  expect(counts).toEqual([1, 1, 0])
  expect(blocks[1]).toMatch(/on:\n {2}schedule:/)
  expect(blocks[2]).toMatch(/on:\n {2}release:/)
})
