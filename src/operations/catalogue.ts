// The catalogue: every operation, under each of its names.

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

export type Family = keyof typeof families

/** The name of an operation in this project: the SDK's, or a short one if the SDK's is unusable. */
export type OperationName = { [F in Family]: keyof (typeof families)[F] }[Family]

export type Operation = OperationDefinition & {
  readonly name: OperationName
  /** The SDK's name of it, which the output `operation` shows. */
  readonly sdkName: string
  readonly family: Family
  /** In the order of the path. */
  readonly pathParameters: readonly PathParameter[]
}

export const operations: readonly Operation[] = Object.entries(families).flatMap(([family, definitions]) =>
  Object.entries<OperationDefinition>(definitions).map(([name, definition]) => ({
    sdkName: name,
    ...definition,
    name: name as OperationName,
    family: family as Family,
    pathParameters: [...definition.path.matchAll(/\{(\w+)\}/g)].map(([, parameter]) => parameter as PathParameter),
  })),
)

/** Every name of an operation: its own, the SDK's, the API's. */
export const namesOf = ({ name, sdkName, id }: Operation): string[] => [...new Set([name, sdkName, id])]

const byName = new Map(operations.flatMap((operation) => namesOf(operation).map((name) => [name, operation])))

/** The operation with this name, if there is one. */
export const findOperation = (name: string): Operation | undefined => byName.get(name)

/** The operation with this name. */
export const operationNamed = (name: OperationName): Operation => byName.get(name) as Operation
