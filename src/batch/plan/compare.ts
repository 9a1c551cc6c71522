// Compares the amounts of a batch with those of an earlier one, by installation.

import Big from 'big.js'
import { formatMoney } from '../../operations/money.ts'
import { MoneySum } from '../../operations/money-sum.ts'
import { type InstallationAmount, type InstallationAmounts, type Side, sides } from './installation-amounts.ts'
import { TopList } from './top-list.ts'

/** Installations that changed in one way. */
export interface ChangeGroup {
  readonly installations: number
  /** The sum of their planned amounts; of `up`, `down` and `missing` that of the differences. A decimal. */
  readonly amount: string
}

/** An installation in a list of the comparison. */
export interface InstallationChange {
  readonly kind: ChangeKind
  readonly slot: number
  /** Its first line in the batch file, 1-based; 0 if it is missing there. */
  readonly line: number
  /** Decimals; undefined if the batch, or the earlier one, does not have the installation. */
  readonly planned: string | undefined
  readonly earlier: string | undefined
  /** Planned less earlier, as a decimal. */
  readonly difference: string
}

export const changeKinds = ['unchanged', 'up', 'down', 'new', 'missing'] as const
export type ChangeKind = (typeof changeKinds)[number]

export interface Comparison {
  /** The percentage up to which an amount counts as unchanged. */
  readonly percent: string
  readonly groups: Readonly<Record<ChangeKind, ChangeGroup>>
  /** The largest differences of the groups `up` and `down`, `new`, and `missing`. */
  readonly largest: readonly InstallationChange[]
  readonly newest: readonly InstallationChange[]
  readonly missing: readonly InstallationChange[]
}

/** Whether the earlier batch has an installation with an amount. Otherwise all installations are new. */
export const hasEarlierAmounts = ({ groups }: Pick<Comparison, 'groups'>): boolean =>
  changeKinds.some((kind) => kind !== 'new' && groups[kind].installations > 0)

/** How many installations each list names. */
const maxListedChanges = 10

/** How close a difference may be to the limit before it is compared as decimals. */
const doubtfulShare = 1e-9

/** @param percent  by how many percent an amount may differ and still count as unchanged: a decimal */
export function compareAmounts(amounts: InstallationAmounts, percent: string): Comparison {
  const share = Number(percent) / 100
  const sums = Object.fromEntries(changeKinds.map((kind) => [kind, { installations: 0, sum: new MoneySum() }]))
  const lists = {
    largest: new TopList<InstallationChange>(maxListedChanges),
    newest: new TopList<InstallationChange>(maxListedChanges),
    missing: new TopList<InstallationChange>(maxListedChanges),
  }
  for (const entry of amounts) {
    const kind = kindOfChange(entry, share) ?? exactChange(amounts, entry, percent)
    const group = sums[kind] as { installations: number; sum: MoneySum }
    group.installations++
    addSides(group.sum, entry, kind === 'unchanged' ? ['planned'] : sides, amounts)
    const list = kind === 'new' ? lists.newest : kind === 'missing' ? lists.missing : lists.largest
    const { planned = 0, earlier = 0 } = entry
    if (kind !== 'unchanged') list.add(Math.abs(planned - earlier), () => describeChange(amounts, entry, kind))
  }
  const groups = changeKinds.map((kind) => {
    const { installations, sum } = sums[kind] as { installations: number; sum: MoneySum }
    return [kind, { installations, amount: sum.format() }] as const
  })
  return {
    percent,
    groups: Object.fromEntries(groups) as Record<ChangeKind, ChangeGroup>,
    largest: lists.largest.entries,
    newest: lists.newest.entries,
    missing: lists.missing.entries,
  }
}

/** @returns undefined for amounts that numbers cannot decide about */
function kindOfChange({ planned, earlier, isExact }: InstallationAmount, share: number): ChangeKind | undefined {
  if (earlier === undefined) return 'new'
  if (planned === undefined) return 'missing'
  const difference = Math.abs(planned - earlier)
  const limit = Math.abs(earlier) * share
  const isClear = isExact && Math.abs(difference - limit) > limit * doubtfulShare
  if (!isClear) return undefined
  if (difference < limit) return 'unchanged'
  return planned > earlier ? 'up' : 'down'
}

function exactChange(amounts: InstallationAmounts, { slot }: InstallationAmount, percent: string): ChangeKind {
  const earlier = amounts.exact('earlier', slot)
  const difference = amounts.exact('planned', slot).minus(earlier)
  if (difference.abs().times(100).lte(earlier.abs().times(percent))) return 'unchanged'
  return difference.gt(0) ? 'up' : 'down'
}

/** Adds the planned amount, less the earlier one if it is a side too. */
function addSides(
  sum: MoneySum,
  { slot, isExact, ...units }: InstallationAmount,
  wanted: readonly Side[],
  amounts: InstallationAmounts,
): void {
  for (const side of wanted) {
    const sign = side === 'planned' ? 1 : -1
    if (isExact) sum.addUnits(sign * (units[side] ?? 0))
    else sum.addDecimal(amounts.exact(side, slot).times(sign))
  }
}

function describeChange(
  amounts: InstallationAmounts,
  { slot, line, ...units }: InstallationAmount,
  kind: ChangeKind,
): InstallationChange {
  const [planned, earlier] = sides.map((side) => (units[side] === undefined ? undefined : amounts.exact(side, slot)))
  const difference = (planned ?? new Big(0)).minus(earlier ?? 0)
  const format = (amount: Big | undefined) => amount && formatMoney(amount)
  return { kind, slot, line, planned: format(planned), earlier: format(earlier), difference: formatMoney(difference) }
}
