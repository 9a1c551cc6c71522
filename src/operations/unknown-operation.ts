// What to say about a name that is not an operation's. Loaded only for such a name.

import { quote } from '../format.ts'
import { nearest } from '../payload/suggest.ts'
import { entryOf, namesIn, operationNames } from './load.ts'
import type { OperationName } from './operation.ts'

/** What else an operation is searched as. */
const searchedNames = (known: OperationName): readonly string[] => entryOf(known).searchedAs ?? []

/** The operation that was probably meant by a name, or one of some other names; undefined if none is similar. */
function suggestName(name: string, others: readonly string[]): string | undefined {
  const searched = new Map(
    operationNames.flatMap((known) => searchedNames(known).map((text) => [text, known] as const)),
  )
  const near = nearest(name, [...operationNames.flatMap(namesIn), ...others, ...searched.keys()])
  return near && (searched.get(near) ?? near)
}

/** The operations whose names contain a word of another name: `bill` finds submitInvoice, which is searched as `billInvoice`. */
function relatedNames(name: string): OperationName[] {
  const words = name.slice(0, 200).match(/[A-Z]?[a-z]{3,}/g) ?? []
  const contains = (text: string) => words.some((word) => text.toLowerCase().includes(word.toLowerCase()))
  return operationNames.filter((known) => [...namesIn(known), ...searchedNames(known)].some(contains))
}

/** The sentences about a name that is not an operation's. @param others  the names of operations that are ours */
export function unknownOperation(name: string, others: readonly string[]): string {
  const near = suggestName(name, others)
  const similar = near ? `; did you mean \`${near}\`?` : `.${relatedHint(relatedNames(name))}`
  return `There is no operation ${quote(name)}${similar} All operations: docs/operations.md`
}

const relatedHint = (related: readonly string[]) => (related.length > 0 ? ` Related: ${related.join(', ')}.` : '')
