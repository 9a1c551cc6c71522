// The job summary of a batch, or of the journals of its shards: how much was sent, what went wrong and how to fix it, and
// the details.

import Big from 'big.js'
import { firstLinesOf, fixFor } from '../../batch/journal/failure-diagnostics.ts'
import type { FailureGroup } from '../../batch/journal/failure-groups.ts'
import type { Ledger } from '../../batch/journal/ledger.ts'
import type { BatchReport } from '../../batch/journal/tally.ts'
import { countOf, formatCount, groups } from '../../format.ts'
import { formatMoney } from '../../operations/money.ts'
import { batchDetails } from './batch-details.ts'
import { codeTag, type Html, html, prose, sandboxBanner, table, warningList } from './html.ts'
import { outcomeChart } from './outcome-chart.ts'

/** What the summary of a batch shows. Secrets are already removed; all texts are untrusted. */
export interface BatchSummary extends BatchReport {
  /** The operation of the step, which is `mergeJournals` if journals are merged. */
  readonly name: string
  /** The output `status`. */
  readonly status: string
  readonly sandbox: boolean
  readonly dryRun: boolean
  /** Why the batch failed, and what to do. */
  readonly failure: string | undefined
  /** What is wrong in particular, if nothing was sent. */
  readonly problems: readonly string[]
  /** What was done with the amounts, such as `Billed`; undefined if the operation moves no money. */
  readonly amountLabel?: string | undefined
  readonly warnings: readonly string[]
}

const maxListedCauses = 20
const maxListedProblems = 10
/** How much of a cause, and of its fix, is shown: more than their sentences have. */
const maxCauseChars = 600
const symbols: Record<string, string> = { partial: '⚠️', failed: '❌' }

/**
 * The job summary of a batch.
 *
 * @returns HTML, and a chart as Mermaid
 */
export function renderBatch(summary: BatchSummary): string {
  const { status, sandbox, failure, ledger, warnings } = summary
  const left = countLeft(summary)
  const page = html`
    <h3>${symbols[status] ?? '✅'} ${headline(summary)}</h3>
    ${sandbox && sandboxBanner}
    ${ledger && moneyLine(summary, ledger, left)}
    ${failure && html`<p>${prose(failure)}</p>`}
    ${problemList(summary)}
    ${ledger && thisRun(summary, ledger)}
    ${ledger && ledger.failed > 0 && causes(ledger.failures())}
    ${ledger && goneLine(ledger)}
    ${warningList(warnings)}`
  const chart = ledger && outcomeChart(ledger, left)
  const details = ledger && batchDetails(summary, ledger, left)
  return [page.markup, chart, details?.markup, ''].filter((part) => part !== undefined).join('\n\n')
}

/** Records that no run has started. */
const countLeft = ({ total, ledger }: BatchSummary): number => Math.max(0, total - (ledger?.known ?? 0))

/** `submitInvoice: 2,983 of 3,000 sent`. */
function headline({ name, operation, total, dryRun, status, ledger, failure }: BatchSummary): string {
  const title = operation === name ? name : `${name} (${operation})`
  if (dryRun && failure === undefined) return `${title}: ${countOf(total, 'record')} checked, nothing was sent`
  if (!ledger) return `${title}: ${status}`
  const parts = [`${formatCount(ledger.sent)} of ${formatCount(total)} sent`]
  if (ledger.alreadyThere > 0) parts.push(`${formatCount(ledger.alreadyThere)} there already`)
  if (ledger.gone > 0) parts.push(`${formatCount(ledger.gone)} gone`)
  return `${title}: ${parts.join(', ')}`
}

/** `Billed 142,880.15 of 143,201.55.` With journals of earlier versions, the whole is known once all was attempted. */
function moneyLine(
  { amountLabel, plannedAmount }: BatchSummary,
  { billed, attempted, tests }: Ledger,
  left: number,
): Html | undefined {
  if (amountLabel === undefined) return undefined
  const all = plannedAmount === undefined ? left === 0 && attempted : new Big(plannedAmount)
  const whole = all && !all.eq(billed) && html` of ${groupedMoney(all)}`
  const tested = html` Test invoices: ${formatCount(tests.count)}, ${groupedMoney(tests.amount)}, which nobody pays.`
  return html`<p><b>${amountLabel} ${groupedMoney(billed)}${whole}.</b> (currencies not distinguished)${tests.count > 0 && tested}</p>`
}

const groupedMoney = (amount: Big): string => {
  const [whole = '', fraction = ''] = formatMoney(amount).split('.')
  return `${groups(whole)}.${fraction}`
}

/** What of the counts was this run's, if there were others. */
function thisRun({ name, operation, skipped, tally }: BatchSummary, ledger: Ledger): Html | undefined {
  const isMerged = operation !== name
  const isOnlyRun = tally.succeeded + tally.failed + tally.gone === ledger.known
  if (isMerged || isOnlyRun) return undefined
  const parts = [`${formatCount(tally.succeeded)} succeeded`]
  if (tally.failed > 0) parts.push(`${formatCount(tally.failed)} failed`)
  if (tally.gone > 0) parts.push(`${formatCount(tally.gone)} gone`)
  const before = skipped - (ledger.gone - tally.gone)
  if (before > 0) parts.push(`${formatCount(before)} ${before === 1 ? 'was' : 'were'} done before`)
  return html`<p>This run: ${parts.join(', ')}.</p>`
}

function problemList({ problems }: BatchSummary): Html | undefined {
  if (problems.length === 0) return undefined
  const more = problems.length - maxListedProblems
  const items = problems.slice(0, maxListedProblems).map((problem) => html`<li>${prose(problem)}</li>`)
  return html`<ul>${items}${more > 0 && html`<li>and ${formatCount(more)} more</li>`}</ul>`
}

/** Which records are skipped although they were not sent. */
function goneLine({ gone, goneLines }: Ledger): Html | undefined {
  if (gone === 0) return undefined
  const lines = `${gone === 1 ? 'line' : 'lines'} ${firstLinesOf({ lines: goneLines, count: gone })}`
  return html`<p>Vercel has deleted the installation or resource of ${countOf(gone, 'record')} (${lines}), which ${gone === 1 ? 'is' : 'are'} skipped.</p>`
}

function causes(found: readonly FailureGroup[]): Html {
  const rows = found
    .slice(0, maxListedCauses)
    .map((group) => [
      whatWentWrong(group),
      formatCount(group.count),
      firstLinesOf(group),
      prose(fixFor(group), maxCauseChars),
    ])
  const hidden = found.slice(maxListedCauses).reduce((sum, { count }) => sum + count, 0)
  return html`${table(['What went wrong', 'Records>', 'First lines', 'Fix'], rows)}
    ${hidden > 0 && html`<p>and ${countOf(hidden, 'record')} with other causes, which the journal has</p>`}`
}

function whatWentWrong({ event, code, httpStatus, message, installation }: FailureGroup): Html {
  const hasStatus = httpStatus !== undefined && !code.endsWith(`_${httpStatus}`)
  const outcome = event === 'unknown' && code !== 'outcome_unknown' ? html`<b>outcome unknown</b>, ` : undefined
  const record = installation === undefined ? undefined : html` ${codeTag(installation)}`
  return html`${outcome}${codeTag(code || 'various')}${hasStatus && html` (${httpStatus})`}${record}: ${prose(message, maxCauseChars)}`
}
