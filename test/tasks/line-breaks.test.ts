// A checkout on Windows may have CRLF in place of LF: the key and the digest of an invoice are the same, and what a file of
// a reference contains is sent as it is.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { stringify } from 'yaml'
import { main } from '../../src/main.ts'
import { systemClock } from '../../src/runtime.ts'
import { newFolder } from '../batch/files.ts'
import { folderOnDisk } from '../folder-in-memory.ts'
import { testRuntime } from '../test-runner.ts'

const invoice = {
  integrationConfigurationId: 'icfg_1',
  invoiceDate: '2025-03-31T00:00:00Z',
  memo: 'two\nlines\n',
  period: { start: '2025-03-01T00:00:00Z', end: '2025-04-01T00:00:00Z' },
  items: [
    { billingPlanId: 'pro', name: 'Storage', price: '1.50', quantity: 2, units: 'GB', total: '3.00' },
    { billingPlanId: 'pro', name: 'Compute', price: '1.00', quantity: 1, units: 'h', total: '1.00' },
  ],
}

const crlf = (text: string) => text.replaceAll('\n', '\r\n')

/** Checks a submitInvoice. @returns what identifies it, and the workspace */
async function plan(inputs: Readonly<Record<string, string>>, files: Readonly<Record<string, string>> = {}) {
  const workspace = newFolder(folderOnDisk)
  for (const [path, content] of Object.entries(files)) writeFileSync(join(workspace, path), content)
  const env = { GITHUB_WORKSPACE: workspace, RUNNER_TEMP: workspace }
  const clock = { ...systemClock, now: () => new Date('2025-03-31T12:00:00Z') }
  const given = { operation: 'submitInvoice', token: 'token-of-icfg-1', 'api-url': 'sandbox', 'dry-run': 'true' }
  const runtime = testRuntime({ ...given, ...inputs }, { env, clock })
  await main(runtime)
  const { outputs, lines, errors, warnings } = runtime.runner
  expect(errors).toEqual([])
  const key = /auto-[0-9a-f]{32}/.exec(lines.join('\n'))?.[0]
  return { digest: outputs.digest, key, warnings, workspace }
}

const identityOf = ({ digest, key }: Awaited<ReturnType<typeof plan>>) => ({ digest, key })

test.each([
  ['JSON', 'p.json', JSON.stringify(invoice, null, 2)],
  ['YAML with block texts', 'p.yaml', stringify(invoice)],
  ['YAML with a folded text', 'p.yaml', `${stringify({ ...invoice, memo: undefined })}memo: >\n  a\n  b\n\n  c\n`],
  ['YAML with quoted texts', 'p.yaml', `${stringify({ ...invoice, memo: undefined })}memo: "a\n  b\n\n  c"\n`],
])('a payload in %s has one key and one digest, with LF and CRLF', async (_, path, text) => {
  expect(text.split('\n').length).toBeGreaterThan(10)
  const plans = [
    await plan({ payload: text }),
    await plan({ payload: crlf(text) }),
    await plan({ 'payload-file': path }, { [path]: text }),
    await plan({ 'payload-file': path }, { [path]: crlf(text) }),
  ]
  const [first, ...others] = plans.map(identityOf)
  expect(first).toEqual({ digest: expect.stringMatching(/^sha256:/), key: expect.stringMatching(/^auto-/) })
  for (const other of others) expect(other).toEqual(first)
})

test('a batch has one digest and the same keys, with LF and CRLF', async () => {
  const text = ['1', '2'].map((id) => `${JSON.stringify({ ...invoice, memo: id })}\n`).join('')
  const plans = await Promise.all(
    [text, crlf(text)].map(async (content) => {
      const inputs = { 'batch-file': 'b.ndjson', 'report-file': 'plan.ndjson' }
      const { digest, workspace } = await plan(inputs, { 'b.ndjson': content })
      const rows = readFileSync(join(workspace, 'plan.ndjson'), 'utf8').trim().split('\n')
      return { digest, keys: rows.map((row) => JSON.parse(row).externalId) }
    }),
  )
  expect(plans[0]).toEqual({
    digest: expect.stringMatching(/^sha256:/),
    keys: [expect.stringMatching(/^auto-/), expect.stringMatching(/^auto-/)],
  })
  expect(plans[1]).toEqual(plans[0])
})

test('a file of a reference is content: with CRLF it has another key, and a warning that says so', async () => {
  const payload = JSON.stringify({ ...invoice, memo: { $file: 'memo.txt' } })
  const unix = await plan({ payload }, { 'memo.txt': 'two\nlines\n' })
  const windows = await plan({ payload }, { 'memo.txt': 'two\r\nlines\r\n' })
  expect(unix.key).toMatch(/^auto-/)
  expect(windows.key).toMatch(/^auto-/)
  expect(windows.key).not.toBe(unix.key)
  expect(unix.warnings).toEqual([])
  expect(windows.warnings).toEqual([
    expect.stringMatching(
      /^memo comes from "memo.txt", which has CRLF: .* an invoice can be billed twice. Save it with LF/,
    ),
  ])
})
