// The operations of this action that are not operations of the API: what they are called, and which inputs they use. Loaded
// only for a name that is not one of the API's.

import { Failure } from '../failure.ts'
import { operationNames } from '../operations/load.ts'
import { unknownOperation } from '../operations/unknown-operation.ts'

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

/**
 * Finds an operation of ours.
 *
 * @param name  the input `operation`: its name or its id
 * @throws {Failure} if there is none
 */
export function findOwnOperation(name: string): OwnOperation {
  const found = ownOperations.find((own) => own.name === name || own.id === name)
  if (found) return found
  if (name === '') {
    const known = [...operationNames, ...ownOperations.map(({ name }) => name)].join(', ')
    throw new Failure('unknown_operation', `Input \`operation\` is missing. Choose one of: ${known}`)
  }
  const ownNames = ownOperations.flatMap(({ name, id }) => [name, id])
  throw new Failure('unknown_operation', unknownOperation(name, ownNames))
}
