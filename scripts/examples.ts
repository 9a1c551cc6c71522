// The payloads of examples/operations, and the order in which they run one after another.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Operation, type OperationName, operations } from '../src/operations/catalogue.ts'

/** The values of the environment variables that the payloads refer to with `$env`. */
export const exampleSecrets = {
  CLIENT_SECRET: 'client-secret-1',
  DATABASE_URL: 'pg://user:password@db',
  OLD_TOKEN: 'an-old-token',
  PREVIEW_DATABASE_URL: 'pg://user:password@preview',
  SSO_CODE: 'sso-code-1',
  SSO_STATE: 'sso-state-1',
}

/** Returns the payload of an operation as YAML, including the comment in its first line. */
export const exampleOf = (name: OperationName): string =>
  readFileSync(join(import.meta.dirname, '..', 'examples', 'operations', `${name}.yml`), 'utf8')

/** The operations that create what the other examples need, in the order in which they run. */
export const prerequisites: readonly OperationName[] = [
  'importResource',
  'createExperimentationItems',
  'replaceGlobalConfig',
  'submitInvoice',
]

/** Refunds come after the operations that read invoices, and deletions last, the resource after what it contains. */
function rank({ name, method, pathParameters }: Operation): number {
  if (prerequisites.includes(name)) return prerequisites.indexOf(name)
  if (name === 'updateInvoice') return 8
  return method === 'DELETE' ? 12 - pathParameters.length : 7
}

/** All operations, in an order in which each finds what it needs. */
export const inOrder: readonly Operation[] = operations.toSorted((a, b) => rank(a) - rank(b))
