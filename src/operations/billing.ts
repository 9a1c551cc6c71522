// Usage, invoices, refunds and prepaid balances.

import Big from 'big.js'
import type { Path } from '../failure.ts'
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
import { existsAlready, operation, type ResponseFailure, type RuleReporter } from './definition.ts'
import { balanceOf, sumOf } from './money.ts'
import { installationPath } from './paths.ts'

const span = {
  start: optional(time("Only where it differs from the period's")),
  end: optional(time("Only where it differs from the period's")),
}

const item = object({
  resourceId: optional(text('Your id of the resource')),
  billingPlanId: text('Your id of the plan'),
  ...span,
  name: text('As the customer sees it'),
  details: optional(text()),
  price: decimal('For one unit'),
  quantity: number('How many units'),
  units: text('Such as "GB"'),
  total: decimal('price × quantity'),
})

const discount = object({
  resourceId: optional(text('Your id of the resource')),
  billingPlanId: text('Your id of the plan'),
  ...span,
  name: text('As the customer sees it'),
  details: optional(text()),
  amount: decimal('What is taken off'),
})

const period = object({ start: time(), end: time() }, 'The billing period; both ends belong to it')

const usageMetric = object({
  resourceId: optional(text('Your id of the resource')),
  name: text('Of the metric'),
  type: choice(
    ['total', 'interval', 'rate'],
    'total: measured as a whole, such as a size; interval: used up during the period; rate: per time',
  ),
  units: text('Such as "GB"'),
  dayValue: number('Of the day so far, or the final one'),
  periodValue: number('Of the period so far, or the final one'),
  planValue: optional(number('The limit that the plan sets for a period')),
})

const interimCharges = object({ items: list(item), discounts: optional(list(discount)) })

const timestamp = defaulted(
  time('When the data was measured; only the latest of a day counts. The present time where it is left out'),
  (now) => now,
)

interface Item {
  price: string
  quantity: number
  total: string
  start?: Date | undefined
  end?: Date | undefined
}
interface Discount {
  amount: string
  start?: Date | undefined
  end?: Date | undefined
}
interface Charges {
  items: readonly Item[]
  discounts?: readonly Discount[] | undefined
}
/** Where the charges stand in the body. */
interface Places {
  items: Path
  discounts: Path
}
interface Period {
  start: Date
  end: Date
}

const cent = new Big('0.01')
const day = 24 * 60 * 60 * 1000

/** Lines that do not add up are sent as they are: rounding and minimum prices are the partner's own affair. */
function checkAmounts({ items, discounts = [] }: Charges, places: Places, findings: RuleReporter): void {
  items.forEach(({ price, quantity, total }, index) => {
    const expected = new Big(price).times(quantity)
    if (expected.minus(total).abs().lt(cent)) return
    findings.warn([...places.items, index, 'total'], `is ${total}, but price × quantity is ${expected.round(4)}`)
  })
  const charged = sumOf(items.map(({ total }) => total))
  const off = sumOf(discounts.map(({ amount }) => amount))
  if (off.gt(charged)) {
    findings.warn(places.discounts, `add up to ${off}, which is more than the items' ${charged}`)
  }
  const spans = [
    { path: places.items, of: items },
    { path: places.discounts, of: discounts },
  ]
  for (const { path, of } of spans) {
    of.forEach(({ start, end }, index) => {
      if (start && end && end < start) findings.warn([...path, index, 'end'], 'is before its start')
    })
  }
}

function checkPeriod({ start, end }: Period, { error }: RuleReporter): void {
  if (end < start)
    error(['period', 'end'], `is before the period's start: ${end.toISOString()} < ${start.toISOString()}`)
}

function checkWithin(name: string, at: Date, { start, end }: Period, { error }: RuleReporter): void {
  if (end < start || (at >= start && at <= end)) return
  error([name], `${at.toISOString()} is outside the period, ${start.toISOString()} to ${end.toISOString()}`)
}

/** The errors that Vercel found in a test invoice. */
function validationFailure(result: unknown): ResponseFailure | undefined {
  const { validationErrors } = isObject(result) ? result : {}
  if (!Array.isArray(validationErrors) || validationErrors.length === 0) return undefined
  const problems = validationErrors.map((error) => {
    const { message } = isObject(error) ? error : {}
    return `Vercel's check of the test invoice: ${typeof error === 'string' ? error : (message ?? JSON.stringify(error))}`
  })
  return { code: 'validation_failed', message: 'Vercel found errors in the test invoice', problems }
}

