// What must hold after each run of a course: what the journal claims has happened, and nothing else has.

import type { RecordClass } from './batch.ts'
import { checkReport, checkSecrets, checkSums } from './check-sums.ts'
import { type Claims, type JournalClaims, readClaims, sum } from './claims.ts'
import type { Course } from './course.ts'
import { isAlone, require } from './facts.ts'
import { readText } from './machine.ts'
import { type PlayedRun, paths, storedTokens } from './play.ts'
import type { Truth } from './vercel.ts'

const noTruth: Truth = { processed: 0, late: 0, risky: 0 }

/** Checks a run. It throws what does not hold. */
export function checkRun(course: Course, run: PlayedRun): JournalClaims {
  const { vercel, batch, says } = run
  const claims = readClaims(readText(paths.journal), batch)
  require(vercel.violations.length === 0, 'the model of Vercel objects', vercel.violations)
  for (const one of batch.classes) checkClass(course, run, one, claims.byClass.get(one) as Claims)
  if (course.kind === 'updateInvoice') checkFoundRefunds(course, run, claims)
  if (course.kind === 'rotateInstallationCredential') checkCredentials(course, run, claims)
  if (says) {
    checkSums(course, run, says, claims)
    if (says.result.report?.reportFile) checkReport(run, claims)
  }
  checkSecrets(run)
  return claims
}

/** The claims about one class of records, and what Vercel has processed of it. */
function checkClass(course: Course, run: PlayedRun, one: RecordClass, claims: Claims): void {
  const { kind, externalId } = course
  const { vercel, interruptions } = run
  const { processed, late, risky } = vercel.epoch.get(one.name) ?? noTruth
  const { accepted, duplicate, failures } = claims
  const unknown = claims.unknown + claims.open
  const facts = { class: one.name, size: one.size, processed, late, risky, ...claims }
  const isIdempotent = kind === 'submitBillingData'
  const isKeyed = kind === 'submitInvoice' && externalId !== 'none'
  const isRotation = kind === 'rotateInstallationCredential'

  // Nothing is done twice.
  if (isKeyed) {
    const ever = sum(vercel.epochs.map((epoch) => epoch.get(one.name)?.processed ?? 0))
    require(ever <= 1, 'an invoice is billed twice', facts)
  } else if (!isIdempotent) {
    const max = one.size + (isRotation ? failures : 0)
    require(risky <= max, 'a request that is unsafe to repeat was sent again', facts)
  }
  // What is said to be done is done.
  const canTell = isAlone(run, one) || (kind === 'updateInvoice' && !run.hasOldRequests)
  if (canTell) require(accepted <= processed, 'a success did not happen', facts)
  else require(accepted + duplicate === 0 || processedEver(run, one) > 0, 'a success did not happen', facts)
  // A killed run leaves a request in the journal that was about to be sent.
  const maxUnclear = risky + interruptions * course.concurrency
  require(accepted <= maxUnclear, 'a success was not sent', facts)
  // What is said not to be done is not.
  if (isIdempotent) require(processed + late === 0 || accepted + unknown > 0, 'a failure happened', facts)
  else if (!isRotation) {
    const claimed = accepted + unknown + (isAlone(run, one) ? 0 : duplicate)
    // Vercel will refuse a request with a key that it knows.
    const happens = isKeyed ? Math.min(processed + late, one.size) : processed + late
    require(happens <= claimed, 'a failure happened', facts)
  }
  if (kind !== 'updateInvoice' && isAlone(run, one)) require(duplicate === 0, 'a duplicate is the first one', facts)
  // Only what can have happened is unknown.
  require(unknown <= maxUnclear, 'an outcome is unknown although it is clear', facts)
  const left = one.size - accepted - duplicate - claims.failed - claims.failedEarlier - unknown - claims.gone
  require(left >= 0, 'a record is counted twice', facts)
}

