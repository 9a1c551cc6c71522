// What to do with records that fail again each time unless they are changed.

import { formatCount } from '../../format.ts'
import { isPermanent } from './failure-diagnostics.ts'
import type { FailureGroup } from './failure-groups.ts'

/** The sentences on records that have to be changed, without their last full stops. */
export interface ChangeAdvice {
  readonly sentences: readonly string[]
  /** How many records have to be changed. */
  readonly count: number
}

/**
 * What to do with the records that Vercel rejects for what they say, and with refunds of more than an invoice has left.
 *
 * @param failed  how many records failed
 */
export function changeAdvice(groups: readonly FailureGroup[], failed: number): ChangeAdvice {
  const permanent = countIn(groups, (group) => isPermanent(group) || group.code === 'validation_failed')
  const tooLarge = countIn(groups, ({ code }) => code === 'refund_too_large')
  const sentences: string[] = []
  if (permanent > 0) {
    const one = permanent === 1
    const subset = one ? 'it is' : 'they are'
    const all = one ? 'it as it is' : 'them as they are'
    const what = permanent === failed ? all : `${formatCount(permanent)} of them as ${subset}`
    sentences.push(`Vercel rejects ${what}: ${sendApart('correct', permanent)}`)
  }
  if (tooLarge > 0) {
    const subject = subjectOf(tooLarge, failed, ['refunds', 'refund'])
    sentences.push(`${subject} more than the invoice has left: ${sendApart('lower', tooLarge)}`)
  }
  return { sentences, count: permanent + tooLarge }
}

/** How many records are in the groups of a kind. */
export const countIn = (groups: readonly FailureGroup[], isKind: (group: FailureGroup) => boolean): number =>
  groups.filter(isKind).reduce((total, { count }) => total + count, 0)

/** `They are`, `It is`, or `17 of them are`. */
export function subjectOf(count: number, failed: number, [one, several]: readonly [string, string]): string {
  if (count === failed) return count === 1 ? `It ${one}` : `They ${several}`
  return `${formatCount(count)} of them ${count === 1 ? one : several}`
}

/** @param verb  the change, an imperative */
function sendApart(verb: string, count: number): string {
  const [it, its] = count === 1 ? ['it', 'its'] : ['them', 'their']
  return `${verb} ${it}, and send ${it} in a batch file of ${its} own, because a journal does not accept changed records`
}
