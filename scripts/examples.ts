// The payloads of examples/operations, and what it takes to run them one after another.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Operation, type OperationName, operations } from '../src/operations/catalogue.ts'

/** What the payloads refer to by `$env`. */
export const exampleSecrets = {
  CLIENT_SECRET: 'client-secret-1',
  DATABASE_URL: 'pg://user:password@db',
  OLD_TOKEN: 'an-old-token',
  PREVIEW_DATABASE_URL: 'pg://user:password@preview',
  SSO_CODE: 'sso-code-1',
  SSO_STATE: 'sso-state-1',
}

/** The payload of an operation, as YAML, the comment at its head included. */
export const exampleOf = (name: OperationName): string =>
  readFileSync(join(import.meta.dirname, '..', 'examples', 'operations', `${name}.yml`), 'utf8')

/** What makes something that others need. */
const makers = ['importResource', 'createExperimentationItems', 'replaceGlobalConfig', 'submitInvoice']

/** A refund comes after what reads invoices, and what is deleted is gone for the others. */
function rank({ name, method, pathParameters }: Operation): number {
  if (makers.includes(name)) return makers.indexOf(name)
  if (name === 'updateInvoice') return 8
  return method === 'DELETE' ? 12 - pathParameters.length : 7
}

/** All operations, in an order in which each finds what it needs. */
export const inOrder: readonly Operation[] = operations.toSorted((a, b) => rank(a) - rank(b))
