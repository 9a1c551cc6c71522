// Measures one step, as the runner starts it, and compares it with other programs that make the same request.

import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { invoice } from './invoice.ts'
import { startInvoiceServer } from './loopback-server.ts'
import { type Program, runAlternately } from './processes.ts'
import { spreadOf, type Table } from './report.ts'

const root = join(import.meta.dirname, '..')
const json = JSON.stringify(invoice)
const yaml = `externalId: bench-1
invoiceDate: ${invoice.invoiceDate}
period: { start: '${invoice.period.start}', end: '${invoice.period.end}' }
items:
  - { billingPlanId: pro, name: Storage, price: '1.50', quantity: 2.5, units: GB, total: '3.75' }
`

/** @param rounds  the number of runs of each program */
export async function measureStep(rounds = 31): Promise<Table> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-'))
  const server = await startInvoiceServer()
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
  // The files would grow with each run, which would change what is measured.
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
      { name: 'Node and fetch', args: [join(import.meta.dirname, 'bare-fetch.mjs'), path, json], env: {} },
      node('this action, JSON', action),
      node('this action, YAML', action, { INPUT_PAYLOAD: yaml }),
      node('this action, dry run', action, { 'INPUT_DRY-RUN': 'true' }),
      {
        ...node('this action, an invalid payload', action, { INPUT_PAYLOAD: json.replace('"3.75"', '3.75') }),
        exitCode: 1,
      },
      {
        name: 'curl',
        command: 'curl',
        args: ['-sSf', ...headers.flatMap((header) => ['-H', header]), '-d', json, path],
        env: {},
      },
      { ...node('the SDK, installed', join(import.meta.dirname, 'sdk-class.mjs')), rounds: 5 },
      { ...node('the SDK, bundled', await bundle(join(import.meta.dirname, 'sdk-class.mjs'), folder)), rounds: 5 },
    ]
    const runs = await runAlternately(programs, rounds)
    return {
      title: 'A step',
      method: `submitInvoice to a server on the same machine that responds at once, from the start of the process to its exit; the median of ${rounds} alternating runs, of 5 for the SDK.`,
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
 * Bundles a script with ncc's defaults. ncc runs in a process of its own, so that its memory does not count as that of
 * the programs that are measured.
 *
 * @returns the path of the bundle
 */
async function bundle(script: string, folder: string): Promise<string> {
  const target = join(folder, 'bundle')
  await promisify(execFile)(join(root, 'node_modules/.bin/ncc'), ['build', script, '--out', target])
  return join(target, 'index.mjs')
}
