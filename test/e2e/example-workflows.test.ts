// The files of examples/ are valid, and the workflows of examples/workflows succeed with them in the sandbox.

import { readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isMapping } from '@actions/workflow-parser'
import { expect, test } from 'vitest'
import { stateFile } from '../../src/sandbox/transport.ts'
import { root } from '../docs/links.ts'
import { jumpingClock } from '../waits.ts'
import { readWorkflow } from '../workflows/read.ts'
import { newRepository, type Run, runWorkflow, type Setting } from '../workflows/runner.ts'
import { runStepInProcess, scratch } from './step.ts'

const read = (path: string) => readFileSync(join(root, 'examples', path), 'utf8')
const files = ['usage.ndjson', 'invoices.ndjson', 'refunds.ndjson', 'tokens.json']
const examples = Object.fromEntries(files.map((file) => [file, read(file)]))
const workflows = readdirSync(join(root, 'examples', 'workflows'))

test.each([
  ['submitBillingData', 'usage.ndjson', '3', '64.40'],
  ['submitInvoice', 'invoices.ndjson', '3', '78.40'],
  ['updateInvoice', 'refunds.ndjson', '2', '12.50'],
])('%s: every line of %s is valid', async (operation, file, total, amount) => {
  const inputs = { operation, 'batch-file': file, 'tokens-file': 'tokens.json', 'dry-run': 'true' }
  const { errors, outputs } = await runStepInProcess({ files: examples, with: inputs })
  expect(errors).toEqual([])
  expect(outputs).toMatchObject({ status: 'validated', total, amount })
})

test.each(workflows)('%s is valid, and grants no permissions by default', async (name) => {
  const { root: workflow, problems } = await readWorkflow(read(`workflows/${name}`))
  expect(problems).toEqual([])
  const permissions = workflow.find('permissions')
  expect(permissions && isMapping(permissions) && permissions.count).toBe(0)
})

/** How many files each workflow refers to; the others call a reusable workflow. */
const fileInputs: Record<string, number> = { 'close-out.yml': 8, 'refund.yml': 5, 'usage.yml': 2 }

test.each(workflows)('%s keeps tokens and amounts in RUNNER_TEMP', (name) => {
  const text = read(`workflows/${name}`)
  expect(text).not.toMatch(/> *"?(?!"\$(RUNNER_TEMP|GITHUB_OUTPUT))[\w./-]+(json|ndjson)/)
  const paths = [...text.matchAll(/-file: (.*)/g)].map(([, path]) => path)
  expect(paths).toHaveLength(fileInputs[name] ?? 0)
  for (const path of paths) expect(path).toMatch(/^\$\{\{ runner\.temp \}\}\//)
})

/** A script that prints a file of examples/. */
const printing = (text: string) => `#!/bin/sh\ncat << 'EOF'\n${text.trimEnd()}\nEOF\n`

const [invoice = ''] = (examples['invoices.ndjson'] ?? '').split('\n')
const final = JSON.stringify({ ...JSON.parse(invoice), externalId: 'final', final: true })
const repository = {
  'export-usage': printing(examples['usage.ndjson'] ?? ''),
  'export-invoices': printing(examples['invoices.ndjson'] ?? ''),
  'export-tokens': printing(examples['tokens.json'] ?? ''),
  'export-final-invoice': printing(final),
}
const secrets = {
  DATABASE_URL: 'pg://user:password@db',
  INSTALLATION_TOKEN: 'token-of-the-installation',
  INSTALLATION_TOKENS: examples['tokens.json'] ?? '',
  INTEGRATION_CLIENT_SECRET: 'secret-of-the-integration',
  SECRETS_WRITER_TOKEN: 'token-that-may-write',
}
const { integrationConfigurationId: installation } = JSON.parse(invoice)

/** A sandbox that all jobs share, as they share Vercel. */
function newSandbox() {
  const temp = scratch()
  writeFileSync(join(temp, stateFile), '')
  const run = (name: string, setting: Partial<Setting> = {}) =>
    runWorkflow(read(`workflows/${name}.yml`), {
      repository,
      secrets,
      prepare: async (machine) => symlinkSync(join(temp, stateFile), join(machine.temp, stateFile)),
      ...setting,
    })
  const step = (inputs: Record<string, string>) =>
    runStepInProcess({
      temp,
      clock: jumpingClock(),
      with: { 'api-url': 'sandbox', token: 'a-token', 'installation-id': installation, ...inputs },
    })
  return { run, step }
}

