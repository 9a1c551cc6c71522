// Compares the JSON Schemas that editors use with the action's own check: what one refuses, the other must refuse too.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv } from 'ajv'
import { default as addFormats } from 'ajv-formats'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { operations } from '../../src/operations/catalogue.ts'
import { type RequestShape, requestShape } from '../../src/operations/request.ts'
import { check } from '../../src/payload/check.ts'
import { isObject } from '../../src/payload/schema.ts'
import { payloadOf } from '../payload/arbitrary.ts'
import { newCheck } from '../payload/checking.ts'
import { runs } from '../runs.ts'

// The code for each schema is used too little to be worth optimizing.
const ajv = new Ajv({ strict: true, allowUnionTypes: true, code: { optimize: false } })
addFormats.default(ajv)

/** Whether the action's check accepts a payload, before the rules that a schema cannot express. */
function isAccepted({ flat, nested }: RequestShape, payload: unknown): boolean {
  const context = newCheck()
  check(nested && isObject(payload) && Object.hasOwn(payload, 'requestBody') ? nested : flat, payload, [], context)
  return context.errors.length === 0
}

/** A value of another kind than most fields have. */
const otherValue = fc.constantFrom(undefined, null, true, 7, -0.5, '', ' ', 'text', [], [[]], {}, { unknown: 1 })

/** Changes the payload at one of its places: the change is `undefined` for a field that is removed. */
function changedAt(payload: unknown, place: number, change: unknown): unknown {
  let left = place
  const visit = (value: unknown): unknown => {
    if (left-- === 0) return change
    if (Array.isArray(value)) return value.map(visit).filter((entry) => entry !== undefined)
    if (!isObject(value)) return value
    const entries = Object.entries(value).map(([name, inner]) => [name, visit(inner)] as const)
    return Object.fromEntries(entries.filter(([, inner]) => inner !== undefined))
  }
  return visit(payload)
}

test.each(operations.map((operation) => ({ operation, name: operation.name })))(
  'the JSON Schema of $name accepts and refuses what the action does',
  ({ operation, name }) => {
    const path = join(import.meta.dirname, '..', '..', 'schemas', `${name}.json`)
    const isValid = ajv.compile(JSON.parse(readFileSync(path, 'utf8')))
    const shape = requestShape(operation)
    const valid = fc.oneof(payloadOf(shape.flat), payloadOf(shape.nested ?? shape.flat))
    const count = { accepted: 0, refused: 0 }
    fc.assert(
      fc.property(valid, fc.nat({ max: 12 }), otherValue, (payload, place, change) => {
        expect(isAccepted(shape, payload)).toBe(true)
        expect(isValid(payload)).toBe(true)
        const changed = changedAt(payload, place, change)
        if (changed === undefined) return
        const verdict = isAccepted(shape, changed)
        expect(isValid(changed)).toBe(verdict)
        count[verdict ? 'accepted' : 'refused']++
      }),
      runs(50),
    )
    expect(count.accepted).toBeGreaterThan(0)
    expect(count.refused).toBeGreaterThan(0)
  },
)
