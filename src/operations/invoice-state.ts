// The states of an invoice, and which can follow which.
// See https://vercel.com/docs/integrations/create-integration/billing

const next = {
  draft: ['pending', 'scheduled', 'invoiced'],
  pending: ['scheduled', 'invoiced'],
  scheduled: ['invoiced'],
  invoiced: ['paid', 'notpaid', 'overdue'],
  // Vercel retries a failed payment up to nine times. An overdue invoice can still be paid.
  notpaid: ['paid', 'overdue'],
  overdue: ['paid', 'notpaid'],
  paid: ['refund_requested'],
  refund_requested: ['refunded'],
  // After a partial refund another one may follow.
  refunded: ['refund_requested'],
} as const satisfies Record<string, readonly string[]>

/** A state of an invoice. */
export type InvoiceState = keyof typeof next

/** The days that a customer has to pay, from the invoice's date on. */
export const daysToPay = 15

/** All known states. */
export const invoiceStates = Object.keys(next) as InvoiceState[]

const isState = (state: string): state is InvoiceState => Object.hasOwn(next, state)

/** Whether an invoice can still reach one of the wanted states. From an unknown state it can reach any. */
export function canReach(from: string, wanted: readonly string[]): boolean {
  const seen = new Set<string>([from])
  for (const state of seen) {
    if (!isState(state) || wanted.includes(state)) return true
    for (const following of next[state]) seen.add(following)
  }
  return false
}
