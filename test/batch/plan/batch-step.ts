// Runs batch steps with main() against a server that counts.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { main } from '../../../src/main.ts'
import { systemClock } from '../../../src/runtime.ts'
import { type SandboxServer, type ServerOptions, startSandboxServer } from '../../../src/sandbox/server.ts'
import { invoice as exampleInvoice, item } from '../../e2e/invoices.ts'
import { type TestRunner, testRuntime } from '../../test-runner.ts'
import { newFolder } from '../files.ts'

const { externalId: _, ...bill } = exampleInvoice

/** An invoice of an installation. Its only item costs `total`. */
export const billOf = (installation: string, total: string, change: object = {}) => ({
  ...bill,
  integrationConfigurationId: installation,
  items: [{ ...item, price: total, quantity: 1, total }],
  ...change,
})

export const linesOf = (records: readonly object[]) => records.map((record) => `${JSON.stringify(record)}\n`).join('')

export interface BatchScene {
  readonly server: SandboxServer
  readonly folder: string
  /** Runs a step. The records are written to the batch file; a text is written as it is. */
  readonly run: (
    records: readonly object[] | string,
    inputs?: Readonly<Record<string, string>>,
  ) => Promise<TestRunner & { readonly code: number }>
  /** The text of the job summaries of all steps so far, without tags. */
  readonly summary: () => string
}

export async function batchScene(options: ServerOptions = {}): Promise<BatchScene> {
  const server = await startSandboxServer(options)
  onTestFinished(server.close)
  const folder = newFolder()
  const summaryFile = join(newFolder(), 'summary')
  writeFileSync(summaryFile, '')
  const run: BatchScene['run'] = async (records, inputs = {}) => {
    writeFileSync(join(folder, 'batch.ndjson'), typeof records === 'string' ? records : linesOf(records))
    const runtime = testRuntime(
      {
        operation: 'submitInvoice',
        token: 'vct-installation-token',
        'api-url': server.url,
        'batch-file': 'batch.ndjson',
        ...inputs,
      },
      {
        folder,
        env: { RUNNER_TEMP: folder, GITHUB_STEP_SUMMARY: summaryFile },
        clock: { ...systemClock, sleep: async () => {} },
      },
    )
    return { code: await main(runtime), ...runtime.runner }
  }
  const summary = () =>
    readFileSync(summaryFile, 'utf8')
      .replace(/<[^>]*>/g, ' ')
      .replaceAll('\u200b', '')
      .replaceAll('&quot;', '"')
      .replace(/\s+/g, ' ')
  return { server, folder, run, summary }
}
