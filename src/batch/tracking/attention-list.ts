// The first invoices that need somebody, for the summary and the annotations.

import { invoiceTime, type TrackedInvoice, unpaidStates } from './tracked-invoice.ts'

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
  /** By which the list is sorted, before the index. Unpaid invoices without a date come last. */
  readonly order: number
}

/** Keeps the oldest unpaid invoices, and the first of each other kind. */
export class AttentionList {
  readonly #lists: Record<AttentionKind, Listed[]> = { unpaid: [], refunded: [], unreadable: [], unknown: [] }
  /** The list that has the row of an index. */
  readonly #kinds = new Map<number, AttentionKind>()

  /** Puts a row in the list of its status, in place of the row that had the index before. */
  update(index: number, row: TrackedInvoice): void {
    this.#remove(index)
    const kind = kindOfAttention(row)
    if (!kind) return
    const list = this.#lists[kind]
    const order = kind === 'unpaid' ? (invoiceTime(row) ?? Number.POSITIVE_INFINITY) : 0
    const listed = { index, row, order }
    const last = list.at(-1)
    if (last && list.length === maxAttentionRows && !isBefore(listed, last)) return
    const at = list.findIndex((other) => isBefore(listed, other))
    list.splice(at < 0 ? list.length : at, 0, listed)
    this.#kinds.set(index, kind)
    for (const { index: dropped } of list.splice(maxAttentionRows)) this.#kinds.delete(dropped)
  }

  /** The rows of a kind: unpaid ones from the oldest invoice date on, others in the order of the journals. */
  rows(kind: AttentionKind): readonly TrackedInvoice[] {
    return this.#lists[kind].map(({ row }) => row)
  }

  #remove(index: number): void {
    const kind = this.#kinds.get(index)
    if (!kind) return
    const list = this.#lists[kind]
    list.splice(
      list.findIndex((listed) => listed.index === index),
      1,
    )
    this.#kinds.delete(index)
  }
}

const isBefore = (one: Listed, other: Listed): boolean =>
  one.order === other.order ? one.index < other.index : one.order < other.order
