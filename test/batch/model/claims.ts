// What a journal claims about the records of a batch, read without the code under test.

import type { ModelBatch, RecordClass } from './batch.ts'

/** How many records of a class are in each state. */
export interface Claims {
  /** Succeeded, and this batch did it. */
  accepted: number
  /** Succeeded, because it was done before this batch. */
  duplicate: number
  /** Failed in the last run, or in an earlier one. */
  failed: number
  failedEarlier: number
  /** The outcome is unknown, of this run or of an earlier one. */
  unknown: number
  /** Sent, and the run has no outcome. */
  open: number
  /** Whether the open request is another try for a record that had failed. */
  isRetry: boolean
  gone: number
  /** Outcomes that said that a record failed, whatever came later. */
  failures: number
  /** The codes of records that failed in the last run. */
  readonly codes: string[]
}

export interface JournalClaims {
  readonly byClass: ReadonlyMap<RecordClass, Claims>
  /** The outcomes of the last run. */
  readonly lastRun: { succeeded: number; failed: number; gone: number; lookedUp: number; conflicts: number }
  readonly runs: number
}

interface Line {
  readonly event: string
  readonly id: string
  readonly line: number
  readonly resumed?: boolean
  readonly status?: string
  readonly arrivedEarlier?: boolean
  readonly code?: string
}

const newClaims = (): Claims => ({
  accepted: 0,
  duplicate: 0,
  failed: 0,
  failedEarlier: 0,
  unknown: 0,
  open: 0,
  isRetry: false,
  gone: 0,
  failures: 0,
  codes: [],
})

/** A line that lacks its last bracket only counts as complete: its checksum is there. */
function parse(line: string): Line | undefined {
  const isWhole = line.endsWith('}')
  if (!isWhole && !/"crc":"\w{8}"$/.test(line)) return undefined
  try {
    return JSON.parse(isWhole ? line : `${line}}`)
  } catch {
    return undefined
  }
}

/** @param text  undefined if there is no journal */
export function readClaims(text: string | undefined, { classOfLine, classes }: ModelBatch): JournalClaims {
  const byKey = new Map<string, { readonly one: RecordClass; readonly claims: Claims }>()
  let runs = 0
  let lastRun = newRun()
  for (const lineText of text?.split('\n') ?? []) {
    const line = parse(lineText)
    if (!line || line.event === undefined) continue
    if (line.event === 'begun') {
      runs++
      lastRun = newRun()
      for (const { claims } of byKey.values()) endRun(claims)
      continue
    }
    let entry = byKey.get(line.id)
    if (!entry) {
      entry = { one: classOfLine[line.line - 1] as RecordClass, claims: newClaims() }
      byKey.set(line.id, entry)
    }
    apply(entry.claims, line, lastRun)
  }
  const byClass = new Map(classes.map((one) => [one, newClaims()]))
  for (const { one, claims } of byKey.values()) add(byClass.get(one) as Claims, claims)
  return { byClass, lastRun, runs }
}

const newRun = () => ({ succeeded: 0, failed: 0, gone: 0, lookedUp: 0, conflicts: 0 })

function endRun(claims: Claims): void {
  claims.unknown += claims.open
  claims.failedEarlier += claims.failed
  claims.open = claims.failed = claims.codes.length = 0
}

function add(total: Claims, claims: Claims): void {
  total.accepted += claims.accepted
  total.duplicate += claims.duplicate
  total.failed += claims.failed
  total.failedEarlier += claims.failedEarlier
  total.unknown += claims.unknown
  total.open += claims.open
  total.gone += claims.gone
  total.failures += claims.failures
  total.codes.push(...claims.codes)
}

function apply(claims: Claims, line: Line, lastRun: JournalClaims['lastRun']): void {
  const { event, resumed, status, arrivedEarlier, code } = line
  if (event === 'sent') {
    claims.open++
    claims.isRetry = !resumed && claims.failedEarlier > 0
    if (resumed) claims.unknown--
    else if (claims.isRetry) claims.failedEarlier--
    return
  }
  if (claims.open > 0) claims.open--
  else {
    claims.unknown--
    lastRun.lookedUp++
  }
  if (event === 'not_sent') {
    // The record is as before.
    if (claims.isRetry) claims.failedEarlier++
    return
  }
  if (event === 'succeeded') {
    lastRun.succeeded++
    if (status === 'duplicate' && !arrivedEarlier) claims.duplicate++
    else claims.accepted++
    if (arrivedEarlier) lastRun.conflicts++
  } else if (event === 'gone') {
    lastRun.gone++
    claims.gone++
  } else {
    lastRun.failed++
    if (event === 'unknown') claims.unknown++
    else {
      claims.failed++
      claims.failures++
      claims.codes.push(code ?? '')
    }
  }
}

export const sum = (numbers: Iterable<number>): number => {
  let total = 0
  for (const number of numbers) total += number
  return total
}
