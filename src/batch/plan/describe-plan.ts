// A plan as lines of the log.

import { countOf, formatAmount, formatCount } from '../../format.ts'
import type { WarningKind } from '../records/warning-kinds.ts'
import { type ChangeKind, type Comparison, hasEarlierAmounts } from './compare.ts'
import { nounOf } from './guards.ts'
import type { BatchPlan } from './plan.ts'

const maxLoggedKinds = 10

/** The plan, without its digest. */
export function describePlan(plan: BatchPlan): string[] {
  const { records, installations, amount, tests, comparison, warnings } = plan
  const total = amount === undefined ? '' : `, total ${formatAmount(amount)} (currencies not distinguished)`
  return [
    `plan: ${countOf(records, nounOf(plan))}, ${countOf(installations, 'installation')}${total}`,
    ...(tests > 0 ? [`plan: ${describeTests(tests)}`] : []),
    ...(comparison ? [`plan: ${describeComparison(comparison)}`] : []),
    ...warnings.slice(0, maxLoggedKinds).map((kind) => `plan: warning ${describeWarningKind(kind)}`),
  ]
}

/** `1 of them is a test invoice, which bills nobody` */
export const describeTests = (tests: number): string =>
  `${formatCount(tests)} of them ${tests === 1 ? 'is a test invoice, which bills' : 'are test invoices, which bill'} nobody`

/** What a plan says if the earlier batch has nothing to compare with. */
export const nothingToCompare = 'nothing succeeded in an earlier batch, so all installations are new'

function describeComparison(comparison: Comparison): string {
  if (!hasEarlierAmounts(comparison)) return nothingToCompare
  const { groups, percent } = comparison
  const texts: Record<ChangeKind, (count: string) => string> = {
    unchanged: (count) => `${count} unchanged (within ${percent} %)`,
    up: (count) => `${count} up (+${formatAmount(groups.up.amount)})`,
    down: (count) => `${count} down (${formatAmount(groups.down.amount)})`,
    new: (count) => `${count} new (${formatAmount(groups.new.amount)})`,
    missing: (count) => `${count} missing (${formatAmount(groups.missing.amount)})`,
  }
  const parts = Object.entries(texts).map(([kind, text]) => text(formatCount(groups[kind as ChangeKind].installations)))
  return `compared with the earlier batch: ${parts.join(', ')}`
}

/** `14 × items[0].total is 5.00, … (lines 17, 230, 231 …)`. The text is the first warning of its kind. */
export function describeWarningKind({ example, count, lines }: WarningKind): string {
  const more = count > lines.length ? ' …' : ''
  const where =
    lines.length === 0 ? '' : ` (${count === 1 ? 'line' : 'lines'} ${lines.map(formatCount).join(', ')}${more})`
  return `${formatCount(count)} × ${example}${where}`
}
