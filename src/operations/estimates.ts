// Estimates of amounts in floating point, for checks of millions of records: exact decimals are some fifty times slower.

/**
 * An upper bound of the error of a sum of products, relative to the sum of their absolute values: a float has 53 bits, and
 * each conversion, product and sum rounds once.
 */
const maxRelativeError = (terms: number) => (terms + 3) * 2 ** -52

/** Whether `price × quantity` certainly differs from a total by less than `limit`. False if only exact decimals can tell. */
export function isCertainlyNear(price: string, quantity: number, total: string, limit: number): boolean {
  const product = Number(price) * quantity
  const wanted = Number(total)
  const maxError = (Math.abs(product) + Math.abs(wanted)) * maxRelativeError(2)
  return Math.abs(product - wanted) + maxError < limit
}

/** Whether the sum of amounts, none of them negative, is certainly at least `limit`. False if only exact decimals can tell. */
export function isCertainlyAtLeast(amounts: readonly { readonly total: string }[], limit: number): boolean {
  let sum = 0
  for (const { total } of amounts) sum += Number(total)
  return sum - sum * maxRelativeError(amounts.length) >= limit
}
