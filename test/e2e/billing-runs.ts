// Runs of billing.yml, as a workflow calls it that uploads the batch.

import type { SandboxServer } from '../../src/sandbox/server.ts'
import { runWorkflow, type Setting } from '../workflows/runner.ts'
import { bills, installations, ndjson, records } from './batches.ts'

/** The installations that are billed, one invoice each. */
export const among = installations(8)
export const invoices = ndjson(records(bills, 8, among))

/** Inputs of billing.yml. One that is undefined is not given, even if it has a default here. */
export type Given = Record<string, string | number | boolean | undefined>

/** A workflow that uploads `batch.ndjson` as the artifact `invoices`, and `tokens.json.age` as `tokens`, and calls billing.yml. */
const workflow = (given: Given, permissions = '{ actions: read }') => `
on: workflow_dispatch
permissions: {}
jobs:
  records:
    runs-on: ubuntu-latest
    permissions: { contents: read }
    steps:
      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1
      - uses: actions/upload-artifact@bbbca2ddaa5d8feaa63e36b76fdaad77386f024f
        with: { name: invoices, path: batch.ndjson, overwrite: true }
      - uses: actions/upload-artifact@bbbca2ddaa5d8feaa63e36b76fdaad77386f024f
        with: { name: tokens, path: tokens.json.age, overwrite: true, if-no-files-found: ignore }
  bill:
    needs: records
    permissions: ${permissions}
    uses: your-org/vercel-marketplace-action/.github/workflows/billing.yml@v1
    with: ${JSON.stringify({ operation: 'submitInvoice', 'batch-artifact': 'invoices', ...given })}
    secrets:
      tokens: \${{ secrets.INSTALLATION_TOKENS }}
      tokens-key: \${{ secrets.TOKENS_KEY }}
`

/** The tokens of installations, as the action reads them. */
export const tokensOf = (installations: readonly string[], tokenOf = (id: string) => `token-of-${id}`) =>
  JSON.stringify(Object.fromEntries(installations.map((id) => [id, tokenOf(id)])))

export const secrets = { INSTALLATION_TOKENS: tokensOf(among), TOKENS_KEY: '' }

export interface BillingOptions extends Partial<Setting> {
  readonly batch?: string | Buffer
  /** The content of `tokens.json.age`. */
  readonly tokens?: string | Buffer
  readonly permissions?: string
}

/** Bills at a server. */
export const bill = (
  { url }: Pick<SandboxServer, 'url'>,
  given: Given = {},
  { batch = invoices, tokens, permissions, ...setting }: BillingOptions = {},
) =>
  runWorkflow(workflow({ 'api-url': url, ...given }, permissions), {
    repository: { 'batch.ndjson': batch, ...(tokens && { 'tokens.json.age': tokens }) },
    secrets,
    ...setting,
  })
