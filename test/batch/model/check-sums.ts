// What a run says agrees with its journal: the outputs, the summary and the report, to the cent. No secret is in any of them.

import type { RecordClass } from './batch.ts'
import { type Claims, type JournalClaims, sum } from './claims.ts'
import type { Course } from './course.ts'
import { isAlone, require } from './facts.ts'
import { readText } from './machine.ts'
import { type PlayedRun, paths, type RunSays } from './play.ts'
import { unitsOf } from './vercel.ts'

/** The sums of what a run says. */
export function checkSums(course: Course, run: PlayedRun, says: RunSays, claims: JournalClaims): void {
  const { batch, runOfJournal } = run
  const { outputs, result, exitCode } = says
  const { report, failure } = result
  require((exitCode === 1) === (failure !== undefined), 'the exit code is not that of the failure', { exitCode })
  if (!report?.ledger) {
    // Nothing was sent, because the batch has an error. A journal is never refused, however the run before has ended.
    require(['invalid_payload', 'cancelled'].includes(failure?.code ?? ''), 'the batch is refused', failure?.text)
    if (failure?.code === 'invalid_payload')
      require(run.vercel.epoch.size === 0, 'a refused batch was sent', failure.text)
    return
  }
  const { lastRun, byClass } = claims
  const total = (read: (claims: Claims) => number) => sum([...byClass.values()].map(read))
  const facts = { outputs, lastRun, byClass: [...byClass].map(([one, claim]) => [one.name, claim]) }
  const gone = total((claim) => claim.gone)
  const succeeded = total(({ accepted, duplicate }) => accepted + duplicate)
  const skipped = succeeded - lastRun.succeeded + gone
  const expected = {
    total: batch.classOfLine.length,
    succeeded: lastRun.succeeded,
    failed: lastRun.failed,
    skipped,
  }
  const counts = Object.fromEntries(Object.keys(expected).map((name) => [name, Number(outputs[name])]))
  require(JSON.stringify(counts) === JSON.stringify(expected), 'the outputs do not count what the journal has', {
    expected,
    ...facts,
  })
  const { ledger } = report
  const ledgerCounts = [ledger.sent, ledger.alreadyThere, ledger.gone, ledger.rejected, ledger.unknown]
  const journalCounts = [
    total(({ accepted }) => accepted),
    total(({ duplicate }) => duplicate),
    gone,
    total(({ failed, failedEarlier }) => failed + failedEarlier),
    total(({ unknown, open }) => unknown + open),
  ]
  require(String(ledgerCounts) === String(journalCounts), 'the summary does not count what the journal has', {
    ledgerCounts,
    journalCounts,
    ...facts,
  })
  if (outputs.amount !== undefined) checkAmount(course, run, outputs.amount, claims, facts)
  const isAllDone = succeeded + gone === batch.classOfLine.length
  require(isAllDone === (failure === undefined) ||
    run.choice.cancelAt !== undefined, 'the step fails although all is done, or not although something is not', facts)
  // Records that are gone do not count for the run that finds them.
  const isPartial = lastRun.succeeded + skipped - lastRun.gone > 0
  const status = failure ? (isPartial ? 'partial' : 'failed') : 'succeeded'
  require(outputs.status === status, 'the status is wrong', { status, runOfJournal, ...facts })
}

/** The amount is that of the records that were done, to the unit, and Vercel has it too. */
function checkAmount(
  { kind }: Course,
  run: PlayedRun,
  amount: string,
  { byClass }: JournalClaims,
  facts: unknown,
): void {
  const { vercel, batch } = run
  const real = batch.classes.filter(({ isTest }) => !isTest)
  const unitsBy = (read: (claims: Claims) => number) =>
    sum(real.map((one) => one.units * read(byClass.get(one) as Claims)))
  const done = unitsBy(({ accepted }) => accepted)
  require(unitsOf(amount) === done, 'the amount is not that of the records', { amount, done, facts })
  const isExact = real.every((one) => isAlone(run, one) && (vercel.epoch.get(one.name)?.late ?? 0) === 0)
  // Only a report of usage is sent again after it was processed.
  const isRepeated =
    kind === 'submitBillingData' &&
    real.some((one) => (vercel.epoch.get(one.name)?.processed ?? 0) > (byClass.get(one)?.accepted ?? 0))
  const unknown = sum(real.map((one) => claimsUnknown(byClass.get(one) as Claims)))
  if (isExact && !isRepeated && unknown === 0) {
    require(vercel.units === done, 'the amount is not what Vercel has', { amount, done, vercel: vercel.units, facts })
  }
}

const claimsUnknown = ({ unknown, open }: Claims) => unknown + open

const doneStatuses = new Set(['accepted', 'duplicate'])

/** The report has each record once, with its state and its amount. */
export function checkReport({ batch }: PlayedRun, { byClass }: JournalClaims): void {
  const [header = '', ...rows] = (readText(paths.report) ?? '').trimEnd().split('\r\n')
  const columns = header.split(',')
  const place = Object.fromEntries(columns.map((column, index) => [column, index]))
  require(rows.length === batch.classOfLine.length, 'the report has not each record once', rows)
  const counted = new Map(batch.classes.map((one) => [one, { done: 0, failed: 0, unknown: 0, gone: 0, left: 0 }]))
  for (const [index, row] of rows.entries()) {
    const values = cells(row)
    const cellOf = (column: string) => values[place[column] ?? -1] ?? ''
    require(cellOf('line') === String(index + 1), 'a row of the report is at another place', row)
    const one = batch.classOfLine[index] as RecordClass
    const count = counted.get(one) as Record<'done' | 'failed' | 'unknown' | 'gone' | 'left', number>
    const status = cellOf('status')
    if (doneStatuses.has(status)) count.done++
    else if (status === 'failed' || status === 'unknown' || status === 'gone') count[status]++
    else count.left++
    if ('amount' in place) {
      require(unitsOf(cellOf('amount')) === one.units, 'a row of the report has another amount', row)
    }
  }
  for (const [one, count] of counted) {
    const { accepted, duplicate, failed, failedEarlier, unknown, open, gone } = byClass.get(one) as Claims
    const expected = {
      done: accepted + duplicate,
      failed: failed + failedEarlier,
      unknown: unknown + open,
      gone,
      left: one.size - accepted - duplicate - failed - failedEarlier - unknown - open - gone,
    }
    require(JSON.stringify(count) === JSON.stringify(expected), 'the report does not count what the journal has', {
      class: one.name,
      count,
      expected,
      rows,
    })
  }
}

/** The cells of a row of a CSV file, without the quotes. */
const cells = (row: string): string[] =>
  [...row.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(([, quoted, plain]) => quoted ?? plain ?? '')

/** No token and no secret is in anything that anybody can read, but new tokens are in their file. */
export function checkSecrets({ vercel, batch, says }: PlayedRun): void {
  const texts = [
    ...(says?.texts ?? []),
    ...[paths.journal, paths.report, paths.summary].map((path) => readText(path) ?? ''),
  ].join('\n')
  // Each of them ends like this.
  if (!texts.includes('-secret')) return
  for (const secret of [...vercel.issued(), ...batch.clientSecrets]) {
    require(!texts.includes(secret), 'a secret is shown', { secret })
  }
}
