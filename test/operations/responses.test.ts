// What is said about a response that was lost, or that is a failure in spite of its status.

import { expect, test } from 'vitest'
import { type OperationName, operationNamed } from '../../src/operations/catalogue.ts'

test.each<[name: OperationName, params: object, advice: string]>([
  ['updateInvoice', { invoiceId: 'inv_1' }, 'Read the invoice inv_1 with getInvoice before you refund it again'],
  ['exchangeSsoToken', {}, 'A code is valid once: start the sign-in again'],
])('after a lost response to %s the advice is what to do', (name, params, advice) => {
  const operation = operationNamed(name)
  expect(operation.retry === 'unsafe' && operation.unknownOutcomeAdvice({ params, body: {} })).toBe(advice)
})

test.each<[name: OperationName, response: unknown, body: object, failure: object | undefined]>([
  ['revokeInstallationCredential', { revoked: true }, {}, undefined],
  ['revokeInstallationCredential', { already_revoked: true }, {}, undefined],
  [
    'revokeInstallationCredential',
    { revoked: false },
    {},
    {
      code: 'not_revoked',
      message: 'Vercel accepted the revocation, but did not confirm that the token is revoked',
      hint: 'Run revokeInstallationCredential for this token again: that does no harm',
      outcomeUnknown: false,
    },
  ],
  ['submitInvoice', { validationErrors: '' }, { test: {} }, undefined],
  ['submitInvoice', { validationErrors: 'no price' }, {}, undefined],
  [
    'submitInvoice',
    { validationErrors: 'no price' },
    { test: {} },
    {
      code: 'validation_failed',
      message: 'Vercel found errors in the test invoice',
      problems: ["Vercel's check of the test invoice: no price"],
    },
  ],
])('%s with the response %j to %j', (name, response, body, failure) => {
  expect(operationNamed(name).failureIn?.(response, body as never)).toEqual(failure)
})
