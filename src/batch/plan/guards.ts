// The guards of a batch: limits of its amounts and of their change, and that it is the approved one.

import Big from 'big.js'
import { type Diagnostic, Failure, type FailureCode } from '../../failure.ts'
import { countOf, formatAmount, formatCount, quote } from '../../format.ts'
import { formatMoney } from '../../operations/money.ts'
import type { BatchPlan } from './plan.ts'

export interface BatchGuards {
  /** Decimals. */
  readonly maxAmount: string | undefined
  readonly maxTotal: string | undefined
  /** Percent, as a decimal. */
  readonly maxChange: string | undefined
  readonly expectDigest: string | undefined
}

/** A record or an installation that breaks a guard. */
export interface GuardFinding {
  /** Line of the batch file, 1-based. */
  readonly line: number
  readonly installation: string
  /** A decimal. */
  readonly amount: string
  /** The amount of the earlier batch, if that is compared. */
  readonly earlier?: string | undefined
}

export interface BrokenGuard {
  readonly code: FailureCode
  /** The input. */
  readonly guard: 'max-amount' | 'max-total' | 'max-change' | 'expect-digest'
  /** The value of the input, for people. */
  readonly limit: string
  /** A sentence without its full stop, such as `1 record is above it`. */
  readonly statement: string
  /** How many records or installations break it, and the first of them. */
  readonly count: number
  readonly findings: readonly GuardFinding[]
}

/** GitHub shows ten annotations of each kind. */
const maxShownFindings = 10

/** The guards that a plan breaks. */
export function brokenGuards(plan: BatchPlan, guards: BatchGuards): BrokenGuard[] {
  const broken: BrokenGuard[] = []
  const { maxAmount, maxTotal, maxChange, expectDigest } = guards
  const { aboveMaxAmount, amount, positiveAmount, comparison, digest } = plan
  if (maxAmount !== undefined && aboveMaxAmount.count > 0) {
    const { count, first } = aboveMaxAmount
    broken.push({
      code: 'amount_exceeded',
      guard: 'max-amount',
      limit: formatDecimal(maxAmount),
      statement: `${countOf(count, nounOf(plan))} ${count === 1 ? 'is' : 'are'} above it`,
      count,
      findings: first,
    })
  }
  if (maxTotal !== undefined && new Big(positiveAmount).gt(maxTotal)) {
    const subject = amount === positiveAmount ? 'the batch adds up' : 'without negative amounts the batch adds up'
    const statement = `${subject} to ${formatAmount(positiveAmount)}, which is above it`
    broken.push({
      code: 'total_exceeded',
      guard: 'max-total',
      limit: formatDecimal(maxTotal),
      statement,
      count: 0,
      findings: [],
    })
  }
  const changed = comparison ? comparison.groups.up.installations + comparison.groups.down.installations : 0
  if (maxChange !== undefined && comparison && changed > 0) {
    broken.push({
      code: 'change_exceeded',
      guard: 'max-change',
      limit: `${maxChange} %`,
      statement: `the amount of ${countOf(changed, 'installation')} differs by more`,
      count: changed,
      findings: comparison.largest.map(({ line, installation, planned = '', earlier }) => ({
        line,
        installation,
        amount: planned,
        earlier,
      })),
    })
  }
  if (expectDigest !== undefined && expectDigest !== digest) {
    const statement = `the digest of the batch is ${digest}`
    broken.push({
      code: 'digest_mismatch',
      guard: 'expect-digest',
      limit: expectDigest,
      statement,
      count: 0,
      findings: [],
    })
  }
  return broken
}

/** What the batch consists of, in the singular. */
export const nounOf = ({ operation }: Pick<BatchPlan, 'operation'>): string => operation.money?.noun ?? 'record'

const formatDecimal = (amount: string) => formatAmount(formatMoney(new Big(amount)))

/** What to do about each guard, once it is broken. */
export const guardFixes: Readonly<Record<BrokenGuard['guard'], string>> = {
  'max-amount': 'Correct the amounts, or raise `max-amount`',
  'max-total': 'Correct the amounts, or raise `max-total`',
  'max-change': 'Correct the amounts, or raise `max-change`',
  'expect-digest': 'Compare the batch with the approved one. To approve this one, set `expect-digest` to its digest',
}

/**
 * The failure of a batch that breaks guards: nothing was sent.
 *
 * @param path  of the batch file, as the step gives it
 * @returns undefined if no guard is broken
 */
export function brokenGuardsFailure(broken: readonly BrokenGuard[], path: string): Failure | undefined {
  const [first] = broken
  if (!first) return undefined
  const sentences = broken.map(({ guard, limit, statement }) => `\`${guard}\` ${limit}: ${statement}`)
  const message = `${sentences.join('. ')}. Nothing was sent`
  const share = Math.floor(maxShownFindings / broken.length)
  const diagnostics = broken.flatMap((guard) => guardDiagnostics(guard, path, share))
  return new Failure(first.code, message, {
    hint: broken.map(({ guard }) => guardFixes[guard]).join('. '),
    diagnostics,
  })
}

/** @param max  how many diagnostics there may be */
function guardDiagnostics(broken: BrokenGuard, file: string, max: number): Diagnostic[] {
  const { guard, limit, statement, findings, count } = broken
  const fix = `${guardFixes[guard]}; nothing was sent`
  if (findings.length === 0) return [{ message: `\`${guard}\` ${limit}: ${statement}. ${fix}`, file }]
  const shown = findings.slice(0, count > max ? max - 1 : max)
  const beyond =
    guard === 'max-change' ? `differs by more than \`max-change\` (${limit})` : `is above \`max-amount\` (${limit})`
  const diagnostics = shown.map(({ line, installation, amount, earlier }) => ({
    message: `installation ${quote(installation)}: the amount ${formatAmount(amount)}${earlier === undefined ? '' : ` instead of ${formatAmount(earlier)} last time`} ${beyond}. ${fix}`,
    file,
    position: { line, column: 1 },
  }))
  if (count === shown.length) return diagnostics
  const rest = `and ${formatCount(count - shown.length)} more. \`${guard}\` ${limit}: ${statement}`
  return [...diagnostics, { message: rest, file }]
}
