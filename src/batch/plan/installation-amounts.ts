// The amounts of each installation, planned and earlier. A table in typed arrays, because a batch may have a million
// installations: 29 bytes for each slot, of which at least a third is used once the table has grown.

import Big from 'big.js'
import { unitsOf } from '../../operations/money.ts'
import { fromUnits, toUnits } from '../../operations/money-sum.ts'

/** What an installation is to pay, and what it paid last time. Amounts are in units of 1/10,000. */
export interface InstallationAmount {
  /** Identifies the installation in this table. */
  readonly slot: number
  /** Undefined if the batch does not have the installation. */
  readonly planned: number | undefined
  /** Undefined if no earlier record of the installation succeeded. */
  readonly earlier: number | undefined
  /** Whether both numbers are exact. If not, `exact` returns the amounts. */
  readonly isExact: boolean
  /** Line of its first record in the batch file, 1-based; 0 if there is none. */
  readonly line: number
}

export const sides = ['planned', 'earlier'] as const
export type Side = (typeof sides)[number]

const sideFlags: Readonly<Record<Side, number>> = { planned: 1, earlier: 2 }

const newSlots = (length: number) => ({
  /** Two hashes of the installation id, 32 bits each. */
  high: new Uint32Array(length),
  low: new Uint32Array(length),
  /** `sideFlags` of the amounts that the slot has; 0 if it is free. */
  flags: new Uint8Array(length),
  /** In units of 1/10,000; what they cannot hold is in `#large`. */
  planned: new Float64Array(length),
  earlier: new Float64Array(length),
  lines: new Uint32Array(length),
})

const minSlots = 1024

/** The amounts of installations. Ids are only kept as hashes of 64 bits, so their texts must be read again. */
export class InstallationAmounts {
  readonly #seed: number
  #slots = newSlots(minSlots)
  #used = 0
  /** Amounts that a whole number of units cannot hold, in addition to the slot's. */
  readonly #large: Record<Side, Map<number, Big>> = { planned: new Map(), earlier: new Map() }

  /** @param seed  of the hashes, a whole number; a random one keeps a file from provoking equal hashes */
  constructor(seed: number) {
    this.#seed = seed
  }

  /** Adds the amount of a record of the batch: a decimal; undefined if the record moves no money. */
  addPlanned(installation: string, amount: string | undefined, line: number): void {
    const slot = this.#slotFor(installation)
    const { flags, lines } = this.#slots
    if (((flags[slot] as number) & sideFlags.planned) === 0) lines[slot] = line
    this.#add('planned', slot, amount ?? '0')
  }

  /** Adds the amount of a record that succeeded in an earlier batch: a decimal. */
  addEarlier(installation: string, amount: string): void {
    this.#add('earlier', this.#slotFor(installation), amount)
  }

  /** How many installations have an amount. */
  get size(): number {
    return this.#used
  }

  get(installation: string): InstallationAmount | undefined {
    const slot = this.#find(installation)
    return this.#slots.flags[slot] === 0 ? undefined : this.#at(slot)
  }

  /** All installations, in no order. They are valid until the next `add`. */
  *[Symbol.iterator](): Generator<InstallationAmount> {
    const { flags } = this.#slots
    for (let slot = 0; slot < flags.length; slot++) if (flags[slot] !== 0) yield this.#at(slot)
  }

  /** The exact amount of an installation; 0 if it has none. */
  exact(side: Side, slot: number): Big {
    const amount = fromUnits(this.#slots[side][slot] as number)
    const large = this.#large[side].get(slot)
    return large ? amount.plus(large) : amount
  }

  #at(slot: number): InstallationAmount {
    const { planned: isLargePlanned, earlier: isLargeEarlier } = this.#large
    return {
      slot,
      planned: this.#units('planned', slot),
      earlier: this.#units('earlier', slot),
      isExact: !isLargePlanned.has(slot) && !isLargeEarlier.has(slot),
      line: this.#slots.lines[slot] as number,
    }
  }

  #units(side: Side, slot: number): number | undefined {
    if (((this.#slots.flags[slot] as number) & sideFlags[side]) === 0) return undefined
    const large = this.#large[side].get(slot)
    return (this.#slots[side][slot] as number) + (large ? toUnits(large) : 0)
  }

  #add(side: Side, slot: number, amount: string): void {
    const { flags, [side]: amounts } = this.#slots
    flags[slot] = (flags[slot] as number) | sideFlags[side]
    const units = unitsOf(amount)
    const sum = (amounts[slot] as number) + (units ?? Number.NaN)
    if (Number.isSafeInteger(sum)) amounts[slot] = sum
    else this.#large[side].set(slot, (this.#large[side].get(slot) ?? new Big(0)).plus(amount))
  }

  #slotFor(installation: string): number {
    const slot = this.#find(installation)
    if (this.#slots.flags[slot] !== 0) return slot
    if (this.#used * 3 >= this.#slots.flags.length * 2) {
      this.#grow()
      return this.#slotFor(installation)
    }
    const [high, low] = this.#hash(installation)
    this.#slots.high[slot] = high
    this.#slots.low[slot] = low
    this.#used++
    return slot
  }

  /** The slot of an installation, or the free one where it belongs. */
  #find(installation: string): number {
    const [high, low] = this.#hash(installation)
    return this.#probe(high, low)
  }

  #probe(high: number, low: number): number {
    const { high: highs, low: lows, flags } = this.#slots
    let slot = low % flags.length
    while (flags[slot] !== 0 && (lows[slot] !== low || highs[slot] !== high)) slot = (slot + 1) % flags.length
    return slot
  }

  #grow(): void {
    const old = this.#slots
    const oldLarge = { planned: new Map(this.#large.planned), earlier: new Map(this.#large.earlier) }
    for (const side of sides) this.#large[side].clear()
    this.#slots = newSlots(old.flags.length * 2)
    for (let from = 0; from < old.flags.length; from++) {
      if (old.flags[from] === 0) continue
      const to = this.#probe(old.high[from] as number, old.low[from] as number)
      for (const field of ['high', 'low', 'flags', 'planned', 'earlier', 'lines'] as const) {
        this.#slots[field][to] = old[field][from] as number
      }
      for (const side of sides) {
        const large = oldLarge[side].get(from)
        if (large) this.#large[side].set(to, large)
      }
    }
  }

  /** Two hashes of 32 bits, by multiplication, which takes a tenth of the time of SHA-256. */
  #hash(text: string): readonly [high: number, low: number] {
    let high = 0xdeadbeef ^ this.#seed
    let low = 0x41c6ce57 ^ this.#seed
    for (let index = 0; index < text.length; index++) {
      const unit = text.charCodeAt(index)
      high = Math.imul(high ^ unit, 2654435761)
      low = Math.imul(low ^ unit, 1597334677)
    }
    high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909)
    low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909)
    return [high >>> 0, low >>> 0]
  }
}
