// The job summary of a batch, or of the journals of its shards.

import type { BatchReport } from '../../batch/journal/tally.ts'
import { latencyClasses } from '../../batch/journal/tally.ts'
import { formatCount, formatDuration, groups } from '../../format.ts'
import { formatMoney } from '../../operations/money.ts'
import { codeTag, definitionTable, type Html, html, sandboxBanner, table } from './html.ts'

/** What the summary of a batch shows. */
export interface BatchSummary extends BatchReport {
  /** The operation of the step, which is `mergeJournals` if journals are merged. */
  readonly name: string
  /** The output `status`. */
  readonly status: string
  readonly sandbox: boolean
  readonly dryRun: boolean
  readonly failure: string | undefined
  /** What the amounts add up to, such as `Invoiced`. */
  readonly amountLabel?: string | undefined
  readonly warnings: readonly string[]
}

const symbols: Record<string, string> = { partial: '⚠️', failed: '❌' }

/**
 * The job summary of a batch.
 *
 * @returns HTML, and charts as Mermaid
 */
export function renderBatch(summary: BatchSummary): string {
  const { name, status, failure, tally, warnings, total, skipped } = summary
  const left = total - skipped - tally.succeeded - tally.failed
  const page = html`
    <h3>${symbols[status] ?? '✅'} ${name}: ${status}</h3>
    ${batchBanner(summary)}
    ${failure && html`<p>${failure.split(/(?<=[.;:]) /).map((sentence) => html`${sentence} `)}</p>`}
    ${counts(summary, left)}
    ${failuresTable(summary)}
    ${slowest(summary)}
    ${warnings.length > 0 ? html`<ul>${warnings.slice(0, 10).map((text) => html`<li>⚠️ ${text}</li>`)}${warnings.length > 10 ? html`<li>and ${warnings.length - 10} more</li>` : undefined}</ul>` : undefined}`
  const charts = summary.dryRun ? [] : [outcomes(summary, left), latency(summary)]
  return [page.markup, ...charts.filter((chart) => chart !== undefined), ''].join('\n\n')
}

function batchBanner({ dryRun, sandbox }: BatchSummary): Html | undefined {
  if (dryRun) return html`<p>A dry run: every record was checked, and nothing was sent.</p>`
  return sandbox ? sandboxBanner : undefined
}

function counts(
  { amountLabel, path, operation, name, total, skipped, tally, journalFile, ms }: BatchSummary,
  left: number,
): Html {
  const sent = tally.succeeded + tally.failed
  return definitionTable({
    Operation: operation === name ? undefined : codeTag(operation),
    Batch: codeTag(path),
    Records: formatCount(total),
    Succeeded: formatCount(tally.succeeded),
    'of them duplicates': some(tally.duplicates),
    Failed: some(tally.failed),
    'of them unknown': some(tally.unknown),
    'Done before': some(skipped),
    'Not started': some(left),
    Retries: some(tally.retries),
    [amountLabel ?? 'Amount']: tally.hasAmount
      ? html`<b>${groupedMoney(tally.amount)}</b> (currencies not distinguished)`
      : undefined,
    Time:
      ms === undefined || sent === 0
        ? undefined
        : `${formatDuration(ms)}, ${formatCount(Math.round((sent * 1000) / Math.max(1, ms)))}/s`,
    Journal: journalFile === undefined ? undefined : codeTag(journalFile),
  })
}

const some = (count: number) => (count > 0 ? formatCount(count) : undefined)

const groupedMoney = (amount: BatchReport['tally']['amount']): string => {
  const [whole = '', fraction = ''] = formatMoney(amount).split('.')
  return `${groups(whole)}.${fraction}`
}

function failuresTable({ tally }: BatchSummary): Html | undefined {
  if (tally.failed === 0) return undefined
  const rows = tally.failures.map(({ line, installation, code: reason, message, event }) => [
    formatCount(line),
    codeTag(installation),
    event === 'unknown' ? html`<b>unknown</b>` : (reason ?? ''),
    message ?? '',
  ])
  const more = tally.failed - tally.failures.length
  return html`<h4>Failed</h4>
    ${table(['Line>', 'Installation', 'Code', 'Message'], rows)}
    ${more > 0 ? html`<p>and ${formatCount(more)} more, see the journal</p>` : undefined}`
}

function slowest({ tally }: BatchSummary): Html | undefined {
  if (tally.slowest.length === 0) return undefined
  const rows = tally.slowest.map(({ line, installation, ms }) => [
    formatCount(line),
    codeTag(installation),
    formatDuration(ms),
  ])
  return html`<details><summary>Slowest</summary>${table(['Line>', 'Installation', 'Time>'], rows)}</details>`
}

const mermaid = (...lines: string[]) => ['```mermaid', ...lines, '```'].join('\n')

function outcomes({ tally, skipped }: BatchSummary, left: number): string | undefined {
  const slices: [string, number][] = [
    ['succeeded', tally.succeeded - tally.duplicates],
    ['duplicate', tally.duplicates],
    ['done before', skipped],
    ['failed', tally.failed - tally.unknown],
    ['unknown', tally.unknown],
    ['not started', left],
  ]
  const shown = slices.filter(([, count]) => count > 0)
  // A chart of one slice is useless.
  if (shown.length < 2) return undefined
  return mermaid('pie showData', '  title Outcomes', ...shown.map(([name, count]) => `  "${name}" : ${count}`))
}

function latency({ tally }: BatchSummary): string | undefined {
  const last = tally.latency.findLastIndex((count) => count > 0)
  const first = tally.latency.findIndex((count) => count > 0)
  if (last - first < 1) return undefined
  const names = latencyClasses.map((end, index) =>
    Number.isFinite(end) ? `"≤ ${formatDuration(end)}"` : `"> ${formatDuration(latencyClasses[index - 1] ?? 0)}"`,
  )
  return mermaid(
    'xychart-beta',
    '  title "Time per record"',
    `  x-axis [${names.slice(first, last + 1).join(', ')}]`,
    '  y-axis "records"',
    `  bar [${tally.latency.slice(first, last + 1).join(', ')}]`,
  )
}
