// Failures by cause, for annotations.

import type { Diagnostic } from '../../failure.ts'
import { failures } from '../../failure-register.ts'
import { countOf, formatCount } from '../../format.ts'
import type { FailureGroup } from './failure-groups.ts'

/** GitHub shows ten annotations. One is the batch's message, and one may be the count of the rest. */
const maxGroups = 9

/** Statuses of a rejection after which the same record can succeed later: another token, another state, a lower rate. */
const passingStatuses = new Set([401, 402, 403, 404, 408, 409, 410, 423, 425, 429])

/** Whether Vercel rejects a record for what it says, so that it fails again each time. */
export const isPermanent = ({ event, httpStatus = 0 }: Pick<FailureGroup, 'event' | 'httpStatus'>): boolean =>
  event === 'failed' && httpStatus >= 400 && httpStatus < 500 && !passingStatuses.has(httpStatus)

/** What to do about a group of failures; empty if nothing is known. */
export function fixFor(group: FailureGroup): string {
  if (group.hint !== '') return group.hint
  if (isPermanent(group)) return `Correct the ${group.count === 1 ? 'record' : 'records'}`
  return Object.hasOwn(failures, group.code) ? failures[group.code as keyof typeof failures].remedy : ''
}

/** `88, 91, 340 …`: the first lines of a group. */
export const firstLinesOf = ({ lines, count }: Pick<FailureGroup, 'lines' | 'count'>): string =>
  `${lines.map(formatCount).join(', ')}${count > lines.length ? ' …' : ''}`

/**
 * A diagnostic for each group of failures: nine at most, or eight and a count of the rest.
 *
 * @param file  the batch file; without it a message names the line of a single record
 */
export function failureDiagnostics(groups: readonly FailureGroup[], file?: string): Diagnostic[] {
  const diagnostics = groups.map((group): Diagnostic => {
    const { event, count, lines, message, installation } = group
    const [line = 1] = lines
    const text = [message, fixFor(group)].filter((sentence) => sentence !== '').join('. ')
    const needsOutcome = event === 'unknown' && !text.includes('unknown')
    const place = file === undefined || installation === undefined ? `line ${formatCount(line)}, ` : ''
    const record = `${place}${installation ?? ''}`.replace(/, $/, '')
    const subject = count === 1 ? record : `${countOf(count, 'record')} (lines ${firstLinesOf(group)})`
    return {
      message: `${subject}: ${text}${needsOutcome ? ' (the outcome is unknown)' : ''}`,
      ...(file !== undefined && { file, position: { line, column: 1 } }),
    }
  })
  if (diagnostics.length <= maxGroups) return diagnostics
  const hidden = groups.slice(maxGroups - 1)
  const records = countOf(
    hidden.reduce((sum, { count }) => sum + count, 0),
    'record',
  )
  return [
    ...diagnostics.slice(0, maxGroups - 1),
    { message: `and ${records} with ${formatCount(hidden.length)} other causes: the journal has them all` },
  ]
}
