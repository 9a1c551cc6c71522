// Exact sums of many amounts, as a batch has them.

import Big from 'big.js'
import { formatMoney, formatUnits, unitsOf, unitsPerWhole } from './money.ts'

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
