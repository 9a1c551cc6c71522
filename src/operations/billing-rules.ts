// The rules of billing data and invoices that a schema cannot express.
// See https://vercel.com/docs/integrations/create-integration/billing

import Big from 'big.js'
import type { Path } from '../failure.ts'
import type { RuleReporter } from './definition.ts'
import { isCertainlyAtLeast, isCertainlyNear } from './estimates.ts'
import { balanceOf, formatMoney, sumOf } from './money.ts'

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
/** The paths of the charges in the body. */
interface ChargePaths {
  items: Path
  discounts: Path
}
interface Period {
  start: Date
  end: Date
}

const cent = new Big('0.01')
export const dayMs = 24 * 60 * 60 * 1000

/** Vercel never sends an invoice below this amount to the customer, so nobody pays it. */
export const minInvoiceAmount = new Big('0.50')

/** Times further away than this are probably a wrong year: it is more than a year, and less than two. */
const maxDistanceDays = 400

/** The rules of submitBillingData. */
export function checkBillingData(
  { eod, period, billing }: { eod: Date; period: Period; billing: Charges | readonly Item[] },
  reporter: RuleReporter,
): void {
  checkRefusals({ eod, period }, reporter)
  warnOfDistantPeriod(period, reporter)
  warnOfDistance(['eod'], eod, reporter)
  const isOld = (time: Date) => reporter.now.getTime() - time.getTime() > dayMs
  const old = 'is over 24 hours ago; Vercel refuses data that old'
  if (isOld(period.end)) reporter.warn(['period', 'end'], old)
  if (isOld(eod)) reporter.warn(['eod'], old)
  if (isItemList(billing)) checkAmounts({ items: billing }, { items: ['billing'], discounts: [] }, reporter)
  else checkAmounts(billing, { items: ['billing', 'items'], discounts: ['billing', 'discounts'] }, reporter)
}

const isItemList = (billing: Charges | readonly Item[]): billing is readonly Item[] => Array.isArray(billing)

/** The rules of submitInvoice. */
export function checkInvoice(
  {
    externalId,
    invoiceDate,
    period,
    ...charges
  }: { externalId?: string | undefined; invoiceDate: Date; period: Period } & Charges,
  reporter: RuleReporter,
): void {
  checkRefusals({ externalId, invoiceDate, period }, reporter)
  warnOfDistantPeriod(period, reporter)
  warnOfDistance(['invoiceDate'], invoiceDate, reporter)
  checkAmounts(charges, { items: ['items'], discounts: ['discounts'] }, reporter)
  const { items, discounts = [] } = charges
  if (discounts.length === 0 && isCertainlyAtLeast(items, 1)) return
  const amount = new Big(balanceOf(charges))
  // Discounts above the sum of the items have a warning of their own.
  if (amount.gte(0) && amount.lt(minInvoiceAmount)) {
    const message = `add up to ${formatMoney(amount)} after discounts; Vercel never sends an invoice below ${minInvoiceAmount.toFixed(2)} to the customer`
    reporter.warn(['items'], message)
  }
}

/** The parts of billing data and invoices on which an error depends. A part with a problem of its own is undefined. */
interface RefusableParts {
  readonly externalId?: string | undefined
  readonly invoiceDate?: Date | undefined
  readonly eod?: Date | undefined
  readonly period?: { readonly start?: Date | undefined; readonly end?: Date | undefined } | undefined
}

/** Reports errors. It also runs for a body that its schema refuses, so that all problems are reported together. */
export function checkRefusals({ externalId, invoiceDate, eod, period }: RefusableParts, reporter: RuleReporter): void {
  // Vercel may take it for no key at all, so that a retry would bill twice.
  if (externalId?.trim() === '') {
    reporter.error(['externalId'], 'is empty; set it, or remove the field: then it is derived from the invoice')
  }
  const { start, end } = period ?? {}
  if (start && end) checkPeriod({ start, end }, { eod, invoiceDate }, reporter)
}

/** The rules of a refund. */
export function checkRefund({ total }: { total: string }, reporter: RuleReporter): void {
  warnOfFractions(['total'], total, reporter)
  if (new Big(total).eq(0)) reporter.warn(['total'], `is ${total}, so nothing is refunded`)
}

/** Warns of an amount with a fraction of a cent, which Vercel cannot bill. Zeros at the end do not count. */
function warnOfFractions(path: Path, amount: string, { warn }: RuleReporter): void {
  if (/\.\d\d\d*[1-9]/.test(amount))
    warn(path, `is ${amount}, which has more than two decimals; Vercel bills whole cents`)
}

/** Warns once of a period with an end that is probably in the wrong year. */
function warnOfDistantPeriod({ start, end }: Period, reporter: RuleReporter): void {
  const isWarned = warnOfDistance(['period', 'start'], start, reporter)
  if (!isWarned) warnOfDistance(['period', 'end'], end, reporter)
}

/** @returns whether there was a warning */
function warnOfDistance(path: Path, time: Date, { warn, now }: RuleReporter): boolean {
  const days = (time.getTime() - now.getTime()) / dayMs
  if (Math.abs(days) <= maxDistanceDays) return false
  const side = days < 0 ? `over ${maxDistanceDays} days ago` : `more than ${maxDistanceDays} days ahead`
  warn(path, `${time.toISOString()} is ${side}: check the year`)
  return true
}

/** Warns of amounts that do not add up. They are only warnings, because partners may round or have minimum prices. */
function checkAmounts({ items, discounts = [] }: Charges, paths: ChargePaths, reporter: RuleReporter): void {
  const { warn } = reporter
  for (const [index, { total }] of items.entries()) {
    warnOfFractions([...paths.items, index, 'total'], total, reporter)
  }
  for (const [index, { amount }] of discounts.entries()) {
    warnOfFractions([...paths.discounts, index, 'amount'], amount, reporter)
  }
  items.forEach(({ price, quantity, total }, index) => {
    if (isCertainlyNear(price, quantity, total, 0.01)) return
    const expected = new Big(price).times(quantity)
    if (expected.minus(total).abs().lt(cent)) return
    warn([...paths.items, index, 'total'], `is ${total}, but price × quantity is ${expected.round(4)}`)
  })
  if (discounts.length > 0) {
    const charged = sumOf(items.map(({ total }) => total))
    const discounted = sumOf(discounts.map(({ amount }) => amount))
    if (discounted.gt(charged)) {
      warn(paths.discounts, `add up to ${discounted}, which is more than the items' ${charged}`)
    }
  }
  const spans = [
    { path: paths.items, entries: items },
    { path: paths.discounts, entries: discounts },
  ]
  for (const { path, entries } of spans) {
    entries.forEach(({ start, end }, index) => {
      if (start && end && end < start) warn([...path, index, 'end'], 'is before its start')
    })
  }
}

/** Reports a period that ends before it starts, or else the times outside it. Both ends belong to it. */
function checkPeriod(
  { start, end }: Period,
  times: Readonly<Record<string, Date | undefined>>,
  { error }: RuleReporter,
): void {
  const [from, to] = [start.toISOString(), end.toISOString()]
  if (end < start) error(['period', 'end'], `is before the period's start: ${to} < ${from}`)
  for (const [name, time] of Object.entries(times)) {
    if (start <= end && time && (time < start || time > end))
      error([name], `${time.toISOString()} is outside the period, ${from} to ${to}`)
  }
}
