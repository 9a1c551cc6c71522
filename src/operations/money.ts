// Amounts of money: decimals in the currency in which the customer is billed.

import Big from 'big.js'

/** The exact sum of decimals. */
export const sumOf = (amounts: readonly string[]): Big =>
  amounts.reduce((total, amount) => total.plus(amount), new Big(0))

/** Items less discounts: a decimal with at least two decimals, negative if the discounts are larger. */
export const balanceOf = ({
  items,
  discounts = [],
}: {
  readonly items: readonly { readonly total: string }[]
  readonly discounts?: readonly { readonly amount: string }[] | undefined
}): string => formatMoney(sumOf(items.map(({ total }) => total)).minus(sumOf(discounts.map(({ amount }) => amount))))

/** An amount with all its digits and at least two decimals: `12.50`, `0.0001`. */
export function formatMoney(amount: Big): string {
  const exact = amount.toFixed()
  return (exact.split('.')[1]?.length ?? 0) < 2 ? amount.toFixed(2) : exact
}
