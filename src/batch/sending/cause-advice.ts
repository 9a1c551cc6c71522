// What to do about the failures of a batch, for each kind of cause that a run with the same inputs does not end.

import { countOf, formatCount } from '../../format.ts'
import type { Operation } from '../../operations/operation.ts'
import { isPermanent } from '../journal/failure-diagnostics.ts'
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

/** Whether the invoices of a group's records exist already. */
export const areDuplicates = ({ retry }: Operation, { event, httpStatus, code }: FailureGroup): boolean =>
  retry === 'idempotency-key' && event === 'failed' && httpStatus === 409 && duplicateCode.test(code)

/** What to do with records that have to be changed. @param verb  the change, an imperative */
function changeAdvice(verb: string, count: number): string {
  const [it, its] = count === 1 ? ['it', 'its'] : ['them', 'their']
  return `${verb} ${it}, and send ${it} in a batch file of ${its} own, because a journal does not accept changed records`
}

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
  const sum = (isKind: (group: FailureGroup) => boolean) =>
    groups.filter(isKind).reduce((total, { count }) => total + count, 0)
  /** `They are`, `It is`, or `17 of them are`. */
  const subject = (count: number, [one, several]: readonly [string, string]) => {
    if (count === failed) return count === 1 ? `It ${one}` : `They ${several}`
    return `${formatCount(count)} of them ${count === 1 ? one : several}`
  }
  const isRepeatable =
    operation.retry === 'idempotent' || (operation.retry === 'idempotency-key' && externalId !== 'none')
  const duplicates = sum((group) => areDuplicates(operation, group))
  const gone = sum(({ event, httpStatus }) => event === 'failed' && httpStatus === 410)
  const permanent = sum(isPermanent)
  const tooLarge = sum(({ code }) => code === 'refund_too_large')
  const unresolved = isRepeatable ? 0 : sum(({ event }) => event === 'unknown')
  const before: string[] = []
  const instead: string[] = []
  if (duplicates > 0) {
    before.push(`${subject(duplicates, ['was', 'were'])} submitted before (409): set \`on-duplicate: succeed\``)
  }
  if (gone > 0) {
    before.push(
      `${subject(gone, ['is of an installation or resource', 'are of installations or resources'])} that Vercel has deleted (410): set \`on-gone: skip\``,
    )
  }
  if (permanent > 0) {
    const all = permanent === failed
    const what = all
      ? permanent === 1
        ? 'it as it is'
        : 'them as they are'
      : `${formatCount(permanent)} of them as ${permanent === 1 ? 'it is' : 'they are'}`
    instead.push(`Vercel rejects ${what}: ${changeAdvice('correct', permanent)}`)
  }
  if (tooLarge > 0) {
    instead.push(
      `${subject(tooLarge, ['refunds', 'refund'])} more than the invoice has left: ${changeAdvice('lower', tooLarge)}`,
    )
  }
  if (unresolved > 0) {
    const { unknownRecordAdvice: advice = 'Find out at Vercel whether the request arrived: if it did not' } = operation
    // A journal accepts no batch file from which a record was removed.
    instead.push(
      `${countOf(unresolved, 'record')} with an unknown outcome ${unresolved === 1 ? 'is' : 'are'} not sent again. ${advice}, put the record in a new batch file with a \`journal-file\` of its own`,
    )
  }
  return { before, instead, canResume: failed > permanent + tooLarge + unresolved }
}
