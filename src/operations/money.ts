// Amounts of money: decimals in the currency in which the customer is billed.

import Big from 'big.js'

/** Units of an amount of 1.00. Whole numbers of units hold nearly all amounts, and are much faster than decimals. */
export const unitsPerWhole = 10_000
const unitDecimals = 4
/** A text of this length has few enough digits that a double holds the amount to the unit. */
const maxQuickChars = 14

/**
 * An amount in units of 1/10,000.
 *
 * @param amount  a decimal
 * @returns undefined if a number cannot hold the amount exactly
 */
export function unitsOf(amount: string): number | undefined {
  const point = amount.indexOf('.')
  const decimals = point < 0 ? 0 : amount.length - point - 1
  if (decimals > unitDecimals || amount.length - decimals > maxQuickChars - unitDecimals) return undefined
  return Math.round(Number(amount) * unitsPerWhole)
}

/** The exact sum of decimals. */
export const sumOf = (amounts: readonly string[]): Big =>
  amounts.reduce((total, amount) => total.plus(amount), new Big(0))

/** Items less discounts: a decimal with at least two decimals, negative if the discounts are larger. */
export function balanceOf({
  items,
  discounts = [],
}: {
  readonly items: readonly { readonly total: string }[]
  readonly discounts?: readonly { readonly amount: string }[] | undefined
}): string {
  let units = 0
  for (const { total } of items) units += unitsOf(total) ?? Number.NaN
  for (const { amount } of discounts) units -= unitsOf(amount) ?? Number.NaN
  if (Number.isSafeInteger(units)) return formatUnits(units)
  return formatMoney(sumOf(items.map(({ total }) => total)).minus(sumOf(discounts.map(({ amount }) => amount))))
}

/** An amount with all its digits and at least two decimals: `12.50`, `0.0001`. */
export function formatMoney(amount: Big): string {
  const exact = amount.toFixed()
  return (exact.split('.')[1]?.length ?? 0) < 2 ? amount.toFixed(2) : exact
}

/** As `formatMoney`, for an amount in units of 1/10,000. */
export function formatUnits(units: number): string {
  const digits = String(Math.abs(units)).padStart(unitDecimals + 1, '0')
  const fraction = digits.slice(-unitDecimals).replace(/0{1,2}$/, '')
  return `${units < 0 ? '-' : ''}${digits.slice(0, -unitDecimals)}.${fraction}`
}
