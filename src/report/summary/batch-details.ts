// The folded part of a batch's summary: counts, times, the journal.

import type { Ledger } from '../../batch/journal/ledger.ts'
import { type BatchReport, latencyClasses, type Tally } from '../../batch/journal/tally.ts'
import { formatCount, formatDuration } from '../../format.ts'
import { codeTag, definitionTable, type Html, html, table } from './html.ts'

/** @param left  records that were not started */
export function batchDetails(report: BatchReport, ledger: Ledger, left: number): Html {
  return html`<details><summary>Details</summary>
    ${counts(report, ledger, left)}
    ${times(report.tally)}
    ${slowest(report.tally)}
    </details>`
}

function counts({ path, total, tally, journalFile, ms }: BatchReport, ledger: Ledger, left: number): Html {
  const done = tally.succeeded + tally.failed + tally.gone
  return definitionTable({
    Batch: codeTag(path),
    Records: formatCount(total),
    Sent: formatCount(ledger.sent),
    'There already': some(ledger.alreadyThere),
    Gone: some(ledger.gone),
    Failed: some(ledger.rejected),
    'Outcome unknown': some(ledger.unknown),
    'Not started': some(left),
    'Retries in this run': some(tally.retries),
    Time:
      ms === undefined || done === 0
        ? undefined
        : `${formatDuration(ms)}, ${formatCount(Math.round((done * 1000) / Math.max(1, ms)))}/s`,
    Journal: journalFile === undefined ? undefined : codeTag(journalFile),
  })
}

const some = (count: number) => (count > 0 ? formatCount(count) : undefined)

/** How many records took how long. */
function times({ latency }: Tally): Html | undefined {
  const last = latency.findLastIndex((count) => count > 0)
  const first = latency.findIndex((count) => count > 0)
  if (last - first < 1) return undefined
  const rows = latencyClasses.map((limit, index) => [
    Number.isFinite(limit)
      ? `up to ${formatDuration(limit)}`
      : `more than ${formatDuration(latencyClasses[index - 1] ?? 0)}`,
    formatCount(latency[index] ?? 0),
  ])
  return table(['Time per record>', 'Records>'], rows.slice(first, last + 1))
}

function slowest({ slowest: records }: Tally): Html | undefined {
  if (records.length === 0) return undefined
  const rows = records.map(({ line, installation, ms }) => [
    formatCount(line),
    codeTag(installation),
    formatDuration(ms),
  ])
  return table(['Slowest: line>', 'Installation', 'Time>'], rows)
}