const outputsOf = ({ jobs }: Run) => [...jobs.values()].flatMap(({ steps }) => steps.map(({ outputs }) => outputs))
const statusesOf = ({ jobs }: Run) => [...jobs.values()].map(({ status }) => status)

test('usage.yml reports the usage of every customer', async () => {
  const run = await newSandbox().run('usage', { isProcess: () => true })
  expect(outputsOf(run)).toEqual([expect.objectContaining({ status: 'succeeded', succeeded: '3', amount: '64.40' })])
})

test('refund.yml plans a refund and sends it once, also if somebody starts it again', async () => {
  const { run, step } = newSandbox()
  const submitted = await step({
    operation: 'submitInvoice',
    payload: invoice,
    'installation-id': '',
    'wait-for': 'paid',
    'wait-interval': '1',
  })
  const { invoiceId = '' } = submitted.outputs
  const inputs = { 'installation-id': installation, 'invoice-id': invoiceId, total: '12.50', reason: `It's "down"` }
  const first = await run('refund', { inputs })
  expect(statusesOf(first)).toEqual(['success', 'success'])
  const [plan, refund] = outputsOf(first)
  expect(plan).toMatchObject({ status: 'validated', amount: '12.50' })
  expect(refund).toMatchObject({ status: 'succeeded', amount: '12.50', digest: plan?.digest })

  expect(statusesOf(await run('refund', { inputs }))).toEqual(['success', 'failure'])
  const { outputs } = await step({ operation: 'getInvoice', 'invoice-id': invoiceId })
  expect(JSON.parse(outputs.result ?? '')).toMatchObject({ refundTotal: '12.50', refundReason: `It's "down"` })
})

test('refund.yml sends nothing above its limit', async () => {
  const inputs = { 'installation-id': installation, 'invoice-id': 'inv-1', total: '500.01', reason: 'a mistake' }
  const run = await newSandbox().run('refund', { inputs })
  expect(statusesOf(run)).toEqual(['failure', 'skipped'])
  expect(outputsOf(run)).toEqual([expect.objectContaining({ errorCode: 'total_exceeded' })])
})

test('close-out.yml sends the final invoice once, keeps its state, and finalizes the installation', async () => {
  const { run } = newSandbox()
  const setting = { inputs: { 'installation-id': installation } }
  const first = await run('close-out', setting)
  expect(outputsOf(first)).toEqual([
    expect.objectContaining({ operation: 'submitInvoice', succeeded: '1', amount: '50.00' }),
    expect.objectContaining({ operation: 'trackInvoices', status: 'open', total: '1' }),
    expect.objectContaining({ operation: 'finalizeInstallation', status: 'succeeded' }),
  ])
  const nothing = { ...repository, 'export-final-invoice': '#!/bin/sh\n' }
  const second = await newSandbox().run('close-out', { ...setting, repository: nothing })
  expect(outputsOf(second).map(({ operation }) => operation)).toEqual(['finalizeInstallation'])
})

test('rotation.yml rotates the secrets of the resource and the credential of the installation', async () => {
  const { run, step } = newSandbox()
  const resource = { productId: 'postgres', name: 'Orders', status: 'ready' }
  await step({ operation: 'importResource', 'resource-id': 'db-orders', payload: JSON.stringify(resource) })
  const { jobs } = await run('rotation', { isProcess: () => true })
  const operations = jobs.get('rotate/0')?.steps.map(({ outputs }) => [outputs.operation, outputs.status])
  expect(operations).toEqual([
    ['updateResourceSecretsById', 'accepted'],
    ['rotateInstallationCredential', 'accepted'],
  ])
})

test('invoices.yml sends what was approved, and follow-up.yml finds the invoices', async () => {
  const { run } = newSandbox()
  const github = newRepository()
  const bill = await run('invoices', { github, workflow: 'invoices.yml' })
  expect(bill.jobs.get('bill/0')?.outputs).toMatchObject({ status: 'succeeded', succeeded: '3', amount: '78.40' })
  const follow = await run('follow-up', { github, workflow: 'follow-up.yml' })
  expect(follow.jobs.get('follow/0')?.outputs).toMatchObject({ total: '3', amount: '78.40', status: 'open' })
})

test('invoices.yml sends nothing without the approval', async () => {
  const bill = await newSandbox().run('invoices', { approves: () => false })
  expect(bill.approvals).toHaveLength(1)
  const { steps = [], outputs } = bill.jobs.get('bill/0') ?? {}
  expect(steps.map((step) => step.outputs.status)).toEqual(['validated'])
  expect(outputs).toMatchObject({ status: 'failed', succeeded: '' })
})
