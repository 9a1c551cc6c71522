import { expect, test } from 'vitest'
import { type OperationName, operations } from '../../src/operations/catalogue.ts'
import type { PathParameter } from '../../src/operations/definition.ts'
import { invoiceIds, outcomeOf } from '../../src/operations/outcome.ts'
import type { MarketplaceRequest } from '../../src/operations/request.ts'

interface Sent {
  readonly params?: Partial<Record<PathParameter, string>>
  readonly body?: Record<string, unknown>
}
const outcome = (name: OperationName, { params = {}, body }: Sent, answer: unknown) => {
  const operation = operations.find((operation) => operation.name === name) as MarketplaceRequest['operation']
  return outcomeOf({ operation, params, body, redacted: () => undefined }, answer)
}
const tokens = { id_token: 'id', access_token: 'access', refresh_token: 'refresh' }
const issued = { idToken: 'id', accessToken: 'access', refreshToken: 'refresh' }

test.each<[OperationName, Sent, answer: unknown, outputs: object]>([
  ['getAccountInfo', {}, { name: 'x' }, { status: 'accepted' }],
  ['finalizeInstallation', {}, undefined, { status: 'accepted' }],
  ['getIntegrationResource', {}, { status: 'suspended' }, { status: 'suspended' }],
  ['getIntegrationResource', {}, {}, { status: 'accepted' }],
  ['getInvoice', { params: { invoiceId: 'i1' } }, { state: 'paid' }, { status: 'paid', invoiceId: 'i1' }],
  [
    'getInvoice',
    { params: { invoiceId: 'i1' } },
    { state: 'a new one', invoiceId: 'i1', externalId: 'e1' },
    { status: 'a new one', invoiceId: 'i1', externalId: 'e1' },
  ],
  ['getInvoice', { params: { invoiceId: 'i1' } }, { state: 1 }, { status: 'accepted', invoiceId: 'i1' }],
  [
    'submitInvoice',
    { body: { externalId: 'e1' } },
    { invoiceId: 'i1' },
    { status: 'accepted', invoiceId: 'i1', externalId: 'e1' },
  ],
  ['getInvoice', { params: { invoiceId: 'i1' } }, { state: '' }, { status: 'accepted', invoiceId: 'i1' }],
  // A number is an id of an invoice, and not one of a partner's.
  ['submitInvoice', { body: {} }, { invoiceId: 7, externalId: 8 }, { status: 'accepted', invoiceId: '7' }],
  ['submitInvoice', { body: {} }, 'no object', { status: 'accepted' }],
  ['submitInvoice', { body: { test: { validate: true } } }, {}, { status: 'validated' }],
  ['submitInvoice', { body: { test: { result: 'paid' } } }, {}, { status: 'accepted' }],
  ['updateInvoice', { params: { invoiceId: 'i1' }, body: {} }, {}, { status: 'accepted', invoiceId: 'i1' }],
  ['exchangeSsoToken', {}, tokens, { status: 'accepted', ...issued }],
  ['rotateInstallationCredential', {}, { access_token: 'access' }, { status: 'accepted', accessToken: 'access' }],
  ['rotateInstallationCredential', {}, { access_token: '' }, { status: 'accepted' }],
  // A resource of a partner's may have fields of these names.
  ['getIntegrationResource', {}, { ...tokens, invoiceId: 'x', externalId: 'y' }, { status: 'accepted' }],
])('%s with %j answered %j', (name, sent, answer, outputs) => {
  expect(outcome(name, sent, answer)).toStrictEqual(outputs)
})

test.each<[OperationName, Sent, ids: object]>([
  ['updateInvoice', { params: { invoiceId: 'i1' }, body: {} }, { invoiceId: 'i1' }],
  ['submitInvoice', { body: { externalId: 'e1' } }, { externalId: 'e1' }],
  ['submitInvoice', { body: { externalId: 1 } }, {}],
  ['submitInvoice', {}, {}],
  ['getIntegrationResource', { params: { invoiceId: 'i1' }, body: { externalId: 'e1' } }, {}],
])('without a response %s with %j has the ids %j', (name, { params = {}, body }, ids) => {
  const operation = operations.find((operation) => operation.name === name) as MarketplaceRequest['operation']
  expect(invoiceIds({ operation, params, body, redacted: () => undefined })).toStrictEqual(ids)
})
