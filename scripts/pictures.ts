// Renders job summaries as GitHub displays them in light and dark, for review and for the documentation:
// `npm run pictures -- FOLDER`, with the names of pictures after it to take only these. It needs Chromium, and installs
// GitHub's style sheet and Mermaid in a temporary folder, because nothing else uses them.

import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import MarkdownIt from 'markdown-it'
import { AttentionList } from '../src/batch/tracking/attention-list.ts'
import { InvoiceTally } from '../src/batch/tracking/invoice-tally.ts'
import { trackingReport } from '../src/batch/tracking/tracking-report.ts'
import { renderTracking } from '../src/report/summary/tracking.ts'

const root = join(import.meta.dirname, '..')
const [folder = 'pictures', ...wanted] = process.argv.slice(2)
const target = resolve(folder)
const chromium = process.env.CHROMIUM ?? 'chromium'
const tools = ['github-markdown-css@5.9.0', 'mermaid@12.3.0']
const widthPx = 860
const temp = mkdtempSync(join(tmpdir(), 'pictures-'))

/** Runs a step in the sandbox. @returns its job summary, also if the step fails */
function summaryOf(inputs: Record<string, string>, env: Record<string, string> = {}): string {
  const files = { GITHUB_OUTPUT: join(temp, 'output'), GITHUB_STEP_SUMMARY: join(temp, 'summary') }
  for (const file of Object.values(files)) writeFileSync(file, '')
  const all = { 'api-url': 'sandbox', token: 'any-text', 'installation-id': 'icfg_3bwCLgxL8qt5kjRLcv2Dit7F', ...inputs }
  const given = Object.entries(all).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value])
  try {
    execFileSync(process.execPath, [join(root, 'dist/index.js')], {
      stdio: 'ignore',
      env: {
        ...files,
        GITHUB_WORKSPACE: temp,
        RUNNER_TEMP: temp,
        GITHUB_REPOSITORY: 'acme/shop',
        ...Object.fromEntries(given),
        ...env,
      },
    })
  } catch {
    // A step that fails writes a summary too, and some pictures show one.
  }
  return readFileSync(files.GITHUB_STEP_SUMMARY, 'utf8')
}

/** The invoices of a month, one per installation. `isWanted` gets the index of an invoice. */
function batch(count: number, isWanted: (index: number) => boolean = () => true): string {
  const records = Array.from({ length: count }, (_, index) => {
    const total = `${(index % 90) + 10}.00`
    const item = { billingPlanId: 'pro', name: 'Pro plan', price: total, quantity: 1, units: 'month', total }
    const period = { start: '2026-10-01T00:00:00Z', end: '2026-11-01T00:00:00Z' }
    const integrationConfigurationId = `icfg_${String(index).padStart(4, '0')}`
    const externalId = `october-${index}`
    return { integrationConfigurationId, externalId, invoiceDate: period.end, period, items: [item] }
  })
  return records
    .filter((_, index) => isWanted(index))
    .map((record) => `${JSON.stringify(record)}\n`)
    .join('')
}

/** The summary of a batch of which two percent was submitted before. */
function batchSummary(): string {
  const inputs = { operation: 'submitInvoice', 'installation-id': '' }
  writeFileSync(
    join(temp, 'earlier.ndjson'),
    batch(400, (index) => index % 50 === 49),
  )
  summaryOf({ ...inputs, 'batch-file': 'earlier.ndjson' })
  writeFileSync(join(temp, 'b.ndjson'), batch(400))
  return summaryOf({ ...inputs, 'batch-file': 'b.ndjson', summary: 'true' })
}

