// A plan as lines of the log.

import { describe, expect, test } from 'vitest'
import { describePlan, describeWarningKind } from '../../../src/batch/plan/describe-plan.ts'
import type { NamedComparison } from '../../../src/batch/plan/name-installations.ts'
import { planOf } from './plans.ts'

const group = (installations: number, amount: string) => ({ installations, amount })

const comparison: NamedComparison = {
  percent: '20',
  groups: {
    unchanged: group(1234, '9.00'),
    up: group(2, '1000.50'),
    down: group(3, '-7.25'),
    new: group(4, '8.00'),
    missing: group(5, '-6.00'),
  },
  largest: [],
  newest: [],
  missing: [],
}

describe('describePlan', () => {
  test('counts invoices, test invoices and changes', () => {
    expect(describePlan(planOf({ records: 1500, installations: 1, amount: '1234.50', tests: 1, comparison }))).toEqual([
      'plan: 1,500 invoices, 1 installation, total 1,234.50 (currencies not distinguished)',
      'plan: 1 of them is a test invoice, which bills nobody',
      'plan: compared with the earlier batch: 1,234 unchanged (within 20 %), 2 up (+1,000.50), 3 down (−7.25), 4 new (8.00), 5 missing (−6.00)',
    ])
  })

  test('has one line for a plan without amounts, tests and warnings', () => {
    const plan = planOf({ operation: 'getInvoice', records: 1, installations: 2, amount: undefined })
    expect(describePlan(plan)).toEqual(['plan: 1 record, 2 installations'])
  })

  test('counts several test invoices', () => {
    expect(describePlan(planOf({ tests: 1500 }))).toContain('plan: 1,500 of them are test invoices, which bill nobody')
  })

  test('shows ten kinds of warnings', () => {
    const warnings = Array.from({ length: 11 }, (_, index) => ({
      example: `kind ${index}`,
      count: 1,
      lines: [index + 1],
    }))
    expect(describePlan(planOf({ warnings })).slice(1)).toEqual(
      warnings.slice(0, 10).map(({ example, lines }) => `plan: warning 1 × ${example} (line ${lines[0]})`),
    )
  })
})

test.each([
  [{ example: 'a', count: 1, lines: [1234] }, '1 × a (line 1,234)'],
  [{ example: 'a', count: 2, lines: [1, 2] }, '2 × a (lines 1, 2)'],
  [{ example: 'a', count: 1400, lines: [1, 2, 3] }, '1,400 × a (lines 1, 2, 3 …)'],
  [{ example: 'other warnings', count: 7, lines: [] }, '7 × other warnings'],
])('%j', (kind, text) => {
  expect(describeWarningKind(kind)).toBe(text)
})
