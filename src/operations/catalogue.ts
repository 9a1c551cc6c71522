// The catalogue of all operations, by name.

import { billingOperations } from './billing.ts'
import type { OperationDefinition, PathParameter } from './definition.ts'
import { experimentationOperations } from './experimentation.ts'
import { installationOperations } from './installation.ts'
import { resourceOperations } from './resources.ts'
import { ssoOperations } from './sso.ts'

const families = {
  installation: installationOperations,
  resources: resourceOperations,
  billing: billingOperations,
  sso: ssoOperations,
  experimentation: experimentationOperations,
}

/** A group of operations that share a file. */
export type Family = keyof typeof families

/** The name of an operation in this project: the SDK's, or a short one if the SDK's is unusable. */
export type OperationName = { [F in Family]: keyof (typeof families)[F] }[Family]

/** An operation with what follows from its definition. */
export type Operation = OperationDefinition & {
  readonly name: OperationName
  /** The SDK's name, which is the output `operation`. */
  readonly sdkName: string
  readonly family: Family
  /** In the order of the path. */
  readonly pathParameters: readonly PathParameter[]
}

/** All operations. */
export const operations: readonly Operation[] = Object.entries(families).flatMap(([family, definitions]) =>
  Object.entries<OperationDefinition>(definitions).map(([name, definition]) => ({
    sdkName: name,
    ...definition,
    name: name as OperationName,
    family: family as Family,
    pathParameters: [...definition.path.matchAll(/\{(\w+)\}/g)].map(([, parameter]) => parameter as PathParameter),
  })),
)

/** Every name of an operation: ours, the SDK's and the API's, without duplicates. */
export const namesOf = ({ name, sdkName, id }: Operation): string[] => [...new Set([name, sdkName, id])]

const byName = new Map(operations.flatMap((operation) => namesOf(operation).map((name) => [name, operation])))

/** The operation with one of its names, or undefined. */
export const findOperation = (name: string): Operation | undefined => byName.get(name)

/** The operation with a name of ours. */
export const operationNamed = (name: OperationName): Operation => byName.get(name) as Operation
