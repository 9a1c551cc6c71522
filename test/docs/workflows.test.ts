import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { documents } from '../../scripts/docs.ts'
import { root } from './links.ts'
import { blocksOf, countSteps, problemsOf, unsafeRuns } from './workflows.ts'

const read = (path: string) => readFileSync(join(root, path), 'utf8')
const workflows = readdirSync(join(root, '.github', 'workflows')).map((name) => `.github/workflows/${name}`)

test.each(documents)('the steps of %s have inputs and outputs that there are', (path) => {
  expect(blocksOf(read(path)).flatMap(problemsOf)).toEqual([])
})

test('the README has a step to copy for each use', () => {
  const blocks = blocksOf(read('README.md'))
  expect(blocks.reduce((sum, block) => sum + countSteps(block), 0)).toBeGreaterThanOrEqual(2)
  expect(blocks.join('\n')).toMatch(/on:\n {2}schedule:/)
  expect(blocks.join('\n')).toMatch(/on:\n {2}release:/)
})

describe.each(workflows)('%s', (path) => {
  test('has inputs and outputs that there are, and pins what is not ours', () => {
    expect(problemsOf(read(path))).toEqual([])
  })

  test('gives no right that is not asked for, and nothing of others to a shell', () => {
    expect(parse(read(path)).permissions).toEqual({})
    expect(unsafeRuns(read(path))).toEqual([])
  })
})

test('CI runs each of the three uses, and the reusable workflows run the action', () => {
  const counts = ['ci', 'billing', 'rotate-secrets'].map((name) => countSteps(read(`.github/workflows/${name}.yml`)))
  expect(counts).toEqual([4, 2, 2])
})

describe('a step is wrong', () => {
  const uses = 'your-org/vercel-marketplace-action@v1'
  test.each([
    ['with an input that there is not', `- uses: ${uses}\n  with: { operation: getInvoice, invoice: 1 }`],
    ['without an operation', `- uses: ${uses}\n  with: { token: a }`],
    [
      'where an output is read that there is not',
      `- { id: a, uses: ${uses}, with: { operation: getInvoice } }\n- run: echo "$ID"\n  env: { ID: "\${{ steps.a.outputs.invoice }}" }`,
    ],
    ['where another action is not pinned', '- uses: actions/checkout@v5'],
  ])('%s', (_, text) => {
    expect(problemsOf(text)).toHaveLength(1)
  })

  test('where a shell gets what somebody else wrote', () => {
    expect(unsafeRuns('- run: echo ${{ inputs.name }}')).toHaveLength(1)
    expect(unsafeRuns('- run: echo ${{ github.event.issue.title }}')).toHaveLength(1)
    expect(unsafeRuns('- run: echo ${{ github.run_id }}')).toEqual([])
  })
})
