// Summaries of invoices, usage, refunds and balances.

import Big from 'big.js'
import type { billingOperations } from '../../operations/billing.ts'
import { formatMoney } from '../../operations/money.ts'
import {
  codeTag,
  definitionTable,
  entriesOf,
  fieldsOf,
  formatInstant,
  type Html,
  type HtmlContent,
  html,
  type JsonObject,
  scalarText,
  table,
} from './html.ts'
import type { RequestSummary, SectionsOf } from './types.ts'

/** The exact sum of amounts; undefined if one is not a plain decimal. `1e999999999` would have a billion digits. */
function sumOfScalars(amounts: readonly unknown[]): Big | undefined {
  const texts = amounts.map(scalarText)
  return texts.every((text) => text !== undefined && /^-?\d+(\.\d+)?$/.test(text))
    ? texts.reduce((total, text) => total.plus(text as string), new Big(0))
    : undefined
}

function chargesTable(items: readonly JsonObject[], discounts: readonly JsonObject[]): Html | undefined {
  if (items.length + discounts.length === 0) return undefined
  const charged = sumOfScalars(items.map(({ total }) => total))
  const off = sumOfScalars(discounts.map(({ amount }) => amount))
  const total = charged && off && formatMoney(charged.minus(off))
  const rows: HtmlContent[][] = [
    ...items.map(({ name, details, resourceId, price, quantity, units, total }) => [
      html`${scalarText(name)}${details === undefined ? undefined : html`<br><sub>${scalarText(details)}</sub>`}`,
      resourceId === undefined ? '' : codeTag(scalarText(resourceId)),
      html`${scalarText(quantity)} ${scalarText(units)}`,
      scalarText(price),
      scalarText(total),
    ]),
    ...discounts.map(({ name, resourceId, amount }) => [
      html`<i>${scalarText(name)}</i>`,
      resourceId === undefined ? '' : codeTag(scalarText(resourceId)),
      '',
      '',
      html`−${scalarText(amount)}`,
    ]),
  ]
  const sumLine = total === undefined ? undefined : html`<p><b>Total: ${total}</b></p>`
  return html`${table(['Item', 'Resource', 'Quantity>', 'Price>', 'Amount>'], rows)}${sumLine}`
}

const periodOf = (period: unknown): HtmlContent => {
  const { start, end } = fieldsOf(period)
  return start === undefined && end === undefined ? undefined : html`${formatInstant(start)} – ${formatInstant(end)}`
}

function invoice(fields: JsonObject, answer: JsonObject): Html {
  const { test } = fields
  return html`${definitionTable({
    Invoice: scalarText(answer.invoiceId) === undefined ? undefined : codeTag(scalarText(answer.invoiceId)),
    Number: scalarText(answer.invoiceNumber),
    State: scalarText(answer.state),
    'External id': scalarText(fields.externalId ?? answer.externalId),
    Date: formatInstant(fields.invoiceDate),
    Period: periodOf(fields.period),
    Memo: scalarText(fields.memo),
    Mode: test === undefined || test === false ? undefined : 'Test: nobody is billed',
    Refunded: scalarText(answer.refundTotal),
    'Refund reason': scalarText(answer.refundReason),
  })}${chargesTable(entriesOf(fields.items), entriesOf(fields.discounts))}`
}

function share(value: unknown, limit: unknown): string {
  if (typeof value !== 'number' || typeof limit !== 'number' || limit <= 0) return ''
  return `${Math.round((value / limit) * 100)} %`
}

function usageSection({ body }: RequestSummary): Html {
  const fields = fieldsOf(body)
  const { billing } = fields
  const rows = entriesOf(fields.usage).map((metric) => [
    html`${scalarText(metric.name)}${metric.resourceId === undefined ? undefined : html` ${codeTag(scalarText(metric.resourceId))}`}`,
    scalarText(metric.type),
    html`${scalarText(metric.dayValue)} ${scalarText(metric.units)}`,
    html`${scalarText(metric.periodValue)} ${scalarText(metric.units)}`,
    scalarText(metric.planValue),
    share(metric.periodValue, metric.planValue),
  ])
  const items = entriesOf(Array.isArray(billing) ? billing : fieldsOf(billing).items)
  const interim = chargesTable(items, entriesOf(fieldsOf(billing).discounts))
  return html`
    ${definitionTable({ 'Day ends': formatInstant(fields.eod), Period: periodOf(fields.period) })}
    ${rows.length > 0 ? table(['Usage', 'Type', 'Day>', 'Period>', 'Plan>', 'Used>'], rows) : undefined}
    ${interim && html`<h4>Interim charges</h4>${interim}`}`
}

function refund({ body, params }: RequestSummary): Html {
  const { total, reason } = fieldsOf(body)
  return definitionTable({
    Invoice: codeTag(params.invoiceId),
    Refund: html`<b>${scalarText(total)}</b>`,
    Reason: scalarText(reason),
  })
}

function balances({ body }: RequestSummary): Html {
  const rows = entriesOf(fieldsOf(body).balances).map(
    ({ resourceId, nameLabel, credit, currencyValueInCents: cents }) => [
      resourceId === undefined ? 'installation' : codeTag(scalarText(resourceId)),
      scalarText(nameLabel),
      scalarText(credit),
      Number.isFinite(cents) ? `$${new Big(cents as number).div(100).toFixed(2)}` : '',
    ],
  )
  return table(['Of', 'Name', 'Credit', 'Worth>'], rows)
}

export const billingSections: SectionsOf<typeof billingOperations> = {
  submitInvoice: ({ body, result }) => invoice(fieldsOf(body), fieldsOf(result)),
  // An invoice that was read is shown also if waiting for its state failed.
  getInvoice: ({ result, failure, httpStatus }) =>
    failure && httpStatus !== 200 ? undefined : invoice(fieldsOf(result), fieldsOf(result)),
  updateInvoice: refund,
  submitBillingData: usageSection,
  submitPrepaymentBalances: balances,
  finalizeInstallation: ({ failure, dryRun }) =>
    failure || dryRun ? undefined : html`<p>No more invoices follow for this installation.</p>`,
}
