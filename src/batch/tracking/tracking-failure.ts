// Why a step that tracks invoices fails: all reasons, with the invoices that they are about.

import type { Wait } from '../../delivery/wait-for.ts'
import { type Diagnostic, Failure, type FailureCode } from '../../failure.ts'
import { countOf, formatCount, formatDuration, quote } from '../../format.ts'
import type { GivenUp } from '../sending/slot.ts'
import type { AttentionList } from './attention-list.ts'
import type { InvoiceTally } from './invoice-tally.ts'
import { ageInDays, type TrackedInvoice, untoldStatuses } from './tracked-invoice.ts'

/** What is known of the invoices. */
interface Found {
  readonly tally: InvoiceTally
  readonly attention: AttentionList
  readonly now: Date
}

/** Why the tracking ended early. */
export type TrackingEnd = 'cancelled' | 'throttled' | 'unopened' | undefined

const maxListedInvoices = 8

const joinSentences = (...parts: readonly string[]) => parts.join('. ')

/**
 * Why the step fails, if it does: the first reason gives the code, and the message has all of them.
 *
 * @param failOn  statuses for which the step fails
 */
export function trackingFailure(
  report: Found,
  {
    failOn,
    wait,
    end,
    pending,
    givenUp,
  }: {
    readonly failOn: readonly string[]
    readonly wait: Wait | undefined
    readonly end: TrackingEnd
    /** How many invoices could still reach a wanted state. */
    readonly pending: number
    readonly givenUp: GivenUp | undefined
  },
): Failure | undefined {
  const reasons = [
    endReason(report, end, givenUp),
    readingReason(report),
    foundReason(report, failOn),
    wait && end === undefined ? waitReason(report, wait, pending) : undefined,
  ].filter((reason) => reason !== undefined)
  const [first] = reasons
  if (!first) return undefined
  const messages = reasons.map(({ message, advice }): Diagnostic => ({ message: joinSentences(message, advice) }))
  const rows = reasons.flatMap(({ rows = [] }) => rows)
  // Paid invoices, for example, are counted and not listed.
  const all = reasons.reduce((sum, { rows = [], count = 0 }) => sum + (rows.length > 0 ? count : 0), 0)
  const hidden = all - Math.min(rows.length, maxListedInvoices)
  return new Failure(first.code, joinSentences(...reasons.map(({ message }) => message)), {
    hint: joinSentences(...reasons.map(({ advice }) => advice)),
    diagnostics: [
      ...messages,
      ...rows.slice(0, maxListedInvoices).map((row) => ({ message: describeRow(row, report.now) })),
      ...(hidden > 0 ? [{ message: `and ${formatCount(hidden)} more` }] : []),
    ],
  })
}

interface TrackingReason {
  readonly code: FailureCode
  readonly message: string
  readonly advice: string
  /** The invoices that it is about. */
  readonly rows?: readonly TrackedInvoice[]
  /** How many there are, of which `rows` may have the first. */
  readonly count?: number
}

function endReason({ tally }: Found, end: TrackingEnd, givenUp: GivenUp | undefined): TrackingReason | undefined {
  if (!end) return undefined
  const left = tally.get('not started').count
  const asked = left > 0 ? `; ${countOf(left, 'invoice')} ${left === 1 ? 'was' : 'were'} not asked for` : ''
  if (end === 'cancelled') {
    return { code: end, message: `The step was cancelled${asked}`, advice: 'Run the step again: it only reads' }
  }
  if (end === 'unopened') {
    const message = `No connection could be opened for \`retry-timeout\`${givenUp?.detail ? `: ${givenUp.detail}` : ''}${asked}`
    return { code: end, message, advice: 'Run the step again when the host can be reached, or raise `retry-timeout`' }
  }
  const until = givenUp ? `, until ${givenUp.until.toISOString()}` : ''
  return {
    code: end,
    message: `Vercel's rate limit lasts longer than retry-timeout${until}${asked}`,
    advice: 'Run the step again after that, or raise `retry-timeout`',
  }
}

function readingReason({ tally, attention }: Found): TrackingReason | undefined {
  const { count } = tally.get('unreadable')
  if (count === 0) return undefined
  const message = `${formatCount(count)} of ${countOf(tally.total.count, 'invoice')} could not be read`
  const advice = 'Fix what the annotations and the summary report, then run the step again: it only reads'
  return { code: 'invoices_unreadable', message, advice, rows: attention.rows('unreadable'), count }
}

function foundReason({ tally, attention }: Found, failOn: readonly string[]): TrackingReason | undefined {
  const found = tally.statuses.filter((status) => failOn.includes(status))
  if (found.length === 0) return undefined
  const counts = found.map((status) => `${countOf(tally.get(status).count, 'invoice')} ${status}`)
  const unpaid = attention.rows('unpaid')
  const all = [
    ...unpaid.filter(({ status }) => status === 'overdue'),
    ...unpaid.filter(({ status }) => status !== 'overdue'),
    ...attention.rows('refunded'),
    ...attention.rows('unknown'),
  ]
  return {
    code: 'state_found',
    message: `\`fail-on\` applies: ${counts.join(', ')}`,
    advice: 'The summary lists the invoices that need attention. Do not submit them again',
    rows: all.filter(({ status }) => failOn.includes(status)),
    count: tally.countOf(found),
  }
}

function waitReason({ tally }: Found, wait: Wait, pending: number): TrackingReason | undefined {
  const missed = tally.statuses.filter(
    (status) => !wait.states.includes(status) && !(untoldStatuses as readonly string[]).includes(status),
  )
  const count = tally.countOf(missed)
  if (count === 0) return undefined
  const wanted = wait.states.join(' or ')
  const now = missed.map((status) => `${formatCount(tally.get(status).count)} ${status}`).join(', ')
  return pending > 0
    ? {
        code: 'wait_timeout',
        message: `${countOf(count, 'invoice')} did not become ${wanted} within ${formatDuration(wait.timeoutMs)}: ${now}`,
        advice: 'Do not submit them again. To keep waiting, run trackInvoices again or raise `wait-timeout`',
      }
    : {
        code: 'state_unreachable',
        message: `${countOf(count, 'invoice')} cannot become ${wanted} any more: ${now}`,
        advice: 'Do not submit them again: look at their states in the summary',
      }
}

/** `line 3, icfg_1, invoice 2026-17 (inv_1): overdue, 25.00, 20 days old`, or why the invoice could not be read. */
function describeRow(row: TrackedInvoice, now: Date): string {
  const { line, installation, invoiceId, invoiceNumber, status, amount, message } = row
  const id = invoiceId === undefined ? '' : quote(invoiceId)
  const name = invoiceNumber === undefined ? id : `${quote(invoiceNumber)} (${id})`
  const age = ageInDays(row, now)
  const facts = [status, amount, age === undefined ? undefined : `${countOf(age, 'day')} old`]
  return `line ${line}, ${quote(installation)}${name && `, invoice ${name}`}: ${message ?? facts.filter(Boolean).join(', ')}`
}
