// The states of an invoice and which can follow which (Vercel's billing documentation).

const next = {
  draft: ['pending', 'scheduled', 'invoiced'],
  pending: ['scheduled', 'invoiced'],
  scheduled: ['invoiced'],
  invoiced: ['paid', 'notpaid', 'overdue'],
  // A payment that failed is tried again, up to nine times; one that is overdue can still be made.
  notpaid: ['paid', 'overdue'],
  overdue: ['paid', 'notpaid'],
  paid: ['refund_requested'],
  refund_requested: ['refunded'],
  // A part was paid back; another may follow.
  refunded: ['refund_requested'],
} as const satisfies Record<string, readonly string[]>

export type InvoiceState = keyof typeof next

export const invoiceStates = Object.keys(next) as InvoiceState[]

const isState = (state: string): state is InvoiceState => Object.hasOwn(next, state)

/** Whether a state can still come, from one that an invoice is in. From a state that is new to us anything can. */
export function canReach(from: string, wanted: readonly string[]): boolean {
  const seen = new Set<string>([from])
  for (const state of seen) {
    if (!isState(state) || wanted.includes(state)) return true
    for (const following of next[state]) seen.add(following)
  }
  return false
}
