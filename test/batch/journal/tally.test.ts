import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Ledger } from '../../../src/batch/journal/ledger.ts'
import { amountOfBatch, latencyClasses, Tally } from '../../../src/batch/journal/tally.ts'
import { warningDiagnostics } from '../../../src/batch/records/warning-kinds.ts'
import { operationNamed } from '../../../src/operations/catalogue.ts'
import { outcome, sent, succeeded } from '../journals.ts'

test('the records of a run are counted by outcome, and their further attempts', () => {
  const tally = new Tally()
  tally.add(succeeded('a', { attempts: 3 }))
  tally.add(succeeded('b', { status: 'duplicate' }))
  tally.add(outcome('c', 'failed'))
  tally.add(outcome('d', 'unknown', { attempts: 2 }))
  tally.add(outcome('e', 'gone'))
  expect(tally).toMatchObject({ succeeded: 2, failed: 2, gone: 1, retries: 3 })
})

test('times and attempts of another type, which a journal can have, are ignored', () => {
  const tally = new Tally()
  for (const value of ['5', {}, null, [7], Number.NaN]) {
    tally.addTimes(succeeded('a', { attempts: value as number, ms: value as number }))
  }
  expect(tally.retries).toBe(0)
  expect(tally.slowest).toEqual([])
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

test('the amount of a batch is a plain decimal, and only of operations that move money', () => {
  const ledger = new Ledger()
  for (const event of [sent('a'), succeeded('a', { amount: '1200.10' }), sent('b'), succeeded('b', { amount: '0.20' })])
    ledger.apply(event)
  expect(amountOfBatch({ ledger }, operationNamed('submitInvoice'))).toBe('1200.30')
  expect(amountOfBatch({ ledger: new Ledger() }, operationNamed('submitInvoice'))).toBe('0.00')
  expect(amountOfBatch({ ledger }, operationNamed('getMember'))).toBeUndefined()
  expect(amountOfBatch({ ledger }, undefined)).toBeUndefined()
  expect(amountOfBatch({}, operationNamed('submitInvoice'))).toBeUndefined()
})

test('records that failed because of a rate limit are counted apart, and warnings are those of successes', () => {
  const tally = new Tally()
  tally.add(outcome('a', 'failed', { code: 'throttled', message: 'Too long' }))
  tally.add(outcome('b', 'failed', { code: 'forbidden' }))
  tally.add(succeeded('c', { code: 'throttled', message: 'Check it', line: 7 }))
  tally.add(succeeded('d'))
  expect(tally).toMatchObject({ throttled: 1, failed: 2, succeeded: 2 })
  expect(warningDiagnostics(tally.warnings, 'b.ndjson').map(({ message }) => message)).toEqual(['line 7: Check it'])
})

test('of equally slow records the first ones are kept, and each is named', () => {
  const tally = new Tally()
  for (let line = 1; line <= 12; line++)
    tally.add(succeeded('a', { ms: line === 12 ? 6 : 5, line, installation: `i${line}` }))
  expect(tally.slowest.map(({ line }) => line)).toEqual([12, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  expect(tally.slowest[1]).toEqual({ installation: 'i1', line: 1, ms: 5 })
  expect(tally.latency).toEqual([12, 0, 0, 0, 0, 0, 0, 0, 0])
})

test('times fall in the class whose limit they reach', () => {
  const tally = new Tally()
  for (const ms of [0, 50, 51, 100, 10_000, 10_001]) tally.add(succeeded('a', { ms }))
  expect(tally.latency).toEqual([2, 2, 0, 0, 0, 0, 0, 1, 1])
})
