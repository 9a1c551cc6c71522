// Runs every workflow of the documentation, and those of this project that other repositories call, as GitHub would.

import { readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { documents } from '../../scripts/docs.ts'
import { operations } from '../../src/operations/catalogue.ts'
import { stateFile } from '../../src/sandbox/transport.ts'
import { armored, encryptTo, newIdentity } from '../age.ts'
import { root } from '../docs/links.ts'
import { examplePayload } from '../example-payloads.ts'
import { fastTimers } from '../waits.ts'
import { blocksOf, isSteps } from '../workflows/read.ts'
import { type Machine, newRepository, type Run, runWorkflow, type Setting } from '../workflows/runner.ts'
import { startServer } from './batches.ts'
import { startGitHub } from './github.ts'
import { installation } from './invoices.ts'
import { runStepInProcess, scratch, writeFiles } from './step.ts'

// A test starts a dozen processes, one after the other.
vi.setConfig({ testTimeout: 120_000 })

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
      await runStepInProcess({ temp, with: { ...preparation, operation: 'importResource', payload } })
    }
  }

/** Prepares what a block of steps needs that is not a whole job: the repository and the journal of an earlier batch. */
async function prepareSteps({ workspace, temp }: Machine) {
  await withResource('db-orders')({ workspace, temp })
  writeFiles(workspace, repository)
  const batch = { 'batch-file': 'examples/batch.ndjson', 'journal-file': 'journals/1/journal.ndjson' }
  await runStepInProcess({ workspace, temp, with: { ...preparation, operation: 'createEvent', ...batch } })
  writeFiles(workspace, { 'october.ndjson': `${JSON.stringify({ ...invoicePayload, externalId: 'october' })}\n` })
  const october = { 'batch-file': 'october.ndjson', 'journal-file': 'october/journal.ndjson' }
  await runStepInProcess({ workspace, temp, with: { ...preparation, operation: 'submitInvoice', ...october } })
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
const callsBilling = (block: string) => block.includes('/billing.yml@') && block.includes('operation: submitInvoice')
test('the guides have workflows for every use', () => {
  expect(blocks.length).toBeGreaterThan(20)
  expect(blocks.filter(({ block }) => isSteps(block)).length).toBeGreaterThan(5)
  for (const name of ['billing.yml', 'follow-up.yml', 'rotate-secrets.yml']) {
    expect(blocks.filter(({ block }) => block.includes(`/${name}@`))).not.toEqual([])
  }
})

test.each(blocks)('$path: the workflow in block $index succeeds', async ({ block }) => {
  const prepare = sharedSandbox(isSteps(block) ? prepareSteps : withResource('db-orders'))
  const setting = { repository, secrets, prepare, github: newRepository() }
  if (block.includes('/follow-up.yml@')) {
    // It follows the invoices of an earlier run.
    const billing = blocks.find((one) => callsBilling(one.block))?.block ?? ''
    await runWorkflow(billing, { ...setting, workflow: 'invoices.yml' })
  }
  const run = await runWorkflow(block, setting)
  expect(stepsOf(run).flatMap(({ errors }) => errors)).toEqual([])
  expect(Object.values(statusesOf(run))).not.toContain('failure')
  expect(stepsOf(run)).not.toEqual([])
})

/** Runs the built action. */
const isProcess = () => true

describe('the three workflows of the README', () => {
  const [step = '', billing = '', rotation = ''] = blocksAt('README.md')

  test('a step submits an invoice, and the next step reads its outputs', async () => {
    const { jobs } = await runWorkflow(step, { repository, secrets, isProcess })
    expect(jobs.get('bill/0')?.log).toMatch(/^Invoice \S+ is accepted\n$/)
  })

  test('a scheduled job reports usage and keeps the journal', async () => {
    const run = await runWorkflow(billing, { repository, secrets, isProcess })
    expect(stepsOf(run).map(({ outputs }) => outputs)).toEqual([
      expect.objectContaining({ succeeded: '2', failed: '0' }),
    ])
    const journal = readFileSync(join(run.artifacts, 'usage-journal-1', 'usage.journal.ndjson'), 'utf8')
    expect(journal.match(/"succeeded"/g)).toHaveLength(2)
  })

  test('a job rotates the credential on each release', async () => {
    const run = await runWorkflow(rotation, { repository, secrets, isProcess })
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
  expect(statusesOf(first)).toMatchObject({ 'rotate/0/approve/0': 'success', 'rotate/0/bill/0': 'failure' })
  const second = await runWorkflow(block, {
    ...setting,
    prepare: sharedSandbox(withResource('db-orders')),
    earlier: first,
  })
  expect(statusesOf(second)).toMatchObject({ 'prepare/0': 'success', 'rotate/0': 'success' })
  expect(second.jobs.get('rotate/0')?.outputs).toMatchObject({ status: 'succeeded', total: '1', failed: '0' })
  const artifacts = readdirSync(second.artifacts, { recursive: true, withFileTypes: true }).filter((one) =>
    one.isFile(),
  )
  expect(artifacts.map(({ name }) => name)).toContain('shard-1-of-1-attempt-2.ndjson')
  for (const { parentPath, name } of artifacts) {
    const content = readFileSync(join(parentPath, name), 'utf8')
    for (const secret of ['token-of-a-file', identity, '"value"']) expect(content).not.toContain(secret)
  }
})

test('the CI of this project uses the action in each of the three ways', async () => {
  const examples = Object.fromEntries(Object.entries(repository).filter(([path]) => path.startsWith('examples/')))
  const run = await runWorkflow(read('.github/workflows/ci.yml'), {
    repository: examples,
    secrets: {},
    env: { NODE_OPTIONS: fastTimers },
    jobs: ['use'],
    isProcess: ({ job }) => job === 'use/0',
  })
  expect(statusesOf(run)).toEqual({ 'use/0': 'success', 'use/1': 'success', 'use/2': 'success' })
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
  const store = 'store-secret: INSTALLATION_TOKEN'

  /** A server for Vercel and one for GitHub, and the tokens of the requests that arrived. */
  async function servers() {
    const server = await startServer()
    const github = await startGitHub()
    const options = { repository: {}, secrets, env: { GITHUB_API_URL: github.url } }
    const tokens = () =>
      server.arrivals.map(({ operation, headers, body }) => ({
        operation,
        authorization: headers.authorization,
        ...(operation === 'revokeInstallationCredential' && { revoked: (body as { token: string }).token }),
      }))
    const run = (given: string, setting: Partial<Setting> = {}) =>
      runWorkflow(call(`${given}, api-url: "${server.url}"`), { ...options, ...setting })
    return { run, tokens, stored: () => [...github.secrets.values()] }
  }
  const old = `Bearer ${secrets.INSTALLATION_TOKEN}`
  const rotation = [
    { operation: 'rotateInstallationCredential', authorization: old },
    { operation: 'getAccountInfo', authorization: expect.not.stringContaining(secrets.INSTALLATION_TOKEN) },
  ]
  const revocation = (authorization: unknown) => ({
    operation: 'revokeInstallationCredential',
    authorization,
    revoked: secrets.INSTALLATION_TOKEN,
  })

  test.each([
    ['resource-id: db-orders', ['updateResourceSecretsById']],
    [`${store}, revoke-previous: true`, ['rotateInstallationCredential']],
    [
      `resource-id: db-orders, ${store}, client-id: oac_1`,
      ['updateResourceSecretsById', 'rotateInstallationCredential'],
    ],
  ])('runs its operations with %s', async (given, operations) => {
    const run = await runWorkflow(call(given), {
      repository: {},
      secrets,
      isProcess,
      prepare: withResource('db-orders'),
    })
    expect(stepsOf(run).flatMap(({ errors }) => errors)).toEqual([])
    expect(run.approvals).toEqual(['production: '])
    const steps = run.jobs.get('rotate/0')?.steps ?? []
    expect(steps.map(({ outputs }) => outputs.operation)).toEqual(operations)
  })

  test('the previous credential goes on working unless the workflow is told to revoke it', async () => {
    const { run, tokens } = await servers()
    await run(store)
    expect(tokens()).toEqual(rotation)
    await run(`${store}, revoke-previous: true`)
    expect(tokens().slice(2)).toEqual([...rotation, revocation(rotation[1]?.authorization)])
  })

  test('with a grace environment it is revoked after the wait, with itself, and appears in no output', async () => {
    const { run, tokens, stored } = await servers()
    let before: unknown
    const approves = (environment: string) => {
      if (environment === 'after-a-day') before = tokens()
      return true
    }
    const done = await run(`${store}, revoke-previous: true, grace-environment: after-a-day`, { approves })
    expect(before).toEqual(rotation)
    expect(tokens()).toEqual([...rotation, revocation(old)])
    expect(statusesOf(done)).toMatchObject({ 'rotate/0/rotate/0': 'success', 'rotate/0/revoke/0': 'success' })
    expect(stored()).toHaveLength(1)
    const outputs = JSON.stringify([...done.jobs.values()].map((job) => job.outputs))
    expect(outputs).toContain('fingerprint')
    for (const token of [secrets.INSTALLATION_TOKEN, ...stored()]) expect(outputs).not.toContain(token)
  })

  test('a new value of the secret is not revoked', async () => {
    const { run, tokens, stored } = await servers()
    const given = `${store}, revoke-previous: true, grace-environment: after-a-day`
    const first = await run(given, { approves: (environment) => environment === 'production' })
    expect(statusesOf(first)).toMatchObject({ 'rotate/0/revoke/0': 'failure' })
    const [token = ''] = stored()
    const second = await run(given, { earlier: first, secrets: { ...secrets, INSTALLATION_TOKEN: token } })
    expect(second.jobs.get('rotate/0/revoke/0')?.log).toContain('::error::The secret token is no longer the one')
    expect(tokens()).toEqual(rotation)
  })

  test('a grace environment without revoke-previous is refused before anything is rotated', async () => {
    const { run, tokens } = await servers()
    const done = await run(`resource-id: db-orders, ${store}, grace-environment: after-a-day`)
    expect(done.jobs.get('rotate/0')?.log).toContain('::error::Input grace-environment goes with revoke-previous')
    expect(statusesOf(done)).toMatchObject({ 'rotate/0/revoke/0': 'skipped' })
    expect(tokens()).toEqual([])
  })
})
