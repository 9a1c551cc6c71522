import fc from 'fast-check'
import { expect, test } from 'vitest'
import { latencyClasses, Tally } from '../../../src/batch/journal/tally.ts'
import { outcome, succeeded } from '../journals.ts'

test('succeeded records are counted by status, and their amounts are added up', () => {
  const tally = new Tally()
  tally.add(succeeded('a', { attempts: 3 }), '0.10')
  tally.add(succeeded('b'), '0.20')
  tally.add(succeeded('c', { status: 'duplicate' }), '5.00')
  tally.add(succeeded('d'))
  expect(tally).toMatchObject({ succeeded: 4, failed: 0, unknown: 0, duplicates: 1, retries: 2, hasAmount: true })
  // Exact decimals, and a duplicate was billed before.
  expect(tally.amount.toFixed()).toBe('0.3')
  expect([...tally.statuses]).toEqual([
    ['accepted', 3],
    ['duplicate', 1],
  ])
})

test('failed records are counted by code and HTTP status, and their amounts are not added', () => {
  const tally = new Tally()
  tally.add(outcome('a', 'failed', { code: 'forbidden', httpStatus: 403 }), '1.00')
  tally.add(outcome('b', 'unknown', { code: 'outcome_unknown', httpStatus: 502 }), '1.00')
  tally.add(outcome('c', 'failed', { code: 'forbidden' }), '1.00')
  expect(tally).toMatchObject({ succeeded: 0, failed: 3, unknown: 1, hasAmount: false })
  expect(tally.amount.toFixed()).toBe('0')
  expect([...tally.codes]).toEqual([
    ['forbidden', 2],
    ['outcome_unknown', 1],
  ])
  expect([...tally.failedHttpStatuses]).toEqual([[403, 1]])
})

test('each time is counted in one class, and the ten slowest records are kept', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.nat({ max: 20_000 }), fc.constantFrom(50, 51, 10_000, 10_001)), {
        maxLength: 40,
        size: 'max',
      }),
      (times) => {
        const tally = new Tally()
        for (const ms of times) tally.add(succeeded('a', { ms }))
        const inClass = (index: number) =>
          times.filter((ms) => ms <= (latencyClasses[index] ?? 0) && ms > (latencyClasses[index - 1] ?? -1)).length
        expect(tally.latency).toEqual(latencyClasses.map((_, index) => inClass(index)))
        expect(tally.slowest.map(({ ms }) => ms)).toEqual(times.toSorted((a, b) => b - a).slice(0, 10))
      },
    ),
  )
})

test.each([[0], [1], [9], [10], [11], [1234]])('%i failed records give nine diagnostics at most', (count) => {
  const tally = new Tally()
  for (let line = 1; line <= count; line++) tally.add(outcome('a', 'failed', { line, message: 'no' }))
  const diagnostics = tally.diagnostics('b.ndjson')
  expect(diagnostics.length).toBe(Math.min(count, 9))
  expect(tally.failures.length).toBeLessThanOrEqual(10)
  const rest =
    count > 9 ? `and ${(count - 8).toLocaleString('en')} more records failed: the journal has them all` : undefined
  expect(diagnostics.find(({ message }) => message.startsWith('and '))?.message).toBe(rest)
  if (count > 0)
    expect(diagnostics[0]).toEqual({ message: 'icfg_1: no', file: 'b.ndjson', position: { line: 1, column: 1 } })
})

test('without a file a diagnostic names the line; an unknown outcome is mentioned once', () => {
  const tally = new Tally()
  tally.add(outcome('a', 'unknown', { line: 7, message: 'broken' }))
  tally.add(outcome('b', 'unknown', { line: 8, message: 'The outcome is unknown' }))
  expect(tally.diagnostics().map(({ message }) => message)).toEqual([
    'line 7, icfg_1: broken (the outcome is unknown)',
    'line 8, icfg_1: The outcome is unknown',
  ])
})
