// An operation: its definition with the names that follow from where it stands.

import type { billingOperations } from './billing.ts'
import type { OperationDefinition, PathParameter } from './definition.ts'
import type { experimentationOperations } from './experimentation.ts'
import type { installationOperations } from './installation.ts'
import type { resourceOperations } from './resources.ts'
import type { ssoOperations } from './sso.ts'

interface Families {
  installation: typeof installationOperations
  resources: typeof resourceOperations
  billing: typeof billingOperations
  sso: typeof ssoOperations
  experimentation: typeof experimentationOperations
}

export type Family = keyof Families

/** The name of an operation in this project: the SDK's, or a short one if the SDK's is unusable. */
export type OperationName = { [F in Family]: keyof Families[F] }[Family]

export type Operation = OperationDefinition & {
  readonly name: OperationName
  /** The SDK's name of it, which the output `operation` shows. */
  readonly sdkName: string
  readonly family: Family
  /** In the order of the path. */
  readonly pathParameters: readonly PathParameter[]
}

/** The operations of a family's definitions. */
export const operationsOf = (
  family: Family,
  definitions: Readonly<Record<string, OperationDefinition>>,
): readonly Operation[] =>
  Object.entries(definitions).map(([name, definition]) => ({
    sdkName: name,
    ...definition,
    name: name as OperationName,
    family,
    pathParameters: [...definition.path.matchAll(/\{(\w+)\}/g)].map(([, parameter]) => parameter as PathParameter),
  }))

/** `submitInvoice` → `submit-invoice`: how the API makes an id of a name. */
export const kebabCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

/** Whether a lost response is resolved by reading the invoice: the operation is a refund, which is unsafe to repeat. */
export const isRefund = (operation: Operation): boolean => operation.retry === 'unsafe' && operation.lookUp === 'refund'

/** Whether a request only reads, so that its outcome does not matter (RFC 9110 §9.2.1). */
export const onlyReads = ({ method }: { readonly method: string }): boolean => method === 'GET' || method === 'HEAD'

/** Every name of an operation: its own, the SDK's, the API's. */
export const namesOf = ({ name, sdkName, id }: Pick<Operation, 'name' | 'sdkName' | 'id'>): string[] => [
  ...new Set([name, sdkName, id]),
]
