// The rules of billing data and invoices that a schema cannot express.
// See https://vercel.com/docs/integrations/create-integration/billing

import Big from 'big.js'
import type { Path } from '../failure.ts'
import type { RuleReporter } from './definition.ts'
import { sumOf } from './money.ts'

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
const dayMs = 24 * 60 * 60 * 1000

/** The rules of submitBillingData. */
export function checkBillingData(
  { eod, period, billing }: { eod: Date; period: Period; billing: Charges | readonly Item[] },
  reporter: RuleReporter,
): void {
  checkPeriod(period, reporter)
  checkWithin('eod', eod, period, reporter)
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
  { invoiceDate, period, ...charges }: { invoiceDate: Date; period: Period } & Charges,
  reporter: RuleReporter,
): void {
  checkPeriod(period, reporter)
  checkWithin('invoiceDate', invoiceDate, period, reporter)
  checkAmounts(charges, { items: ['items'], discounts: ['discounts'] }, reporter)
}

/** Warns of amounts that do not add up. They are only warnings, because partners may round or have minimum prices. */
function checkAmounts({ items, discounts = [] }: Charges, paths: ChargePaths, { warn }: RuleReporter): void {
  items.forEach(({ price, quantity, total }, index) => {
    const expected = new Big(price).times(quantity)
    if (expected.minus(total).abs().lt(cent)) return
    warn([...paths.items, index, 'total'], `is ${total}, but price × quantity is ${expected.round(4)}`)
  })
  const charged = sumOf(items.map(({ total }) => total))
  const discounted = sumOf(discounts.map(({ amount }) => amount))
  if (discounted.gt(charged)) {
    warn(paths.discounts, `add up to ${discounted}, which is more than the items' ${charged}`)
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

/** Vercel refuses a period that ends before it starts. */
function checkPeriod({ start, end }: Period, { error }: RuleReporter): void {
  if (end < start) {
    error(['period', 'end'], `is before the period's start: ${end.toISOString()} < ${start.toISOString()}`)
  }
}

/** Vercel refuses a time outside the period, which includes both ends. */
function checkWithin(name: string, time: Date, { start, end }: Period, { error }: RuleReporter): void {
  if (end < start || (time >= start && time <= end)) return
  error([name], `${time.toISOString()} is outside the period, ${start.toISOString()} to ${end.toISOString()}`)
}