/** The summary of the invoices of a month, some weeks later. In the sandbox only test invoices are not paid. */
function trackingSummary(): string {
  const tally = new InvoiceTally()
  const attention = new AttentionList()
  const now = new Date('2026-11-20T06:15:00Z')
  for (let index = 0; index < 2983; index++) {
    const status =
      index % 997 === 0
        ? 'overdue'
        : index % 600 === 7
          ? 'notpaid'
          : index % 1400 === 30
            ? 'refunded'
            : index % 61 === 0
              ? 'invoiced'
              : index === 1200
                ? 'unreadable'
                : index === 2016
                  ? 'unknown'
                  : 'paid'
    const date = status === 'notpaid' ? '2026-11-08' : '2026-11-01'
    const row = {
      line: index + 1,
      id: String(index),
      installation: `icfg_3bwCLgxL8qt5kjRL${String(index).padStart(4, '0')}`,
      externalId: `october-${index}`,
      status,
      amount: `${(index % 90) + 10}.00`,
      invoiceDate: `${date}T00:00:00Z`,
      ...(status !== 'unknown' && { invoiceId: `inv_${index}c1f0`, invoiceNumber: `2026-${4000 + index}` }),
      ...(status === 'refunded' && { refunded: '12.00' }),
      ...(status === 'unreadable' && {
        message: 'Vercel refused getInvoice with 410 gone: The installation has been deleted',
      }),
      ...(status === 'unknown' && { message: 'The response was lost. Run the batch again with this journal' }),
    }
    tally.add(row)
    attention.update(index, row)
  }
  const found = { tally, attention, now, hasAnswers: true, failure: undefined }
  const report = trackingReport({ ...found, journals: 4, withoutInvoice: 17, warnings: [] })
  const failure = '1 of 2,983 invoices could not be read. Fix what the annotations and the summary report'
  return renderTracking({ ...report, sandbox: false, failure, warnings: [] })
}

/** The invoices of one month for the plan, which compares them with those of the month before. */
const planned = (month: string, amountOf: (index: number) => number | undefined): string =>
  Array.from({ length: 300 }, (_, index) => {
    const amount = amountOf(index)
    if (amount === undefined) return ''
    const total = amount.toFixed(2)
    const item = { billingPlanId: 'pro', name: 'Pro plan', price: total, quantity: 1, units: 'month', total }
    const period = { start: '2026-10-01T00:00:00Z', end: '2026-11-01T00:00:00Z' }
    const integrationConfigurationId = `icfg_3bwCLgxL8qt5kjRL${String(index).padStart(4, '0')}`
    return `${JSON.stringify({ integrationConfigurationId, externalId: `${month}-${index}`, invoiceDate: period.end, period, items: [item] })}\n`
  }).join('')

/** The summary of a plan that is compared with the month before. */
function planSummary(inputs: Record<string, string> = {}): string {
  const base = { operation: 'submitInvoice', 'installation-id': '' }
  const usual = (index: number) => 10 + ((index * 37) % 400)
  writeFileSync(
    join(temp, 'october.ndjson'),
    planned('october', (index) => (index % 37 === 1 ? undefined : usual(index))),
  )
  if (!existsSync(join(temp, 'october.journal.ndjson'))) {
    summaryOf({ ...base, 'batch-file': 'october.ndjson', 'journal-file': 'october.journal.ndjson' })
  }
  const changed = (index: number) => {
    if (index === 120) return 12_000
    if (index % 75 === 3) return undefined
    if (index % 41 === 0) return usual(index) * 2.75
    if (index % 53 === 0) return usual(index) * 0.4
    return index === 200 ? 0.4 : usual(index) + (index % 3)
  }
  writeFileSync(join(temp, 'november.ndjson'), planned('november', changed))
  const comparison = { 'compare-with': 'october.journal.ndjson', 'report-file': 'plan.csv' }
  return summaryOf({ ...base, 'batch-file': 'november.ndjson', 'dry-run': 'true', ...comparison, ...inputs })
}

