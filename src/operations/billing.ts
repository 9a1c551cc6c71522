// Usage, invoices, refunds and prepaid balances.
// See https://vercel.com/docs/integrations/create-integration/billing

import { quote } from '../format.ts'
import {
  choice,
  decimal,
  defaulted,
  flag,
  isObject,
  list,
  number,
  object,
  oneOf,
  optional,
  text,
  time,
} from '../payload/schema.ts'
import { checkBillingData, checkInvoice, checkRefund, checkRefusals } from './billing-rules.ts'
import { type ArrivalProof, existsAlready, operation, type ResponseFailure } from './definition.ts'
import { balanceOf, formatMoney, sumOf } from './money.ts'
import { installationPath } from './paths.ts'

const span = {
  start: optional(time()),
  end: optional(time()),
}

const item = object({
  resourceId: optional(text()),
  billingPlanId: text(),
  ...span,
  name: text(),
  details: optional(text()),
  price: decimal(),
  quantity: number(),
  units: text(),
  total: decimal(),
})

const discount = object({
  resourceId: optional(text()),
  billingPlanId: text(),
  ...span,
  name: text(),
  details: optional(text()),
  amount: decimal(),
})

const period = object({ start: time(), end: time() })

const usageMetric = object({
  resourceId: optional(text()),
  name: text(),
  type: choice(['total', 'interval', 'rate']),
  units: text(),
  dayValue: number(),
  periodValue: number(),
  planValue: optional(number()),
})

const interimCharges = object({ items: list(item), discounts: optional(list(discount)) })

const timestamp = defaulted(time(), (now) => now)

/** An invoice with this key exists. A 409 that is about another thing, such as a discount or the period, does not say so. */
const invoiceExists: ArrivalProof = {
  ...existsAlready,
  saysNot: new RegExp(
    `${existsAlready.saysNot?.source}|\\bdiscounts?\\b|\\bitems?\\b|^(?!.*external.?id).*\\bperiods?\\b`,
    'i',
  ),
}

/** The errors that Vercel found in a test invoice. */
function validationFailure(result: unknown, { test }: { test?: unknown }): ResponseFailure | undefined {
  const { validationErrors: found } = isObject(result) ? result : {}
  const isOne = typeof found === 'string' ? found !== '' : isObject(found) && Object.keys(found).length > 0
  const validationErrors = isOne ? [found] : found
  // A real invoice was accepted even if the response lists errors.
  if (test === undefined || !Array.isArray(validationErrors) || validationErrors.length === 0) return undefined
  const problems = validationErrors.map((error) => {
    const { message } = isObject(error) ? error : {}
    return `Vercel's check of the test invoice: ${typeof error === 'string' ? error : (message ?? JSON.stringify(error))}`
  })
  return { code: 'validation_failed', message: 'Vercel found errors in the test invoice', problems }
}

