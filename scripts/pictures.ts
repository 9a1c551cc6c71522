// Renders job summaries as GitHub displays them, for review and for the documentation: `npm run pictures -- FOLDER`. It
// needs Chromium, and installs GitHub's style sheet and Mermaid in a temporary folder, because nothing else uses them.

import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import MarkdownIt from 'markdown-it'
import { AttentionList } from '../src/batch/tracking/attention-list.ts'
import { InvoiceTally } from '../src/batch/tracking/invoice-tally.ts'
import { trackingReport } from '../src/batch/tracking/tracking-report.ts'
import { renderTracking } from '../src/report/summary/tracking.ts'

const root = join(import.meta.dirname, '..')
const target = resolve(process.argv[2] ?? 'pictures')
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

/** A batch file with the invoices of a month. Two percent repeat the `externalId` of another one, and are rejected. */
function batch(count: number): string {
  const records = Array.from({ length: count }, (_, index) => {
    const total = `${(index % 90) + 10}.00`
    const item = { billingPlanId: 'pro', name: 'Pro plan', price: total, quantity: 1, units: 'month', total }
    const period = { start: '2026-10-01T00:00:00Z', end: '2026-11-01T00:00:00Z' }
    const externalId = `october-${index % 50 === 49 ? index - 49 : index}`
    const integrationConfigurationId = `icfg_${String(index % 50 === 49 ? index - 49 : index).padStart(4, '0')}`
    return { integrationConfigurationId, externalId, invoiceDate: period.end, period, items: [item] }
  })
  return records.map((record) => `${JSON.stringify(record)}\n`).join('')
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

/** An HTML page that displays a job summary as GitHub does. */
function pageOf(summary: string): string {
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
<link rel="stylesheet" href="${urlOf('github-markdown-css/github-markdown-light.css')}">
<style>body { margin: 0; background: #fff } .markdown-body { padding: 24px; font-size: 14px }</style>
<article class="markdown-body">${markdown.render(summary)}</article>
<script src="${urlOf('mermaid/dist/mermaid.min.js')}"></script>
<script>mermaid.initialize({ startOnLoad: true })</script>`
}

try {
  execFileSync('npm', ['install', '--silent', '--no-audit', '--no-fund', '--prefix', temp, ...tools])
  writeFileSync(join(temp, 'b.ndjson'), batch(400))
  const invoice = readFileSync(join(root, 'examples/invoice.json'), 'utf8')
  writeFileSync(join(temp, 'invoice.json'), invoice)
  const secrets = JSON.stringify({
    partial: false,
    secrets: [
      { name: 'DATABASE_URL', value: { $env: 'A' }, environmentOverrides: { preview: { $env: 'A' } } },
      { name: 'REDIS_URL', value: { $env: 'A' } },
    ],
  })
  const pictures: Record<string, [summary: string, height: number]> = {
    invoice: [summaryOf({ operation: 'submitInvoice', 'payload-file': 'invoice.json' }), 520],
    refused: [
      summaryOf({ operation: 'submitInvoice', payload: invoice.replace('"0.25"', '0.25').replace('memo', 'mem') }),
      420,
    ],
    batch: [
      summaryOf({ operation: 'submitInvoice', 'batch-file': 'b.ndjson', 'installation-id': '', summary: 'true' }),
      1500,
    ],
    secrets: [
      summaryOf(
        { operation: 'updateResourceSecretsById', 'resource-id': 'db-1', payload: secrets, 'dry-run': 'true' },
        { A: 'a-value' },
      ),
      360,
    ],
    tracking: [trackingSummary(), 1580],
    rotation: [
      summaryOf({
        operation: 'rotateInstallationCredential',
        payload: '{"clientSecret": "client-secret"}',
        'store-secret': 'INSTALLATION_TOKEN',
        'github-token': 'github-token',
        'revoke-previous': 'true',
      }),
      300,
    ],
  }
  mkdirSync(target, { recursive: true })
  for (const [name, [summary, height]] of Object.entries(pictures)) {
    const html = join(temp, `${name}.html`)
    writeFileSync(html, pageOf(summary))
    execFileSync(
      chromium,
      [
        ...['--headless', '--no-sandbox', '--disable-gpu', '--hide-scrollbars', '--virtual-time-budget=5000'],
        ...['--allow-file-access-from-files', `--window-size=${widthPx},${height}`],
        `--screenshot=${join(target, `${name}.png`)}`,
        pathToFileURL(html).href,
      ],
      { stdio: 'ignore' },
    )
    console.log(join(target, `${name}.png`))
  }
} finally {
  rmSync(temp, { recursive: true, force: true })
}
