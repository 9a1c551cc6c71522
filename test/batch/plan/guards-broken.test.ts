// Which guards a plan breaks, and what the failure says.

import { describe, expect, test } from 'vitest'
import { type BatchGuards, brokenGuards, brokenGuardsFailure } from '../../../src/batch/plan/guards.ts'
import type { NamedChange } from '../../../src/batch/plan/name-installations.ts'
import { planOf } from './plans.ts'

const noGuards: BatchGuards = {
  maxAmount: undefined,
  maxTotal: undefined,
  maxChange: undefined,
  expectDigest: undefined,
}

const changed: NamedChange = {
  kind: 'up',
  slot: 5,
  line: 3,
  installation: 'icfg_3',
  planned: '1300.50',
  earlier: '1000.00',
  difference: '300.50',
}

const none = { installations: 0, amount: '0.00' }
const one = { installations: 1, amount: '1.00' }

const comparisonOf = (groups: { readonly up?: typeof none; readonly down?: typeof none }) => ({
  percent: '20',
  groups: { unchanged: one, up: none, down: none, new: one, missing: one, ...groups },
  largest: [changed],
  newest: [],
  missing: [],
})

/** Records above `max-amount`: all of them, and the ten that a plan keeps. */
const above = (count: number) => ({
  count,
  first: Array.from({ length: Math.min(count, 10) }, (_, index) => ({
    line: index + 1,
    installation: `icfg_${index + 1}`,
    amount: '1234.5',
  })),
})

const failureOf = (plan: Parameters<typeof planOf>[0], guards: Partial<BatchGuards>) => {
  const failure = brokenGuardsFailure(brokenGuards(planOf(plan), { ...noGuards, ...guards }), 'batch.ndjson')
  return failure && { code: failure.code, message: failure.message, hint: failure.hint, shown: failure.diagnostics }
}

test('a plan that breaks all guards says so in one failure, with the fix of each', () => {
  const plan = {
    aboveMaxAmount: above(1),
    positiveAmount: '5000.00',
    comparison: comparisonOf({ down: one }),
    digest: 'sha256:2',
  }
  const guards = { maxAmount: '1000', maxTotal: '4000.5', maxChange: '20', expectDigest: 'sha256:1' }
  const total = '`max-total` 4,000.50: without negative amounts the batch adds up to 5,000.00, which is above it'
  const file = 'batch.ndjson'
  const at = (line: number) => ({ file, position: { line, column: 1 } })
  expect(failureOf(plan, guards)).toEqual({
    code: 'amount_exceeded',
    message: `\`max-amount\` 1,000.00: 1 invoice is above it. ${total}. \`max-change\` 20 %: the amount of 1 installation differs by more. \`expect-digest\` sha256:1: the digest of the batch is sha256:2. Nothing was sent`,
    hint: 'Correct the amounts, or raise `max-amount`. Correct the amounts, or raise `max-total`. Correct the amounts, or raise `max-change`. Compare the batch with the approved one. To approve this one, set `expect-digest` to its digest',
    shown: [
      {
        message:
          'installation "icfg_1": the amount 1,234.5 is above `max-amount` (1,000.00). Correct the amounts, or raise `max-amount`; nothing was sent',
        ...at(1),
      },
      { message: `${total}. Correct the amounts, or raise \`max-total\`; nothing was sent`, file },
      {
        message:
          'installation "icfg_3": the amount 1,300.50 instead of 1,000.00 last time differs by more than `max-change` (20 %). Correct the amounts, or raise `max-change`; nothing was sent',
        ...at(3),
      },
      {
        message:
          '`expect-digest` sha256:1: the digest of the batch is sha256:2. Compare the batch with the approved one. To approve this one, set `expect-digest` to its digest; nothing was sent',
        file,
      },
    ],
  })
})

test('without guards, and within them, nothing is broken', () => {
  const plan = { aboveMaxAmount: above(2), comparison: comparisonOf({ up: one }) }
  expect(failureOf(plan, {})).toBeUndefined()
  const guards = { maxAmount: '5', maxTotal: '5', maxChange: '20', expectDigest: 'sha256:1' }
  expect(failureOf({ comparison: comparisonOf({}) }, guards)).toBeUndefined()
  expect(failureOf({}, guards)).toBeUndefined()
})

describe('a failure has ten diagnostics at most', () => {
  const messagesOf = (count: number, guards: Partial<BatchGuards> = {}) =>
    failureOf({ aboveMaxAmount: above(count) }, { maxAmount: '1', ...guards })?.shown.map(({ message, ...rest }) =>
      message.startsWith('installation') ? rest.position?.line : { message, ...rest },
    )

  test.each([
    [9, [1, 2, 3, 4, 5, 6, 7, 8, 9]],
    [10, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]],
    [
      1011,
      [
        1,
        2,
        3,
        4,
        5,
        6,
        7,
        8,
        9,
        { message: 'and 1,002 more. `max-amount` 1.00: 1,011 invoices are above it', file: 'batch.ndjson' },
      ],
    ],
  ])('%i records', (count, expected) => {
    expect(messagesOf(count)).toEqual(expected)
  })

  test('which broken guards share', () => {
    expect(messagesOf(6, { maxTotal: '1' })).toEqual([
      1,
      2,
      3,
      4,
      { message: 'and 2 more. `max-amount` 1.00: 6 invoices are above it', file: 'batch.ndjson' },
      expect.objectContaining({ message: expect.stringMatching(/^`max-total` 1\.00: the batch adds up to 5\.00/) }),
    ])
  })
})
