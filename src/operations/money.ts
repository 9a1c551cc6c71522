// Amounts of money: decimals in the currency in which the customer is billed.

import Big from 'big.js'

/** Units of an amount of 1.00. Whole numbers of units hold nearly all amounts, and are much faster than decimals. */
const unitsPerWhole = 10_000
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

/** An amount in units of 1/10,000 as a decimal. */
export const fromUnits = (units: number): Big => new Big(units).div(unitsPerWhole)

/** A decimal in units of 1/10,000, as exact as a number can be. */
export const toUnits = (amount: Big): number => amount.times(unitsPerWhole).toNumber()

/** The exact sum of decimals. */
export class MoneySum {
  #units = 0
  /** What `#units` cannot hold. */
  #rest: Big | undefined

  /** @param amount  a decimal, which may be negative */
  add(amount: string): void {
    const units = unitsOf(amount)
    if (units === undefined) this.addDecimal(new Big(amount))
    else this.addUnits(units)
  }

  subtract(amount: string): void {
    const units = unitsOf(amount)
    if (units === undefined) this.addDecimal(new Big(amount).neg())
    else this.addUnits(-units)
  }

  /** Adds an amount in units of 1/10,000. */
  addUnits(units: number): void {
    const sum = this.#units + units
    if (Number.isSafeInteger(sum)) this.#units = sum
    else this.addDecimal(fromUnits(units))
  }

  get value(): Big {
    const value = fromUnits(this.#units)
    return this.#rest ? value.plus(this.#rest) : value
  }

  /** The sum as `formatMoney` gives it. */
  format(): string {
    return this.#rest ? formatMoney(this.value) : formatUnits(this.#units)
  }

  addDecimal(amount: Big): void {
    this.#rest = (this.#rest ?? new Big(0)).plus(amount)
  }
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
  const sum = new MoneySum()
  for (const { total } of items) sum.add(total)
  for (const { amount } of discounts) sum.subtract(amount)
  return sum.format()
}

/** An amount with all its digits and at least two decimals: `12.50`, `0.0001`. */
export function formatMoney(amount: Big): string {
  const exact = amount.toFixed()
  return (exact.split('.')[1]?.length ?? 0) < 2 ? amount.toFixed(2) : exact
}

/** As `formatMoney`, for an amount in units of 1/10,000. */
function formatUnits(units: number): string {
  const digits = String(Math.abs(units)).padStart(unitDecimals + 1, '0')
  const fraction = digits.slice(-unitDecimals).replace(/0{1,2}$/, '')
  return `${units < 0 ? '-' : ''}${digits.slice(0, -unitDecimals)}.${fraction}`
}
