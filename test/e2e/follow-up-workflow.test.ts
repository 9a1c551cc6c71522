// Runs follow-up.yml as GitHub would, after runs of billing.yml.

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { newRepository, type Repository, runWorkflow } from '../workflows/runner.ts'
import { bills, ndjson, records, startServer } from './batches.ts'
import { among, secrets } from './billing-runs.ts'
import { day } from './invoices.ts'
import { runStepInProcess, scratch, writeFiles } from './step.ts'

// A test starts a dozen processes, one after the other.
vi.setConfig({ testTimeout: 120_000 })

const call = (given: Record<string, string | number>) => `
on: { schedule: [{ cron: '15 6 * * *' }] }
permissions: {}
jobs:
  follow:
    permissions: { actions: read }
    uses: your-org/vercel-marketplace-action/.github/workflows/follow-up.yml@v1
    with: ${JSON.stringify({ workflow: 'invoices.yml', 'journals-artifact': 'invoices-journals', ...given })}
    secrets:
      tokens: \${{ secrets.INSTALLATION_TOKENS }}
      tokens-key: \${{ secrets.TOKENS_KEY }}
`

const daysAgo = (days: number) => day(-days).slice(0, 10)

/** Starts a server on which the invoices of each installation have a state, by default `paid`. */
async function serverWith(states: Record<string, string>) {
  const server = await startServer({
    faults: ({ method, path }) => {
      const [, , , installation = '', , , invoiceId] = path.split('/')
      const state = states[installation] ?? 'paid'
      const body = { invoiceId, state, total: '3.75', invoiceDate: day(-20), period: {}, items: [] }
      return method === 'GET' ? { type: 'replace', body } : undefined
    },
  })
  const github = newRepository()
  /** Adds a run of some days ago to the repository that billed one invoice for each of some installations. */
  async function billed(days: number, installations: readonly string[], workflow = 'invoices.yml'): Promise<number> {
    const id = 1 + github.runs.length
    const artifacts = scratch()
    const make = (installation: string, line: string) => bills(installation, `${line} of run ${id}`)
    writeFiles(artifacts, { 'batch.ndjson': ndjson(records(make, installations.length, installations)) })
    const journal = join(artifacts, 'invoices-journals', 'shard-1-of-1-attempt-1.ndjson')
    const files = { 'batch-file': 'batch.ndjson', 'journal-file': journal, tokens: secrets.INSTALLATION_TOKENS }
    if (installations.length > 0) {
      await runStepInProcess({
        workspace: artifacts,
        with: { operation: 'submitInvoice', 'api-url': server.url, ...files },
      })
    }
    const run = { id, workflow, branch: 'main', created: daysAgo(days), conclusion: 'failure', attempt: 1 }
    github.runs.push({ ...run, artifacts, uploads: new Map(), jobs: new Map(), approvals: [] })
    return id
  }
  return {
    billed,
    github,
    follow: (given = {}, isProcess = false) => follow(github, { 'api-url': server.url, ...given }, isProcess),
  }
}

async function follow(github: Repository, given: Record<string, string | number>, isProcess: boolean) {
  const setting = { repository: {}, secrets, github, workflow: 'follow-up.yml', isProcess: () => isProcess }
  const run = await runWorkflow(call(given), setting)
  const { status, outputs = {}, log = '', steps: [step] = [] } = run.jobs.get('follow/0') ?? {}
  return { run, status, outputs, log, errors: step?.errors ?? [] }
}

const [one = '', two = '', three = ''] = among

test('the invoices of all runs in the time are followed, also of runs that failed, and overdue ones fail', async () => {
  const { billed, follow } = await serverWith({ [two]: 'overdue' })
  await billed(70, [three])
  await billed(40, [one])
  await billed(20, [])
  await billed(10, [two, three])
  await billed(5, [one], 'other.yml')
  const { run, status, outputs, errors } = await follow({}, true)
  expect(status).toBe('failure')
  expect(errors.join()).toContain('overdue')
  expect(outputs).toMatchObject({ status: 'attention', total: '3', paid: '2', unpaid: '1', amount: '11.25' })
  expect(JSON.parse(outputs.result ?? '')).toMatchObject({ overdue: { count: 1, amount: '3.75' } })
  const report = readFileSync(join(run.artifacts, 'invoices-journals-follow-up', 'invoices.csv'), 'utf8')
  expect(report.match(/overdue/g)).toHaveLength(1)
})

test('with an empty fail-on they are a warning; the runs can be named', async () => {
  const { billed, follow } = await serverWith({ [two]: 'overdue' })
  const first = await billed(0, [one])
  const second = await billed(90, [two])
  await billed(0, [two, three])
  const { status, outputs, log } = await follow({ 'fail-on': '', 'run-ids': `${first} ${second}` })
  expect(status).toBe('success')
  expect(outputs).toMatchObject({ status: 'attention', total: '2' })
  expect(log).toContain('::warning::Some invoices need attention; 1 of 2 are notpaid or overdue.')
  const settled = await follow({ 'fail-on': '', 'run-ids': String(first) })
  expect(settled).toMatchObject({ status: 'success', log: '', outputs: { status: 'settled', paid: '1' } })
})

test('nothing to follow is a failure, and so is a named run without journals', async () => {
  const { billed, follow, github } = await serverWith({})
  const id = await billed(0, [])
  const nothing = await follow()
  expect(nothing.log).toContain('::error::No run of invoices.yml since')
  expect(nothing.outputs).toMatchObject({ status: 'failed', total: '' })
  expect((await follow({ 'run-ids': String(id) })).status).toBe('failure')
  expect(github.runs).toHaveLength(3)
  expect(github.runs.every(({ artifacts }) => !existsSync(join(artifacts, 'invoices-journals-follow-up')))).toBe(true)
})
