// What to do about the failures of a batch, for each kind of cause that a run with the same inputs does not end.

import { countOf } from '../../format.ts'
import type { Operation } from '../../operations/operation.ts'
import { changeAdvice, countIn, subjectOf } from '../journal/change-advice.ts'
import type { FailureGroup } from '../journal/failure-groups.ts'

/** The sentences on the causes of failures, without their last full stops. */
export interface CauseAdvice {
  /** What to change before the batch is run again. */
  readonly before: readonly string[]
  /** What to do with records that another run does not finish. */
  readonly instead: readonly string[]
  /** Whether another run can finish records that failed. */
  readonly canResume: boolean
}

/** Error codes that say that the invoice exists, unlike a 409 for another reason such as `installation_finalized`. */
const duplicateCode = /^(http_409|conflict)$|exist|duplicate|already/i

/** A journal of an earlier version may have no hint. Vercel uses the same code for a period that was billed before. */
const allowsDuplicate = (hint: string) => hint === '' || hint.includes('on-duplicate: succeed')

/** Whether the invoices of a group's records exist already. */
export const areDuplicates = ({ retry }: Operation, { event, httpStatus, code, hint }: FailureGroup): boolean =>
  retry === 'idempotency-key' &&
  event === 'failed' &&
  httpStatus === 409 &&
  duplicateCode.test(code) &&
  allowsDuplicate(hint)

/**
 * What to do about the failures of a batch.
 *
 * @param failed  how many records failed
 */
export function causeAdvice(
  { operation, externalId }: { readonly operation: Operation; readonly externalId: string },
  groups: readonly FailureGroup[],
  failed: number,
): CauseAdvice {
  const sum = (isKind: (group: FailureGroup) => boolean) => countIn(groups, isKind)
  const isRepeatable =
    operation.retry === 'idempotent' || (operation.retry === 'idempotency-key' && externalId !== 'none')
  const duplicates = sum((group) => areDuplicates(operation, group))
  const gone = sum(({ event, httpStatus }) => event === 'failed' && httpStatus === 410)
  const changes = changeAdvice(groups, failed)
  const unresolved = isRepeatable ? 0 : sum(({ event }) => event === 'unknown')
  const before: string[] = []
  const instead = [...changes.sentences]
  if (duplicates > 0) {
    before.push(
      `${subjectOf(duplicates, failed, ['was', 'were'])} submitted before (409): set \`on-duplicate: succeed\``,
    )
  }
  if (gone > 0) {
    before.push(
      `${subjectOf(gone, failed, ['is of an installation or resource', 'are of installations or resources'])} that Vercel has deleted (410): set \`on-gone: skip\``,
    )
  }
  if (unresolved > 0) {
    const { unknownRecordAdvice: advice = 'Find out at Vercel whether the request arrived: if it did not' } = operation
    // A journal accepts no batch file from which a record was removed.
    instead.push(
      `${countOf(unresolved, 'record')} with an unknown outcome ${unresolved === 1 ? 'is' : 'are'} not sent again. ${advice}, put the record in a new batch file with a \`journal-file\` of its own`,
    )
  }
  return { before, instead, canResume: failed > changes.count + unresolved }
}
