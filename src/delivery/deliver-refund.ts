// Refunds: the invoice is read before one is sent, and again if its response is lost.

import { Failure } from '../failure.ts'
import { type DeliveryOptions, deliver, type Reconciled } from './deliver.ts'
import {
  describeReading,
  earlierRefundsWarning,
  findMadeRefund,
  findRefund,
  type InvoiceReading,
  type OnDuplicate,
  type OwnRefunds,
  presentRefundProblem,
  readInvoice,
  refundSizeProblem,
  withoutOwnRefunds,
} from './refund.ts'

/** A refund that may be sent. */
export interface PreparedRefund {
  /** What the invoice shows before. */
  readonly reading: InvoiceReading
  /** What to check, because the refund may have been made before. */
  readonly warning: string | undefined
}

/** What else the same batch does with an invoice. */
export interface OtherRefunds {
  /** The refunds that it has made. */
  readonly made?: OwnRefunds | undefined
  /** The sum of those that the invoice showed already, so that they were not sent: a decimal. */
  readonly found?: string | undefined
  /** Whether the outcome of one is unknown. */
  readonly isOneUnknown?: boolean
}

/**
 * Reads the invoice that is to be refunded, and decides whether the refund may be sent.
 *
 * @param own  the other refunds of the invoice in the same batch
 * @returns how the request ended if it must not be sent
 */
export async function prepareRefund(
  options: DeliveryOptions,
  onDuplicate: OnDuplicate,
  { made: ownRefunds, found, isOneUnknown = false }: OtherRefunds = {},
): Promise<PreparedRefund | { readonly settled: Reconciled }> {
  const { request, log, failsOnWarning } = options
  const read = await readInvoice(options)
  if ('failure' in read) {
    const message = `The invoice ${request.params.invoiceId} could not be read before the refund, so nothing was sent: ${read.failure.message}`
    return { settled: { attempts: 0, failure: read.failure.with({ message }) } }
  }
  const { reading } = read
  log.info(`invoice ${request.params.invoiceId}: ${describeReading(reading)}`)
  const others = withoutOwnRefunds(reading, ownRefunds)
  const made = onDuplicate === 'succeed' && !isOneUnknown ? findMadeRefund(others, request, found) : undefined
  if (made) {
    log.info('the invoice already shows a refund with this reason: nothing is sent')
    return { settled: { attempts: 0, duplicate: true, ...made } }
  }
  const warning = earlierRefundsWarning(others, request)
  const failure =
    presentRefundProblem(others, request, { onDuplicate, mayBeOwn: isOneUnknown, found }) ??
    refundSizeProblem(reading, request) ??
    (failsOnWarning && warning !== undefined ? warningFailure(warning) : undefined)
  return failure ? { settled: { attempts: 0, failure } } : { reading, warning }
}

/** A warning about earlier refunds as a failure, because `fail-on-warning` is set. */
const warningFailure = (warning: string) =>
  new Failure('refund_present', `${warning}. Nothing was sent, because of \`fail-on-warning\``)

/** What an invoice shows if its refunds cannot be distinguished. */
export const ambiguousRefund = 'the invoice shows such a refund, but it may be another one of this batch'

/**
 * Sends a refund once. If its response is lost, the invoice is read again.
 *
 * @param prepared  what the invoice showed before
 * @param isAmbiguous  whether other refunds may have changed the invoice since, so that it proves nothing
 */
export async function deliverRefund(
  options: DeliveryOptions,
  { reading, warning }: PreparedRefund,
  isAmbiguous: () => boolean = () => false,
): Promise<Reconciled> {
  const delivery = await deliver(options)
  const { failure, outcomeUnknown, ...rest } = delivery
  if (!failure) return { ...delivery, ...(warning !== undefined && { warning }) }
  if (!outcomeUnknown || options.signal.aborted) return delivery
  const found = await findRefund(options, reading)
  if (found.arrived && !isAmbiguous()) {
    options.log.info('the refund has arrived: the invoice shows it')
    return { ...rest, warning: 'The response to the refund was lost; the invoice shows that the refund was made' }
  }
  const evidence = found.arrived ? ambiguousRefund : found.evidence
  const hint = [failure.hint, `Looked up just now: ${evidence}`].filter(Boolean).join('. ')
  return { ...delivery, failure: failure.with({ hint }) }
}
