// Finds out the outcome of a record that an earlier run sent and that is unsafe to repeat.

import type { DeliveryOptions } from '../../delivery/deliver.ts'
import { ambiguousRefund } from '../../delivery/deliver-refund.ts'
import { describeReading, findRefund, hasArrived } from '../../delivery/refund.ts'
import { isRefund } from '../../operations/operation.ts'
import type { OpenJournal } from '../journal/open-journal.ts'
import { recordKey } from '../records/record.ts'
import type { PreparedRecord, RecordResult } from './prepared-record.ts'

/**
 * A refund is looked up, and never sent again. The outcome of any other request stays unknown.
 *
 * @param newToken  of a rotation: another token of the installation, which `new-tokens-file` has
 */
export async function lookUpOutcome(
  record: PreparedRecord,
  options: DeliveryOptions,
  { sent: lastSent, refunds }: Pick<OpenJournal, 'sent' | 'refunds'>,
  newToken?: string,
): Promise<RecordResult> {
  const key = recordKey(record.identity)
  const sent = lastSent.get(key)
  if (!sent) throw new Error('the journal does not say when the record was sent')
  const { operation, params, body } = record.request
  const history = `It was sent at ${sent.at.toISOString()} by an earlier run, and its outcome is unknown`
  const advice = operation.retry === 'idempotent' ? '' : operation.unknownOutcomeAdvice({ params, body: body ?? {} })
  const unknown = (todo: string, ...evidence: string[]): RecordResult => {
    const hint = `It is not sent again. ${todo}. To send it again all the same, put it in a new batch file with its own \`journal-file\``
    const message = [history, ...evidence, hint].join('. ')
    return { event: 'unknown', code: 'outcome_unknown', message: record.scrub(message), hint: record.scrub(hint) }
  }
  if (newToken !== undefined) {
    return unknown(
      'Find out with getAccountInfo which token works',
      '`new-tokens-file` has another token of the installation, which may be newer than this rotation or older',
    )
  }
  if (!isRefund(operation)) return unknown(advice)
  const { before } = sent
  if (!before) return unknown(advice, 'The journal does not say what the invoice showed before')
  const after = refunds.readingAfter(key)
  if (after && hasArrived(before, after, record.request)) {
    const message = `The next refund of the invoice showed that it arrived: the invoice was ${describeReading(after)}`
    return { event: 'succeeded', status: 'accepted', message: record.scrub(message) }
  }
  const found = await findRefund(options, before)
  if (found.arrived && !refunds.isAmbiguous(key)) return { event: 'succeeded', status: 'accepted' }
  return unknown(advice, `Looked up just now: ${found.arrived ? ambiguousRefund : found.evidence}`)
}