const processedEver = ({ vercel }: PlayedRun, { name, isDoneBefore }: RecordClass): number =>
  sum(vercel.epochs.map((epoch) => epoch.get(name)?.processed ?? 0)) + (isDoneBefore ? 1 : 0)

/** A refund that was found already is one of those that were made before, and each of these is found once. */
function checkFoundRefunds({ hidesRefundTotal }: Course, { vercel, batch }: PlayedRun, claims: JournalClaims): void {
  const invoices = new Map<string, { before: number; found: number }>()
  for (const one of batch.classes) {
    const name = one.name.split('/').slice(0, 2).join('/')
    const times = sum(vercel.epochs.slice(0, -1).map((epoch) => epoch.get(one.name)?.processed ?? 0))
    const invoice = invoices.get(name) ?? { before: vercel.othersUnits.get(name) ?? 0, found: 0 }
    invoice.before += one.units * times
    invoice.found += one.units * (claims.byClass.get(one)?.duplicate ?? 0)
    invoices.set(name, invoice)
  }
  for (const [name, { before, found }] of invoices) {
    // Without the sum of the refunds one cannot be told from two.
    const holds = hidesRefundTotal ? before > 0 || found === 0 : found <= before
    require(holds, 'a refund is found that was not made before', { invoice: name, before, found })
  }
}

/** A credential of each installation works, and the file has no other. */
function checkCredentials({ revokesPrevious }: Course, { vercel, batch }: PlayedRun, { byClass }: JournalClaims): void {
  const stored = storedTokens()
  for (const one of batch.classes) {
    const { installation } = one
    const [old, current] = [batch.tokens[installation], stored[installation]]
    const facts = { installation, current, ...byClass.get(one) }
    require(current === undefined || vercel.isLive(installation, current), 'a stored token does not work', facts)
    require(current === undefined || vercel.isVerified(current), 'a token is stored that was not verified', facts)
    require(vercel.isLive(installation, old) || current !== undefined, 'no known token works', facts)
    if ((byClass.get(one)?.accepted ?? 0) === 0) continue
    require(current !== undefined, 'a rotation succeeded, and its token is not stored', facts)
    if (vercel.epochs.length === 1)
      require(current === vercel.newest(installation), 'a rotation succeeded, and its token is lost', facts)
    if (revokesPrevious) require(!vercel.isLive(installation, old), 'the previous token is not revoked', facts)
  }
}

/** After runs without faults each record is done, or is named with the reason. */
export function checkEnd(course: Course, run: PlayedRun, { byClass }: JournalClaims): void {
  if (!run.says?.result.report?.ledger) return
  for (const one of run.batch.classes) {
    const claims = byClass.get(one) as Claims
    const { accepted, duplicate, failed, failedEarlier, gone, codes } = claims
    const unknown = claims.unknown + claims.open
    const facts = { class: one.name, size: one.size, ...claims }
    const named = accepted + duplicate + failed + failedEarlier + gone + unknown
    require(named === one.size, 'a record is lost', facts)
    const isSafe =
      course.kind === 'submitBillingData' || (course.kind === 'submitInvoice' && course.externalId === 'auto')
    if (isSafe) require(unknown === 0, 'a request that is safe to repeat stays unknown', facts)
    require(codes.every((code) => isFinal(course, run, one, code)), 'a record fails for no reason', facts)
  }
}

/** Whether a record can fail with a code although nothing goes wrong. */
function isFinal({ kind, onDuplicate }: Course, run: PlayedRun, one: RecordClass, code: string): boolean {
  switch (kind) {
    case 'submitInvoice':
      return code === 'conflict' && onDuplicate === 'fail' && !isAlone(run, one)
    case 'updateInvoice':
      return code === 'refund_present' || code === 'refund_too_large' || code === 'bad_request'
    case 'submitBillingData':
      return false
    case 'rotateInstallationCredential':
      // The previous token was revoked, but the response was lost, or the journal.
      return code === 'forbidden' && !run.vercel.isLive(one.installation, run.batch.tokens[one.installation])
  }
}
