// The built action runs the payloads of docs/operations.md, which are those of examples/operations.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { exampleOf, exampleSecrets, inOrder } from '../../scripts/examples.ts'
import { type Operation, operations } from '../../src/operations/catalogue.ts'
import { startSandboxServer } from '../../src/sandbox/server.ts'
import { root } from '../docs/links.ts'
import { runStep } from './step.ts'

const token = 'token-of-the-documentation'

async function runExample({ name, anonymous }: Operation, payload: string, inputs: Record<string, string>) {
  const step = await runStep({
    files: { 'payload.yml': payload },
    env: exampleSecrets,
    with: { operation: name, 'payload-file': 'payload.yml', ...(!anonymous && { token }), ...inputs },
  })
  expect(step.errors, name).toEqual([])
  expect(step.code, name).toBe(0)
  return step
}

const section = (name: string) => {
  const [, text = ''] = readFileSync(join(root, 'docs', 'operations.md'), 'utf8').split(`\n## ${name}\n`)
  return text.split('\n## ')[0] ?? ''
}

test.each(operations.map((operation) => [operation.name, operation] as const))(
  '%s has a section in docs/operations.md, and the payload in it is valid',
  async (name, operation) => {
    const text = section(name)
    expect(text.split('```yaml\n')[1]?.split('```')[0]).toBe(exampleOf(name).split('\n').slice(1).join('\n'))
    expect(text).toContain(operation.path)
    const step = await runExample(operation, exampleOf(name), { 'dry-run': 'true' })
    expect(step.outputs.status).toBe('validated')
  },
)

test('all examples succeed in the sandbox, one after another', { timeout: 60_000 }, async () => {
  const server = await startSandboxServer()
  onTestFinished(server.close)
  const inputs = { 'api-url': server.url }
  let invoiceId = ''
  for (const operation of inOrder) {
    const payload = exampleOf(operation.name).replace('6587c8a4-inv', invoiceId)
    // A refund needs a paid invoice. Waiting for it makes the sandbox mark the invoice as paid.
    if (operation.name === 'updateInvoice') {
      const [get] = operations.filter(({ name }) => name === 'getInvoice')
      const wait = { ...inputs, 'wait-for': 'paid', 'wait-interval': '1' }
      await runExample(get as Operation, exampleOf('getInvoice').replace('6587c8a4-inv', invoiceId), wait)
    }
    const { outputs } = await runExample(operation, payload, inputs)
    if (operation.name === 'submitInvoice') invoiceId = outputs.invoiceId ?? ''
  }
})
