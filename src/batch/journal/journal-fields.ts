// The fields of a journal's lines, and whether a parsed line has them: nothing else of a journal is believed.

import { quote } from '../../format.ts'
import { kindOf } from '../../payload/kinds.ts'
import { isObject } from '../../payload/schema.ts'
import type { JournalEvent, JournalHeader } from './journal-format.ts'

/** A field: what it must be, as a message says it, and the check. */
interface FieldRule {
  readonly expected: string
  readonly isValid: (value: unknown) => boolean
  readonly optional?: true
}

type FieldRules = readonly (readonly [name: string, rule: FieldRule])[]

/** Digits before and after the point. A sum of amounts can have more of them than an amount. */
const amountPattern = /^-?\d{1,200}(\.\d{1,200})?$/
const instantPattern = /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?Z$/
/** A request of 2,000 characters, which is the longest in a journal, cannot nest deeper. */
const maxRequestDepth = 1000

const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0

const textRule: FieldRule = { expected: 'text', isValid: (value) => typeof value === 'string' }
const countRule: FieldRule = { expected: 'a whole number', isValid: isCount }
const instantRule: FieldRule = {
  expected: 'a time such as 2026-01-31T12:00:00.000Z',
  isValid: (value) => typeof value === 'string' && instantPattern.test(value),
}
const amountRule: FieldRule = {
  expected: 'a decimal in quotes',
  isValid: (value) => typeof value === 'string' && amountPattern.test(value),
}
const trueRule: FieldRule = { expected: 'true', isValid: (value) => value === true }
const requestRule: FieldRule = {
  expected: 'a request',
  isValid: (value) => typeof value === 'string' || (isObject(value) && !isDeeper(value, maxRequestDepth)),
}
const allowMissing = (rule: FieldRule): FieldRule => ({ ...rule, optional: true })

const readingRules: FieldRules = Object.entries({
  state: textRule,
  total: allowMissing(amountRule),
  refundTotal: allowMissing(amountRule),
  refundReason: allowMissing(textRule),
  updated: allowMissing(textRule),
})
const readingRule: FieldRule = {
  expected: 'what an invoice showed',
  isValid: (value) => isObject(value) && fieldProblem(value, readingRules) === undefined,
}

const recordRules = {
  id: textRule,
  digest: allowMissing(textRule),
  line: { expected: 'a line number', isValid: (value: unknown) => isCount(value) && value !== 0 },
  installation: textRule,
  at: instantRule,
}
const outcomeRules: FieldRules = Object.entries({
  ...recordRules,
  status: allowMissing(textRule),
  arrivedEarlier: allowMissing(trueRule),
  invoiceId: allowMissing(textRule),
  amount: allowMissing(amountRule),
  test: allowMissing(trueRule),
  code: allowMissing(textRule),
  message: allowMissing(textRule),
  httpStatus: allowMissing(countRule),
  requestId: allowMissing(textRule),
  attempts: allowMissing(countRule),
  ms: allowMissing({ expected: 'a duration', isValid: Number.isFinite }),
})

/** The fields of each kind of line, by its field `event`. */
export const eventRules: Readonly<Record<JournalEvent['event'], FieldRules>> = {
  begun: Object.entries({ at: instantRule, batch: textRule, total: countRule, amount: allowMissing(amountRule) }),
  sent: Object.entries({
    ...recordRules,
    externalId: allowMissing(textRule),
    amount: allowMissing(amountRule),
    before: allowMissing(readingRule),
    hadNewToken: allowMissing(trueRule),
    resumed: allowMissing(trueRule),
    invoiceId: allowMissing(textRule),
    test: allowMissing(trueRule),
    request: allowMissing(requestRule),
  }),
  succeeded: outcomeRules,
  failed: outcomeRules,
  unknown: outcomeRules,
  gone: outcomeRules,
  not_sent: Object.entries(recordRules),
}

/** The fields of the first line, apart from `journal` and `version`. */
export const headerRules: FieldRules = Object.entries({
  operation: textRule,
  shard: textRule,
  api: textRule,
  externalId: allowMissing(textRule),
})

/** Whether a parsed line is the first line of a journal, of any version. */
export const isHeader = (value: unknown): value is JournalHeader =>
  isObject(value) &&
  value.journal === 'vercel-marketplace' &&
  value.crc === undefined &&
  fieldProblem(value, headerRules) === undefined

/** What is wrong with a parsed line that should be an event: a clause that continues "line 7 … "; undefined if it is one. */
export function eventProblem(value: unknown): string | undefined {
  if (!isObject(value)) return `is ${kindOf(value)}, not an object`
  if (value.crc !== undefined) return 'has a checksum that is not at its end'
  const { event } = value
  if (typeof event !== 'string' || !Object.hasOwn(eventRules, event)) {
    return `has no \`event\` that this version of the action knows`
  }
  return fieldProblem(value, eventRules[event as JournalEvent['event']])
}

function fieldProblem(value: Readonly<Record<string, unknown>>, rules: FieldRules): string | undefined {
  for (const [name, rule] of rules) {
    const field = value[name]
    if (field === undefined) {
      if (!rule.optional) return `lacks the field \`${name}\``
    } else if (!rule.isValid(field)) {
      const found = typeof field === 'string' ? quote(field) : kindOf(field)
      return `has a field \`${name}\` that must be ${rule.expected}, not ${found}`
    }
  }
  return undefined
}

/** Whether a value nests deeper than this number of levels. */
const isDeeper = (value: unknown, levels: number): boolean =>
  typeof value === 'object' &&
  value !== null &&
  (levels === 0 || Object.values(value).some((entry) => isDeeper(entry, levels - 1)))