export const billingOperations = {
  submitBillingData: operation({
    id: 'submit-billing-data',
    searchedAs: ['submitUsage', 'reportUsage'],
    method: 'POST',
    path: `${installationPath}/billing`,
    retry: 'idempotent',
    purpose: 'reports the usage and interim costs of a day',
    money: {
      label: 'Reported',
      noun: 'report',
      amountOf: ({ billing }) => balanceOf(Array.isArray(billing) ? { items: billing } : billing),
    },
    sdkFunction: async () =>
      (await import('@vercel/sdk/funcs/marketplaceSubmitBillingData.js')).marketplaceSubmitBillingData,
    body: object({
      timestamp,
      eod: time(),
      period,
      billing: oneOf([interimCharges, list(item)], (value) => (Array.isArray(value) ? 1 : 0)),
      usage: list(usageMetric),
    }),
    rules: checkBillingData,
    refusals: checkRefusals,
  }),
  submitInvoice: operation({
    id: 'submit-invoice',
    searchedAs: ['createInvoice', 'sendInvoice', 'billInvoice'],
    method: 'POST',
    path: `${installationPath}/billing/invoices`,
    retry: 'idempotency-key',
    purpose: 'bills the customer',
    hasInvoice: true,
    onDuplicate: ['fail', 'succeed'],
    canWait: true,
    statusOf: ({ test }) => (test?.validate ? 'validated' : 'accepted'),
    money: { label: 'Billed', noun: 'invoice', amountOf: balanceOf, isTest: ({ test }) => test !== undefined },
    billsPlansOnce: true,
    arrivalProofs: [invoiceExists],
    failureIn: validationFailure,
    unknownOutcomeAdvice: ({ body: { externalId } }) =>
      externalId === undefined
        ? "Look for the invoice in Vercel's integration console before you send it again, or the customer may be billed twice"
        : `Run the step again unchanged: the externalId ${quote(externalId, 200)} prevents a second bill`,
    unknownRecordAdvice: "Look for the invoice in Vercel's integration console: if it is missing there",
    sdkFunction: async () => (await import('@vercel/sdk/funcs/marketplaceSubmitInvoice.js')).marketplaceSubmitInvoice,
    body: object({
      externalId: optional(text()),
      invoiceDate: time(),
      memo: optional(text()),
      period,
      items: list(item),
      discounts: optional(list(discount)),
      final: optional(flag()),
      test: optional(
        object({
          validate: optional(flag()),
          result: optional(choice(['paid', 'notpaid', 'overdue'])),
        }),
      ),
    }),
    rules: checkInvoice,
    refusals: checkRefusals,
  }),
  getInvoice: operation({
    id: 'get-invoice',
    method: 'GET',
    path: `${installationPath}/billing/invoices/{invoiceId}`,
    retry: 'idempotent',
    purpose: 'reads an invoice and its state',
    hasInvoice: true,
    returnsInvoice: true,
    canWait: true,
    statusField: { name: 'state', meaning: "the invoice's state" },
    sdkFunction: async () => (await import('@vercel/sdk/funcs/marketplaceGetInvoice.js')).marketplaceGetInvoice,
  }),
  updateInvoice: operation({
    id: 'update-invoice',
    searchedAs: ['refundInvoice', 'refund', 'creditInvoice'],
    method: 'POST',
    path: `${installationPath}/billing/invoices/{invoiceId}/actions`,
    retry: 'unsafe',
    purpose: 'refunds an invoice, in full or in part',
    hasInvoice: true,
    onDuplicate: ['fail', 'succeed', 'send'],
    canWait: true,
    money: { label: 'Refunded', noun: 'refund', amountOf: ({ total }) => formatMoney(sumOf([total])) },
    lookUp: 'refund',
    unknownOutcomeAdvice: ({ params }) =>
      `Read the invoice ${params.invoiceId ?? ''} with getInvoice before you refund it again`,
    unknownRecordAdvice:
      'Another run reads the invoice again. If the outcome stays unknown, read the invoice with getInvoice: if it does not show the refund',
    sdkFunction: async () => (await import('@vercel/sdk/funcs/marketplaceUpdateInvoice.js')).marketplaceUpdateInvoice,
    body: object({
      action: choice(['refund']),
      reason: text(),
      total: decimal(),
    }),
    rules: checkRefund,
  }),
  submitPrepaymentBalances: operation({
    id: 'submit-prepayment-balances',
    method: 'POST',
    path: `${installationPath}/billing/balance`,
    retry: 'idempotent',
    purpose: 'reports the remaining prepaid credit',
    sdkFunction: async () =>
      (await import('@vercel/sdk/funcs/marketplaceSubmitPrepaymentBalances.js')).marketplaceSubmitPrepaymentBalances,
    body: object({
      timestamp,
      balances: list(
        object({
          resourceId: optional(text()),
          credit: optional(text()),
          nameLabel: optional(text()),
          currencyValueInCents: number(),
        }),
      ),
    }),
  }),
  finalizeInstallation: operation({
    id: 'finalize-installation',
    method: 'POST',
    path: `${installationPath}/billing/finalize`,
    retry: 'idempotent',
    purpose: 'declares that no more invoices follow for an uninstalled installation',
    arrivalProofs: [
      { statuses: [409], says: /already|finali[sz]ed/i },
      // It ends the token, so that the retry is refused.
      { statuses: [401, 403, 410] },
    ],
    sdkFunction: async () =>
      (await import('@vercel/sdk/funcs/marketplaceFinalizeInstallation.js')).marketplaceFinalizeInstallation,
  }),
}