/** An HTML page that displays a job summary as GitHub does. */
function pageOf(summary: string, theme: 'light' | 'dark'): string {
  const markdown = new MarkdownIt({ html: true, linkify: true })
  const fence = markdown.renderer.rules.fence
  markdown.renderer.rules.fence = (tokens, index, ...rest) => {
    const token = tokens[index]
    if (token?.info.trim() === 'mermaid')
      return `<pre class="mermaid">${markdown.utils.escapeHtml(token.content)}</pre>`
    return fence?.(tokens, index, ...rest) ?? ''
  }
  const urlOf = (path: string) => pathToFileURL(join(temp, 'node_modules', path)).href
  return `<!doctype html><meta charset="utf-8">
<link rel="stylesheet" href="${urlOf(`github-markdown-css/github-markdown-${theme}.css`)}">
<style>body { margin: 0; background: ${theme === 'dark' ? '#0d1117' : '#fff'} } .markdown-body { padding: 24px; font-size: 14px }</style>
<article class="markdown-body">${markdown.render(summary)}</article>
<script src="${urlOf('mermaid/dist/mermaid.min.js')}"></script>
<script>mermaid.initialize({ startOnLoad: true })</script>`
}

/** Runs Chromium with a page. @returns what it prints */
function chromiumOn(page: string, options: readonly string[]): string {
  const html = join(temp, 'page.html')
  writeFileSync(html, page)
  const common = ['--headless', '--no-sandbox', '--disable-gpu', '--hide-scrollbars', '--virtual-time-budget=5000']
  const args = [...common, '--allow-file-access-from-files', ...options, pathToFileURL(html).href]
  return execFileSync(chromium, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
}

/** The height of a page, in pixels. */
function heightOf(page: string): string {
  const measure = `<script>setInterval(() => { document.body.dataset.height = document.querySelector('article').offsetHeight }, 50)</script>`
  const [, height = '1000'] =
    /data-height="(\d+)"/.exec(chromiumOn(page + measure, ['--dump-dom', `--window-size=${widthPx},1000`])) ?? []
  return height
}

try {
  execFileSync('npm', ['install', '--silent', '--no-audit', '--no-fund', '--prefix', temp, ...tools])
  const invoice = readFileSync(join(root, 'examples/invoice.json'), 'utf8')
  writeFileSync(join(temp, 'invoice.json'), invoice)
  const secrets = JSON.stringify({
    partial: false,
    secrets: [
      { name: 'DATABASE_URL', value: { $env: 'A' }, environmentOverrides: { preview: { $env: 'A' } } },
      { name: 'REDIS_URL', value: { $env: 'A' } },
    ],
  })
  const pictures: Record<string, () => string> = {
    invoice: () => summaryOf({ operation: 'submitInvoice', 'payload-file': 'invoice.json' }),
    refused: () =>
      summaryOf({
        operation: 'submitInvoice',
        payload: invoice.replace('"0.25"', '0.25').replace('memo', 'mem'),
      }),
    batch: batchSummary,
    plan: () => planSummary(),
    'plan-refused': () => planSummary({ 'max-amount': '5000', 'max-change': '20' }),
    secrets: () =>
      summaryOf(
        { operation: 'updateResourceSecretsById', 'resource-id': 'db-1', payload: secrets, 'dry-run': 'true' },
        { A: 'a-value' },
      ),
    tracking: trackingSummary,
    rotation: () =>
      summaryOf({
        operation: 'rotateInstallationCredential',
        payload: '{"clientSecret": "client-secret"}',
        'store-secret': 'INSTALLATION_TOKEN',
        'github-token': 'github-token',
        'revoke-previous': 'true',
      }),
  }
  mkdirSync(target, { recursive: true })
  for (const [name, summaryText] of Object.entries(pictures)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue
    const summary = summaryText()
    const height = heightOf(pageOf(summary, 'light'))
    for (const theme of ['light', 'dark'] as const) {
      const path = join(target, theme === 'light' ? `${name}.png` : `${name}-dark.png`)
      chromiumOn(pageOf(summary, theme), [`--screenshot=${path}`, `--window-size=${widthPx},${height}`])
      console.log(path)
    }
  }
} finally {
  rmSync(temp, { recursive: true, force: true })
}
