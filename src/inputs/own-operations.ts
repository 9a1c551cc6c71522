// The operations of this action that are not operations of the API: what they are called, and which inputs they use.

export const ownOperations = [
  {
    name: 'mergeJournals',
    id: 'merge-journals',
    usesInput: 'usedByMerge',
    unusedReason: 'it reads journals, and sends nothing',
  },
  {
    name: 'trackInvoices',
    id: 'track-invoices',
    usesInput: 'usedByTracking',
    unusedReason: 'it only reads the invoices of journals',
  },
] as const

export type OwnOperation = (typeof ownOperations)[number]

export type OwnOperationName = OwnOperation['name']

/** The names that the input `operation` accepts for them. */
export const ownOperationNames: readonly string[] = ownOperations.flatMap(({ name, id }) => [name, id])

/** The operation of ours with this name; undefined if there is none. */
export const findOwnOperation = (name: string): OwnOperation | undefined =>
  ownOperations.find((own) => own.name === name || own.id === name)
