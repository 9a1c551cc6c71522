// Why an operation fails: the codes of the register that it can have, with their meanings and remedies.

import { failures } from '../../src/failure-register.ts'
import type { Operation, OperationName } from '../../src/operations/catalogue.ts'
import { isRefund } from '../../src/operations/operation.ts'
import { code, table } from './markdown.ts'

type RegisteredCode = keyof typeof failures

/** The operations that Vercel can answer with 409. See https://vercel.com/docs/rest-api/marketplace */
const conflicting: readonly OperationName[] = [
  'importResource',
  'replaceGlobalConfig',
  'revokeInstallationCredential',
  'rotateInstallationCredential',
  'submitInvoice',
  'updateInvoice',
  'updateResource',
  'updateResourceSecrets',
  'updateResourceSecretsById',
]

/** What Vercel found wrong in a 2xx response. */
const responseFailures: Partial<Record<OperationName, RegisteredCode>> = {
  revokeInstallationCredential: 'not_revoked',
  submitInvoice: 'validation_failed',
}

const rotationFailures: readonly RegisteredCode[] = ['no_token', 'store_failed', 'github_refused', 'github_unreachable']

/** The codes of an operation's failures, apart from those that every step can have. */
function codesOf(operation: Operation): RegisteredCode[] {
  const { name, anonymous, body, money, retry, canWait, rotatesCredential } = operation
  const response = responseFailures[name]
  const hasKey = retry === 'idempotency-key'
  return [
    ...(body ? (['invalid_payload'] as const) : []),
    ...(money ? (['amount_exceeded'] as const) : []),
    ...(anonymous ? [] : (['http_401', 'http_403'] as const)),
    'http_404',
    ...(conflicting.includes(name) ? (['http_409'] as const) : []),
    ...(anonymous ? [] : (['http_410'] as const)),
    ...(response ? [response] : []),
    ...(isRefund(operation) ? (['refund_present', 'refund_too_large'] as const) : []),
    ...(rotatesCredential ? rotationFailures : []),
    ...(retry === 'unsafe' || hasKey ? (['outcome_unknown'] as const) : []),
    ...(retry === 'idempotent' || hasKey ? (['timeout', 'broken'] as const) : []),
    'throttled',
    ...(canWait ? (['wait_timeout', 'state_unreachable'] as const) : []),
    ...(canWait && hasKey ? (['duplicate_without_id', 'accepted_without_id'] as const) : []),
  ]
}

const rowOf = (failure: RegisteredCode) => {
  const { meaning, remedy } = failures[failure]
  return [code(failure), meaning, remedy]
}

const head = ['`errorCode`', 'what it means', 'what to do']

/** All failures. */
export const allFailures = (): string => table(head, (Object.keys(failures) as RegisteredCode[]).map(rowOf))

/** The failures of an operation. */
export const failureTable = (operation: Operation): string => table(head, codesOf(operation).map(rowOf))

/** Some failures. */
export const failuresWith = (codes: readonly RegisteredCode[]): string => table(head, codes.map(rowOf))
