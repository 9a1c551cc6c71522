// Loads the family of one operation: a step runs one, and the other families stay on disk.

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

/** The names of an operation's row in the index. */
export const entryOf = (name: OperationName): IndexEntry => operationIndex[name]

/** All names of an operation. */
export const namesIn = (name: OperationName) => namesOf({ name, sdkName: name, id: kebabCase(name), ...entryOf(name) })

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
