// One step, as the runner starts it, beside what else makes the same POST.

import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { invoice } from './invoice.ts'
import { answerInvoices } from './listen.ts'
import { inTurn, type Program } from './processes.ts'
import { spreadOf, type Table } from './report.ts'

const root = join(import.meta.dirname, '..')
const json = JSON.stringify(invoice)
const yaml = `externalId: bench-1
invoiceDate: ${invoice.invoiceDate}
period: { start: '${invoice.period.start}', end: '${invoice.period.end}' }
items:
  - { billingPlanId: pro, name: Storage, price: '1.50', quantity: 2.5, units: GB, total: '3.75' }
`

/** @param rounds  how often each is run, in turn */
export async function measureStep(rounds = 31): Promise<Table> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-'))
  const server = await answerInvoices()
  const path = `${server.url}/v1/installations/icfg_bench/billing/invoices`
  const headers = ['authorization: Bearer bench-token', 'content-type: application/json']

  const files = { GITHUB_OUTPUT: join(folder, 'output'), GITHUB_STEP_SUMMARY: join(folder, 'summary') }
  const env = {
    ...files,
    GITHUB_WORKSPACE: folder,
    INPUT_OPERATION: 'submitInvoice',
    INPUT_PAYLOAD: json,
    INPUT_TOKEN: 'bench-token',
    'INPUT_API-URL': server.url,
    'INPUT_INSTALLATION-ID': 'icfg_bench',
  }
  // What a job's steps write goes on growing, and is no part of a step.
  const prepare = () => {
    for (const file of Object.values(files)) writeFileSync(file, '')
  }
  const node = (name: string, script: string, inputs: Record<string, string> = {}): Program => ({
    name,
    args: [script],
    env: { ...env, ...inputs },
    prepare,
  })
  const action = join(root, 'dist/index.js')
  try {
    const programs: Program[] = [
      { name: 'Node and fetch', args: [join(import.meta.dirname, 'floor.mjs'), path, json], env: {} },
      node('this action, JSON', action),
      node('this action, YAML', action, { INPUT_PAYLOAD: yaml }),
      node('this action, dry run', action, { 'INPUT_DRY-RUN': 'true' }),
      {
        ...node('this action, a payload that is refused', action, { INPUT_PAYLOAD: json.replace('"3.75"', '3.75') }),
        exitCode: 1,
      },
      {
        name: 'curl',
        command: 'curl',
        args: ['-sSf', ...headers.flatMap((header) => ['-H', header]), '-d', json, path],
        env: {},
      },
      { ...node('the SDK, installed', join(import.meta.dirname, 'naive.mjs')), rounds: 5 },
      { ...node('the SDK, bundled whole', await bundle(join(import.meta.dirname, 'naive.mjs'), folder)), rounds: 5 },
    ]
    const runs = await inTurn(programs, rounds)
    return {
      title: 'A step',
      method: `submitInvoice to a server on the same machine that answers at once, from the start of the process to its end; the middle of ${rounds} runs in turn, of 5 for the SDK as a whole.`,
      columns: [
        { title: 'wall', unit: 'ms', digits: 1, isRatio: true },
        { title: 'peak memory', unit: 'MiB', digits: 1, isRatio: true },
      ],
      rows: programs.map(({ name, command }) => {
        const measured = runs.get(name) ?? []
        const wall = spreadOf(measured.map((one) => one.wall))
        return { name, cells: [wall, command ? undefined : spreadOf(measured.map(({ memory }) => memory ?? 0))] }
      }),
    }
  } finally {
    server.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

/**
 * Bundles a script as ncc does by default, in a process of its own: the memory of this one would count as theirs.
 *
 * @returns the path of the bundle
 */
async function bundle(script: string, folder: string): Promise<string> {
  const target = join(folder, 'naive')
  await promisify(execFile)(join(root, 'node_modules/.bin/ncc'), ['build', script, '--out', target])
  return join(target, 'index.mjs')
}
