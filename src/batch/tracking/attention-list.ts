// The first invoices that need somebody, for the summary and the annotations.

import { type TrackedInvoice, unpaidStates } from './tracked-invoice.ts'

/** As many as a table of the summary shows. */
const maxAttentionRows = 50

const attentionKinds = ['unpaid', 'refunded', 'unreadable', 'unknown'] as const

type AttentionKind = (typeof attentionKinds)[number]

function kindOfAttention({ status }: TrackedInvoice): AttentionKind | undefined {
  if (unpaidStates.includes(status)) return 'unpaid'
  return attentionKinds.find((kind) => kind === status)
}

interface Listed {
  readonly index: number
  readonly row: TrackedInvoice
}

/** Keeps the oldest unpaid invoices, and the first of each other kind. */
export class AttentionList {
  readonly #lists: Record<AttentionKind, Listed[]> = { unpaid: [], refunded: [], unreadable: [], unknown: [] }

  /** Puts a row in the list of its status, in place of the row that had the index before. */
  update(index: number, row: TrackedInvoice): void {
    for (const kind of attentionKinds) {
      const at = this.#lists[kind].findIndex((listed) => listed.index === index)
      if (at >= 0) this.#lists[kind].splice(at, 1)
    }
    const kind = kindOfAttention(row)
    if (!kind) return
    const list = this.#lists[kind]
    const listed = { index, row }
    const at = list.findIndex((other) => isBefore(kind, listed, other))
    list.splice(at < 0 ? list.length : at, 0, listed)
    list.length = Math.min(list.length, maxAttentionRows)
  }

  /** The rows of a kind: unpaid ones from the oldest invoice date on, others in the order of the journals. */
  rows(kind: AttentionKind): readonly TrackedInvoice[] {
    return this.#lists[kind].map(({ row }) => row)
  }
}

function isBefore(kind: AttentionKind, one: Listed, other: Listed): boolean {
  const [time, otherTime] = kind === 'unpaid' ? [invoiceTime(one), invoiceTime(other)] : [0, 0]
  return time === otherTime ? one.index < other.index : time < otherTime
}

/** Invoices without a date come last. */
function invoiceTime({ row }: Listed): number {
  const time = Date.parse(row.invoiceDate ?? '')
  return Number.isNaN(time) ? Number.POSITIVE_INFINITY : time
}