export const billingOperations = {
  submitBillingData: operation({
    id: 'submit-billing-data',
    method: 'POST',
    path: `${installationPath}/billing`,
    retry: 'idempotent',
    purpose: 'reports usage and interim costs of a day',
    money: {
      label: 'Charges so far',
      amountOf: ({ billing }) => balanceOf(Array.isArray(billing) ? { items: billing } : billing),
    },
    sdkFunction: async () =>
      (await import('@vercel/sdk/funcs/marketplaceSubmitBillingData.js')).marketplaceSubmitBillingData,
    body: object({
      timestamp,
      eod: time('The end, in UTC, of the day that the data is for'),
      period,
      billing: oneOf(
        [interimCharges, list(item)],
        (value) => (Array.isArray(value) ? 1 : 0),
        'Interim charges: items and discounts, or a plain list of items',
      ),
      usage: list(usageMetric),
    }),
    rules: ({ eod, period, billing }, findings) => {
      checkPeriod(period, findings)
      checkWithin('eod', eod, period, findings)
      const isOld = (at: Date) => findings.now.getTime() - at.getTime() > day
      const old = 'is over 24 hours ago; Vercel refuses data that old'
      if (isOld(period.end)) findings.warn(['period', 'end'], old)
      if (isOld(eod)) findings.warn(['eod'], old)
      const isList = Array.isArray(billing)
      const places = { items: isList ? ['billing'] : ['billing', 'items'], discounts: ['billing', 'discounts'] }
      checkAmounts(isList ? { items: billing } : billing, places, findings)
    },
  }),
  submitInvoice: operation({
    id: 'submit-invoice',
    method: 'POST',
    path: `${installationPath}/billing/invoices`,
    retry: 'idempotency-key',
    purpose: 'bills the customer',
    hasInvoice: true,
    onDuplicate: ['fail', 'succeed'],
    canWait: true,
    statusOf: ({ test }) => (test?.validate ? 'validated' : 'accepted'),
    money: { label: 'Invoiced', amountOf: balanceOf, isTest: ({ test }) => test !== undefined },
    arrivalProofs: [existsAlready],
    failureIn: validationFailure,
    unknownOutcomeAdvice: ({ body: { externalId } }) =>
      externalId === undefined
        ? "Look for the invoice in Vercel's integration console before you send it again, or the customer may be billed twice"
        : `Run the step again as it is: the externalId ${externalId} keeps the invoice from being billed twice`,
    sdkFunction: async () => (await import('@vercel/sdk/funcs/marketplaceSubmitInvoice.js')).marketplaceSubmitInvoice,
    body: object({
      externalId: optional(text('Your id of the invoice, which Vercel takes once; derived where it is left out')),
      invoiceDate: time('Within the period'),
      memo: optional(text()),
      period,
      items: list(item),
      discounts: optional(list(discount)),
      final: optional(flag('The last invoice of an installation that is being deleted')),
      test: optional(
        object(
          {
            validate: optional(flag('Only check the invoice')),
            result: optional(choice(['paid', 'notpaid', 'overdue'], 'The state that the invoice is to end in')),
          },
          'Sends a test invoice, which bills nobody',
        ),
      ),
    }),
    rules: ({ invoiceDate, period, items, discounts }, findings) => {
      checkPeriod(period, findings)
      checkWithin('invoiceDate', invoiceDate, period, findings)
      checkAmounts({ items, discounts }, { items: ['items'], discounts: ['discounts'] }, findings)
    },
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
    method: 'POST',
    path: `${installationPath}/billing/invoices/{invoiceId}/actions`,
    retry: 'unsafe',
    purpose: 'refunds an invoice, in full or in part',
    hasInvoice: true,
    onDuplicate: ['fail', 'succeed', 'send'],
    canWait: true,
    money: { label: 'Refunded', amountOf: ({ total }) => total },
    lookUp: 'refund',
    unknownOutcomeAdvice: ({ params }) =>
      `Read the invoice ${params.invoiceId ?? ''} with getInvoice before you refund it again`,
    sdkFunction: async () => (await import('@vercel/sdk/funcs/marketplaceUpdateInvoice.js')).marketplaceUpdateInvoice,
    body: object({
      action: choice(['refund']),
      reason: text('As the customer sees it'),
      total: decimal('What is paid back; at most what the invoice has left'),
    }),
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
          resourceId: optional(text('Your id of the resource; left out where the credit is the installation’s')),
          credit: optional(text('As the customer sees it, such as "2,000 Tokens"')),
          nameLabel: optional(text('What the credits are called, such as "Tokens"')),
          currencyValueInCents: number('What the balance is worth, in US cents'),
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
