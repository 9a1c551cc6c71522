import { expect, test } from 'vitest'
import { type OperationName, operationNamed } from '../../src/operations/catalogue.ts'

test.each<[name: OperationName, params: object, advice: string]>([
  ['updateInvoice', { invoiceId: 'inv_1' }, 'Read the invoice inv_1 with getInvoice before you refund it again'],
  ['exchangeSsoToken', {}, 'A code is valid once: start the sign-in again'],
])('after a lost response to %s the advice is what to do', (name, params, advice) => {
  const operation = operationNamed(name)
  expect(operation.retry === 'unsafe' && operation.unknownOutcomeAdvice({ params, body: {} })).toBe(advice)
})
