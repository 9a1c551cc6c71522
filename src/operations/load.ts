// Loads the family of one operation: a step runs one, and the other families stay on disk.

import { quote } from '../format.ts'
import { nearest } from '../payload/suggest.ts'
import type { OperationDefinition } from './definition.ts'
import { type IndexEntry, operationIndex } from './index.generated.ts'
import { type Family, kebabCase, namesOf, type Operation, type OperationName, operationsOf } from './operation.ts'

const families: Record<Family, () => Promise<Readonly<Record<string, OperationDefinition>>>> = {
  installation: async () => (await import('./installation.ts')).installationOperations,
  resources: async () => (await import('./resources.ts')).resourceOperations,
  billing: async () => (await import('./billing.ts')).billingOperations,
  sso: async () => (await import('./sso.ts')).ssoOperations,
  experimentation: async () => (await import('./experimentation.ts')).experimentationOperations,
}

/** The short names of all operations. */
export const operationNames = Object.keys(operationIndex) as readonly OperationName[]

const entryOf = (name: OperationName): IndexEntry => operationIndex[name]

const namesIn = (name: OperationName) => namesOf({ name, sdkName: name, id: kebabCase(name), ...entryOf(name) })

/** The operation that was probably meant by a name, or one of some other names; undefined if none is similar. */
function suggestName(name: string, others: readonly string[]): string | undefined {
  const searched = new Map(
    operationNames.flatMap((known) => (entryOf(known).searchedAs ?? []).map((text) => [text, known] as const)),
  )
  const near = nearest(name, [...operationNames.flatMap(namesIn), ...others, ...searched.keys()])
  return near && (searched.get(near) ?? near)
}

/** The operations whose names contain a word of another name: `bill` finds submitInvoice, which is searched as `billInvoice`. */
function relatedNames(name: string): OperationName[] {
  const words = name.slice(0, 200).match(/[A-Z]?[a-z]{3,}/g) ?? []
  const contains = (text: string) => words.some((word) => text.toLowerCase().includes(word.toLowerCase()))
  return operationNames.filter((known) => [...namesIn(known), ...(entryOf(known).searchedAs ?? [])].some(contains))
}

/** The sentences about a name that is not an operation's. @param others  the names of operations that are ours */
export function unknownOperation(name: string, others: readonly string[]): string {
  const near = suggestName(name, others)
  const related = near ? [] : relatedNames(name)
  const similar = near
    ? `; did you mean \`${near}\`?`
    : `.${related.length > 0 ? ` Related: ${related.join(', ')}.` : ''}`
  return `There is no operation ${quote(name)}${similar} All operations: docs/operations.md`
}

/** Loads the operation with this name, which may be any of its names; undefined if there is none. */
export async function loadOperationByName(name: string): Promise<Operation | undefined> {
  const known = operationNames.find((candidate) => namesIn(candidate).includes(name))
  return known && loadOperation(known)
}

/** Loads an operation. */
export async function loadOperation(name: OperationName): Promise<Operation> {
  const { family } = entryOf(name)
  const operation = operationsOf(family, await families[family]()).find((candidate) => candidate.name === name)
  if (!operation) throw new Error(`src/operations/index.generated.ts is out of date: run npm run docs`)
  return operation
}
