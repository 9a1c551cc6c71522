// Runs every workflow of the documentation, and those of this project that other repositories call, as GitHub would.

import { readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { documents } from '../../scripts/docs.ts'
import { operations } from '../../src/operations/catalogue.ts'
import { stateFile } from '../../src/sandbox/transport.ts'
import { armored, encryptTo, newIdentity } from '../age.ts'
import { root } from '../docs/links.ts'
import { examplePayload } from '../example-payloads.ts'
import { blocksOf, isSteps } from '../workflows/read.ts'
import { type Machine, type Run, runWorkflow } from '../workflows/runner.ts'
import { installation } from './invoices.ts'
import { runStep, scratch, writeFiles } from './step.ts'

const read = (path: string) => readFileSync(join(root, path), 'utf8')

const usage = (id: string) => JSON.stringify({ id, ...examplePayload('submitBillingData').payload, billing: [] })
const lines = `${usage('one')}\n${usage('two')}\n`
const { payload: rotation } = examplePayload('rotateInstallationCredential', {
  secrets: { CLIENT_SECRET: { $env: 'CLIENT_SECRET' } },
})

const { payload: invoicePayload } = examplePayload('submitInvoice')
const invoices = `${JSON.stringify(invoicePayload)}\n`

const tokens = JSON.stringify({ [installation]: 'token-of-a-file' })
const { payload: resourceSecrets } = examplePayload('updateResourceSecretsById', { ids: { resourceId: 'db-orders' } })
const secretsOfResource = `${JSON.stringify({ ...resourceSecrets, partial: true })}\n`
const identity = await newIdentity()
const encrypted = async (text: string) => armored(await encryptTo([identity], text))

/** The files that the workflows of the documentation expect in the repository. */
const repository = {
  'batch.ndjson': lines,
  'certificates/ca.pem': 'a certificate',
  'examples/batch.ndjson': read('examples/batch.ndjson'),
  'examples/invoice.json': read('examples/invoice.json'),
  'examples/invoices.ndjson': read('examples/invoices.ndjson'),
  'examples/tokens.json': read('examples/tokens.json'),
  'export-invoices': `#!/bin/sh\ncat << EOF\n${invoices}EOF\n`,
  'export-usage': `#!/bin/sh\ncat << EOF\n${lines}EOF\n`,
  'invoices.ndjson': invoices,
  'rotations.ndjson': `${JSON.stringify(rotation)}\n`,
  'fetch-invoices': `#!/bin/sh\ncat << EOF\n${await encrypted(invoices)}EOF\n`,
  'fetch-secrets': `#!/bin/sh\ncat << EOF\n${await encrypted(secretsOfResource)}EOF\n`,
  'fetch-tokens': `#!/bin/sh\ncat << EOF\n${await encrypted(tokens)}EOF\n`,
  'read-tokens-from-vault': `#!/bin/sh\necho '${tokens}'\n`,
  'tokens.json': tokens,
  'tokens.json.age': await encrypted(tokens),
  'usage.ndjson': lines,
}
const secrets = {
  DATABASE_URL: 'pg://user:"password"@db',
  INSTALLATION_TOKEN: 'token-of-the-installation',
  INSTALLATION_TOKENS: repository['tokens.json'],
  INTEGRATION_CLIENT_SECRET: 'secret-of-the-integration',
  SECRETS_WRITER_TOKEN: 'token-that-may-write',
  TOKENS_KEY: `# created: today\n${identity}\n`,
}

const preparation = { 'api-url': 'sandbox', token: 'token-of-the-preparation' }

/** Adds resources to the sandbox of a job, which starts empty. */
const withResource =
  (...resourceIds: string[]) =>
  async ({ temp }: Machine) => {
    for (const resourceId of resourceIds) {
      const payload = JSON.stringify(examplePayload('importResource', { ids: { resourceId } }).payload)
      await runStep({ temp, with: { ...preparation, operation: 'importResource', payload } })
    }
  }

/** Prepares what a block of steps needs that is not a whole job: the repository and the journal of an earlier batch. */
async function prepareSteps({ workspace, temp }: Machine) {
  await withResource('db-orders')({ workspace, temp })
  writeFiles(workspace, repository)
  const batch = { 'batch-file': 'examples/batch.ndjson', 'journal-file': 'journals/1/journal.ndjson' }
  await runStep({ workspace, temp, with: { ...preparation, operation: 'createEvent', ...batch } })
  writeFiles(workspace, { 'october.ndjson': `${JSON.stringify({ ...invoicePayload, externalId: 'october' })}\n` })
  const october = { 'batch-file': 'october.ndjson', 'journal-file': 'october/journal.ndjson' }
  await runStep({ workspace, temp, with: { ...preparation, operation: 'submitInvoice', ...october } })
}

/** Lets the jobs of a run share one sandbox, as they share Vercel. */
function sharedSandbox(prepare: (machine: Machine) => Promise<void>) {
  const shared = join(scratch(), stateFile)
  writeFileSync(shared, '')
  return async (machine: Machine) => {
    symlinkSync(shared, join(machine.temp, stateFile))
    await prepare(machine)
  }
}

const stepsOf = ({ jobs }: Run) => [...jobs.values()].flatMap(({ steps }) => steps)
const statusesOf = ({ jobs }: Run) => Object.fromEntries([...jobs].map(([place, { status }]) => [place, status]))
const blocksAt = (path: string) => blocksOf(read(path))

// The pages of operations have a test of their own: each needs other things in the sandbox.
const guides = documents.filter((path) => !operations.some(({ name }) => path === `docs/reference/${name}.md`))
const blocks = guides.flatMap((path) => blocksAt(path).map((block, index) => ({ path, index, block })))
test.each(blocks)('$path: the workflow in block $index succeeds', async ({ block }) => {
  const prepare = sharedSandbox(isSteps(block) ? prepareSteps : withResource('db-orders'))
  const run = await runWorkflow(block, { repository, secrets, prepare })
  expect(stepsOf(run).flatMap(({ errors }) => errors)).toEqual([])
  expect(Object.values(statusesOf(run))).not.toContain('failure')
  expect(stepsOf(run)).not.toEqual([])
})

describe('the three workflows of the README', () => {
  const [step = '', billing = '', rotation = ''] = blocksAt('README.md')

  test('a step submits an invoice, and the next step reads its outputs', async () => {
    const { jobs } = await runWorkflow(step, { repository, secrets })
    expect(jobs.get('bill/0')?.log).toMatch(/^Invoice \S+ is accepted\n$/)
  })

  test('a scheduled job reports usage and keeps the journal', async () => {
    const run = await runWorkflow(billing, { repository, secrets })
    expect(stepsOf(run).map(({ outputs }) => outputs)).toEqual([
      expect.objectContaining({ succeeded: '2', failed: '0' }),
    ])
    const journal = readFileSync(join(run.artifacts, 'usage-journal-1', 'usage.journal.ndjson'), 'utf8')
    expect(journal.match(/"succeeded"/g)).toHaveLength(2)
  })

  test('a job rotates the credential on each release', async () => {
    const run = await runWorkflow(rotation, { repository, secrets })
    const [{ outputs, lines } = { outputs: {}, lines: [] }] = stepsOf(run)
    expect(outputs).toMatchObject({ operation: 'rotateInstallationCredential', status: 'accepted' })
    expect(lines.join('\n')).toContain('INSTALLATION_TOKEN')
  })
})

test('the workflow of the follow-up waits until its invoices are sent, and the next step finds them paid', async () => {
  const [billing = '', later = ''] = blocksAt('docs/follow-up.md')
  const run = await runWorkflow(billing, { repository, secrets, prepare: sharedSandbox(async () => {}) })
  const [, follow] = stepsOf(run)
  expect(follow?.outputs).toMatchObject({ operation: 'trackInvoices', status: 'open', total: '1', paid: '0' })
  const second = await runWorkflow(later, { repository, secrets, prepare: sharedSandbox(prepareSteps) })
  expect([...second.jobs.values()].map(({ log }) => log)).toEqual(['0 of 1 invoices are paid\n'])
})

test('the secrets of all resources are rotated from an artifact that nobody can read, over two attempts', async () => {
  const block = blocksAt('docs/rotation.md').at(-1) ?? ''
  const setting = { repository, secrets }
  const first = await runWorkflow(block, { ...setting, prepare: sharedSandbox(async () => {}) })
  expect(statusesOf(first)).toEqual({ 'prepare/0': 'success', 'rotate/0': 'failure' })
  const second = await runWorkflow(block, {
    ...setting,
    prepare: sharedSandbox(withResource('db-orders')),
    earlier: first,
  })
  expect(statusesOf(second)).toEqual({ 'prepare/0': 'success', 'rotate/0': 'success' })
  expect(second.jobs.get('rotate/0')?.steps[0]?.outputs).toMatchObject({ succeeded: '1', failed: '0' })
  const artifacts = readdirSync(second.artifacts, { recursive: true, withFileTypes: true }).filter((one) =>
    one.isFile(),
  )
  expect(artifacts.map(({ name }) => name).sort()).toEqual([
    'secrets.journal.ndjson',
    'secrets.journal.ndjson',
    'secrets.ndjson.age',
    'tokens.json.age',
  ])
  for (const { parentPath, name } of artifacts) {
    const content = readFileSync(join(parentPath, name), 'utf8')
    for (const secret of ['token-of-a-file', identity, '"value"']) expect(content).not.toContain(secret)
  }
})

test('the CI of this project uses the action in each of the three ways', async () => {
  const examples = Object.fromEntries(Object.entries(repository).filter(([path]) => path.startsWith('examples/')))
  const run = await runWorkflow(read('.github/workflows/ci.yml'), { repository: examples, secrets: {}, jobs: ['use'] })
  expect(statusesOf(run)).toEqual({ 'use/0': 'success', 'use/1': 'success', 'use/2': 'success' })
})

describe('billing.yml', () => {
  const call = (operation: string) => `
on: push
jobs:
  usage:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@08c6903cd8c0fde910a37f88322edcfb5dd907a8
      - uses: actions/upload-artifact@ea165f8d65b6e75b540449e92b4886f43607fa02
        with: { name: records, path: records.ndjson }
  bill:
    needs: usage
    uses: your-org/vercel-marketplace-action/.github/workflows/billing.yml@v1
    with: { operation: ${operation}, batch-artifact: records, batch-file: records.ndjson, shards: 2 }
    secrets: { tokens: "\${{ secrets.INSTALLATION_TOKENS }}" }
  after:
    needs: bill
    if: always()
    runs-on: ubuntu-latest
    steps:
      - run: echo "$STATUS, $SUCCEEDED of $TOTAL, $FAILED failed"
        env:
          STATUS: \${{ needs.bill.outputs.status }}
          TOTAL: \${{ needs.bill.outputs.total }}
          SUCCEEDED: \${{ needs.bill.outputs.succeeded }}
          FAILED: \${{ needs.bill.outputs.failed }}
`
  const secretsOf = (resourceId: string) =>
    JSON.stringify(examplePayload('updateResourceSecretsById', { ids: { resourceId } }).payload)
  const ids = ['db-1', 'db-2', 'db-3', 'db-4', 'db-5', 'db-6']
  const records = { 'records.ndjson': ids.map((id) => `${secretsOf(id)}\n`).join('') }

  test('a second attempt sends only what failed in the first', async () => {
    const setting = { repository: records, secrets }
    const text = call('updateResourceSecretsById')
    const first = await runWorkflow(text, { ...setting, prepare: withResource(...ids.slice(1)) })
    const shards = ['bill/0/bill/0', 'bill/0/bill/1']
    const failed = shards.filter((place) => first.jobs.get(place)?.status === 'failure')
    expect(failed).toHaveLength(1)
    expect(first.jobs.get('after/0')?.log).toBe('partial, 5 of 6, 1 failed\n')

    const second = await runWorkflow(text, { ...setting, prepare: withResource(...ids), earlier: first })
    expect(second.jobs.get('after/0')?.log).toBe('succeeded, 6 of 6, 0 failed\n')
    expect(shards.filter((place) => second.jobs.get(place)?.isNew)).toEqual(failed)
    const [before, again] = [first, second].map((run) => run.jobs.get(failed[0] ?? '')?.steps[0]?.outputs)
    expect(again).toMatchObject({ status: 'succeeded', succeeded: '1', skipped: before?.succeeded })
  })

  test('a second attempt sends no refunds if the journal of the first is missing', async () => {
    const line = `${JSON.stringify(examplePayload('updateInvoice').payload)}\n`
    const setting = { repository: { 'records.ndjson': line }, secrets }
    const first = await runWorkflow(call('updateInvoice'), setting)
    expect(statusesOf(first)).toMatchObject({ 'bill/0/bill/0': 'failure' })
    rmSync(join(first.artifacts, 'records-journal-1-of-2-1'), { recursive: true })
    const second = await runWorkflow(call('updateInvoice'), { ...setting, earlier: first })
    expect(second.jobs.get('bill/0/bill/0')).toMatchObject({
      status: 'failure',
      steps: [],
      log: expect.stringContaining('::error::The attempt before left no journal'),
    })
  })
})

describe('rotate-secrets.yml', () => {
  const call = (given: string) => `
on: push
jobs:
  rotate:
    uses: your-org/vercel-marketplace-action/.github/workflows/rotate-secrets.yml@v1
    with: { environment: production, installation-id: ${installation}, ${given} }
    secrets:
      token: \${{ secrets.INSTALLATION_TOKEN }}
      payload: '{ "secrets": [{ "name": "DATABASE_URL", "value": \${{ toJSON(secrets.DATABASE_URL) }} }] }'
      client-secret: \${{ secrets.INTEGRATION_CLIENT_SECRET }}
      github-token: \${{ secrets.SECRETS_WRITER_TOKEN }}
`
  test.each([
    ['resource-id: db-orders', ['updateResourceSecretsById']],
    ['store-secret: INSTALLATION_TOKEN', ['rotateInstallationCredential']],
    [
      'resource-id: db-orders, store-secret: INSTALLATION_TOKEN, client-id: oac_1, revoke-previous: false',
      ['updateResourceSecretsById', 'rotateInstallationCredential'],
    ],
  ])('runs its operations with %s', async (given, operations) => {
    const run = await runWorkflow(call(given), { repository: {}, secrets, prepare: withResource('db-orders') })
    expect(stepsOf(run).flatMap(({ errors }) => errors)).toEqual([])
    const steps = run.jobs.get('rotate/0')?.steps ?? []
    expect(steps.map(({ outputs }) => outputs.operation)).toEqual(operations)
  })
})
