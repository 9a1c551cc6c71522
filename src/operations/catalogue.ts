// The catalogue: all operations at once, for the sandbox, documents and tests. A step loads one family: see load.ts.

import { billingOperations } from './billing.ts'
import { experimentationOperations } from './experimentation.ts'
import { installationOperations } from './installation.ts'
import { namesOf, type Operation, type OperationName, operationsOf } from './operation.ts'
import { resourceOperations } from './resources.ts'
import { ssoOperations } from './sso.ts'

export { type Family, namesOf, type Operation, type OperationName } from './operation.ts'

export const operations: readonly Operation[] = [
  ...operationsOf('installation', installationOperations),
  ...operationsOf('resources', resourceOperations),
  ...operationsOf('billing', billingOperations),
  ...operationsOf('sso', ssoOperations),
  ...operationsOf('experimentation', experimentationOperations),
]

const byName = new Map(operations.flatMap((operation) => namesOf(operation).map((name) => [name, operation])))

/** The operation with this name, if there is one. */
export const findOperation = (name: string): Operation | undefined => byName.get(name)

/** The operation with this name. */
export const operationNamed = (name: OperationName): Operation => byName.get(name) as Operation
