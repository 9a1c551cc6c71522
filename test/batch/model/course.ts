// The courses that the model takes: a batch, and a schedule of runs with their faults, kills and resumes.

import fc from 'fast-check'
import type { OperationName } from '../../../src/operations/catalogue.ts'
import type { Kill } from './machine.ts'
import { answeredFates, type Fate, lostFates, rejectedFates, unclearFates, untouchedFates } from './network.ts'

export const kinds = [
  'submitInvoice',
  'updateInvoice',
  'submitBillingData',
  'rotateInstallationCredential',
] as const satisfies readonly OperationName[]

export type Kind = (typeof kinds)[number]

/** A record, as far as it is chosen. */
export interface RecordChoice {
  readonly installation: number
  readonly amount: number
  /** Of an invoice the discount, of a refund its reason and invoice, of a report its period. */
  readonly detail: number
  readonly hasId: boolean
  readonly hasKey: boolean
  /** Whether it has the content of the record before it. */
  readonly isTwin: boolean
  /** Whether somebody else has done the same before the batch. */
  readonly isDoneBefore: boolean
}

export interface RunChoice {
  readonly fates: readonly Fate[]
  readonly readFates: readonly Fate[]
  readonly kill: Kill | undefined
  /** Before which request the run is cancelled, 0-based. */
  readonly cancelAt: number | undefined
  /** Before which request somebody else refunds a part of an invoice, 0-based. */
  readonly othersRefundAt: number | undefined
  /** Whether the journal is lost after the run. */
  readonly losesJournal: boolean
}

export interface Course {
  readonly kind: Kind
  readonly records: readonly RecordChoice[]
  readonly runs: readonly RunChoice[]
  readonly onDuplicate: 'fail' | 'succeed' | 'send'
  readonly onGone: 'fail' | 'skip'
  readonly externalId: 'auto' | 'none'
  readonly revokesPrevious: boolean
  /** Whether a refund is requested first, and made once the invoice was read. */
  readonly isRefundGradual: boolean
  readonly hidesRefundTotal: boolean
  readonly concurrency: number
  readonly maxAttempts: number
  readonly maxFailures: number | undefined
  /** After how many requests one that is late arrives. */
  readonly lateAfter: number
}

const rarely = (weight: number) => fc.nat({ max: weight }).map((value) => value === weight)
const orNot = <T>(arbitrary: fc.Arbitrary<T>, weight: number): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary })

/** Fates by how often they come. */
const fate = fc.constantFrom<Fate>(
  ...Array.from({ length: 5 }, () => answeredFates).flat(),
  ...Array.from({ length: 2 }, () => lostFates).flat(),
  ...Array.from({ length: 1 }, () => unclearFates).flat(),
  ...untouchedFates.slice(0, 3),
  ...untouchedFates,
  ...rejectedFates,
  '410',
)

const readFate = fc.constantFrom<Fate>(
  ...Array.from({ length: 12 }, (): Fate => 'answered'),
  ...unclearFates,
  '403',
  '429',
  'refused',
)

const record: fc.Arbitrary<RecordChoice> = fc.record({
  installation: fc.nat({ max: 2 }),
  amount: fc.nat({ max: 5 }),
  detail: fc.nat({ max: 5 }),
  hasId: fc.boolean(),
  hasKey: fc.boolean(),
  isTwin: rarely(3),
  isDoneBefore: rarely(7),
})

const run: fc.Arbitrary<RunChoice> = fc.record({
  fates: fc.array(fate, { maxLength: 8 }),
  readFates: fc.array(readFate, { maxLength: 6 }),
  kill: orNot(
    fc.record({
      afterSteps: fc.nat({ max: 24 }),
      part: fc.nat({ max: 99 }).map((percent) => percent / 100),
    }),
    1,
  ),
  cancelAt: orNot(fc.nat({ max: 4 }), 3),
  othersRefundAt: orNot(fc.nat({ max: 6 }), 3),
  losesJournal: rarely(15),
})

export const course = (kind: Kind): fc.Arbitrary<Course> =>
  fc.record({
    kind: fc.constant(kind),
    records: fc.array(record, { minLength: 1, maxLength: 8, size: '-1' }),
    runs: fc.array(run, { minLength: 1, maxLength: 4, size: '-1' }),
    onDuplicate: fc.constantFrom('fail', 'succeed', ...(kind === 'updateInvoice' ? (['send'] as const) : [])),
    onGone: fc.constantFrom('fail', 'skip'),
    externalId: fc.constantFrom('auto', 'auto', ...(kind === 'submitInvoice' ? (['none'] as const) : [])),
    revokesPrevious: fc.boolean(),
    isRefundGradual: fc.boolean(),
    hidesRefundTotal: rarely(3),
    concurrency: fc.integer({ min: 1, max: 4 }),
    maxAttempts: fc.integer({ min: 1, max: 3 }),
    maxFailures: orNot(fc.integer({ min: 1, max: 2 }), 9),
    lateAfter: fc.integer({ min: 1, max: 5 }),
  })
