// The built action runs the payloads of examples/operations, and the workflows of docs/reference that contain them.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { exampleOf, exampleSecrets, inOrder, prerequisites } from '../../scripts/examples.ts'
import { type Operation, operationNamed, operations } from '../../src/operations/catalogue.ts'
import { startSandboxServer } from '../../src/sandbox/server.ts'
import { stateFile } from '../../src/sandbox/transport.ts'
import { root } from '../docs/links.ts'
import { skipWaits } from '../waits.ts'
import { blocksOf } from '../workflows/read.ts'
import { runWorkflow } from '../workflows/runner.ts'
import { runStepInProcess, scratch, writeFiles } from './step.ts'

const token = 'token-of-the-documentation'

async function runExample(
  { name, anonymous }: Operation,
  payload: string,
  inputs: Record<string, string>,
  temp = scratch(),
) {
  const step = await runStepInProcess({
    temp,
    files: { 'payload.yml': payload },
    env: exampleSecrets,
    with: { operation: name, 'payload-file': 'payload.yml', ...(!anonymous && { token }), ...inputs },
  })
  expect(step.errors, name).toEqual([])
  expect(step.code, name).toBe(0)
  return step
}

const page = (name: string) => readFileSync(join(root, 'docs', 'reference', `${name}.md`), 'utf8')

const all = operations.map((operation) => [operation.name, operation] as const)

test.each(all)('the example of %s is valid', async (name, operation) => {
  const step = await runExample(operation, exampleOf(name), { 'dry-run': 'true' })
  expect(step.outputs.status).toBe('validated')
})

/** What the examples need in the sandbox: its state, and the id of a paid invoice. Created once for all tests. */
let preparation: Promise<{ readonly state: string; readonly invoiceId: string }> | undefined

async function prepareExamples() {
  skipWaits()
  const temp = scratch()
  let invoiceId = ''
  for (const name of prerequisites) {
    const wait = name === 'submitInvoice' ? { 'wait-for': 'paid', 'wait-interval': '1' } : {}
    const payload = exampleOf(name).replace('invoice-2026-10-acme', 'an-earlier-invoice')
    const { outputs } = await runExample(operationNamed(name), payload, { 'api-url': 'sandbox', ...wait }, temp)
    invoiceId = outputs.invoiceId ?? invoiceId
  }
  return { state: readFileSync(join(temp, stateFile), 'utf8'), invoiceId }
}

test.each(all)('the workflow of docs/reference/%s.md succeeds', async (name, { path }) => {
  const [workflow = '', ...others] = blocksOf(page(name))
  expect(others).toEqual([])
  expect(page(name)).toContain(path)
  preparation ??= prepareExamples()
  const { state, invoiceId } = await preparation
  const { jobs } = await runWorkflow(workflow, {
    repository: {},
    secrets: { INSTALLATION_TOKEN: token, ...exampleSecrets },
    inputs: { 'invoice-id': invoiceId },
    prepare: async ({ temp }) => writeFiles(temp, { [stateFile]: state }),
  })
  const [job] = jobs.values()
  expect(job?.steps.flatMap(({ errors }) => errors)).toEqual([])
  expect(job?.status).toBe('success')
  expect(job?.log).not.toBe('\n')
})

test('all examples succeed in the sandbox, one after another', async () => {
  skipWaits()
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
