// Invoices, usage, refunds and balances, for people.

import Big from 'big.js'
import { isReference } from '../../payload/references.ts'
import { code, entriesOf, facts, fieldsOf, type Html, html, moment, type Piece, table, word } from './html.ts'
import type { Portrait, StepReport } from './step.ts'

type Fields = Record<string, unknown>

/** The exact sum of amounts; undefined where one is no decimal. */
function sum(amounts: readonly unknown[]): Big | undefined {
  try {
    return amounts.reduce<Big>((total, amount) => total.plus(String(amount)), new Big(0))
  } catch {
    return undefined
  }
}

/** With cents at least, and no digit lost. */
function money(amount: Big): string {
  const exact = amount.toFixed()
  return (exact.split('.')[1]?.length ?? 0) < 2 ? amount.toFixed(2) : exact
}

const shown = (value: unknown): string | undefined => (isReference(value) ? '(from a reference)' : word(value))

function charges(items: readonly Fields[], discounts: readonly Fields[]): Html {
  const charged = sum(items.map(({ total }) => total))
  const off = sum(discounts.map(({ amount }) => amount))
  const total = charged && off && money(charged.minus(off))
  const rows: Piece[][] = [
    ...items.map(({ name, details, resourceId, price, quantity, units, total }) => [
      html`${shown(name)}${details === undefined ? undefined : html`<br><sub>${shown(details)}</sub>`}`,
      resourceId === undefined ? '' : code(shown(resourceId)),
      html`${shown(quantity)} ${shown(units)}`,
      shown(price),
      shown(total),
    ]),
    ...discounts.map(({ name, resourceId, amount }) => [
      html`<i>${shown(name)}</i>`,
      resourceId === undefined ? '' : code(shown(resourceId)),
      '',
      '',
      html`−${shown(amount)}`,
    ]),
  ]
  const sumLine = total === undefined ? undefined : html`<p><b>Total: ${total}</b></p>`
  return html`${table(['Item', 'Resource', 'Quantity>', 'Price>', 'Amount>'], rows)}${sumLine}`
}

const periodOf = (period: unknown): Piece => {
  const { start, end } = fieldsOf(period)
  return start === undefined && end === undefined ? undefined : html`${moment(start)} – ${moment(end)}`
}

function invoice(fields: Fields, answer: Fields): Html {
  const { test } = fields
  return html`${facts({
    Invoice: word(answer.invoiceId) === undefined ? undefined : code(word(answer.invoiceId)),
    Number: word(answer.invoiceNumber),
    State: word(answer.state),
    'External id': shown(fields.externalId ?? answer.externalId),
    Date: moment(fields.invoiceDate),
    Period: periodOf(fields.period),
    Memo: shown(fields.memo),
    Mode: test === undefined || test === false ? undefined : 'Test: nobody is billed',
    Refunded: word(answer.refundTotal),
    'Refund reason': word(answer.refundReason),
  })}${charges(entriesOf(fields.items), entriesOf(fields.discounts))}`
}

function share(value: unknown, limit: unknown): string {
  if (typeof value !== 'number' || typeof limit !== 'number' || limit <= 0) return ''
  return `${Math.round((value / limit) * 100)} %`
}

function usage({ body }: StepReport): Html {
  const fields = fieldsOf(body)
  const { billing } = fields
  const rows = entriesOf(fields.usage).map((metric) => [
    html`${shown(metric.name)}${metric.resourceId === undefined ? undefined : html` ${code(shown(metric.resourceId))}`}`,
    shown(metric.type),
    html`${shown(metric.dayValue)} ${shown(metric.units)}`,
    html`${shown(metric.periodValue)} ${shown(metric.units)}`,
    shown(metric.planValue),
    share(metric.periodValue, metric.planValue),
  ])
  const items = entriesOf(Array.isArray(billing) ? billing : fieldsOf(billing).items)
  const discounts = entriesOf(fieldsOf(billing).discounts)
  return html`
    ${facts({ 'Day ends': moment(fields.eod), Period: periodOf(fields.period) })}
    ${rows.length > 0 ? table(['Usage', 'Type', 'Day>', 'Period>', 'Plan>', 'Used>'], rows) : undefined}
    ${items.length > 0 ? html`<h4>Interim charges</h4>${charges(items, discounts)}` : undefined}`
}

function refund({ body, params }: StepReport): Html {
  const { total, reason } = fieldsOf(body)
  return facts({ Invoice: code(params.invoiceId), Refund: html`<b>${shown(total)}</b>`, Reason: shown(reason) })
}

function balances({ body }: StepReport): Html {
  const rows = entriesOf(fieldsOf(body).balances).map(
    ({ resourceId, nameLabel, credit, currencyValueInCents: cents }) => [
      resourceId === undefined ? 'installation' : code(shown(resourceId)),
      shown(nameLabel),
      shown(credit),
      typeof cents === 'number' && Number.isFinite(cents) ? `$${new Big(cents).div(100).toFixed(2)}` : '',
    ],
  )
  return table(['Of', 'Name', 'Credit', 'Worth>'], rows)
}

export const portraits: Record<string, Portrait> = {
  submitInvoice: ({ body, result }) => invoice(fieldsOf(body), fieldsOf(result)),
  getInvoice: ({ result, failure }) => (failure ? undefined : invoice(fieldsOf(result), fieldsOf(result))),
  updateInvoice: refund,
  submitBillingData: usage,
  submitPrepaymentBalances: balances,
  finalizeInstallation: ({ failure }) =>
    failure ? undefined : html`<p>No more invoices follow for this installation.</p>`,
}
