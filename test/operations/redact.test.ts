import fc from 'fast-check'
import { expect, test } from 'vitest'
import { operationNamed, operations } from '../../src/operations/catalogue.ts'
import { redact } from '../../src/operations/redact.ts'
import { check } from '../../src/payload/check.ts'
import { object, type Schema, secret } from '../../src/payload/schema.ts'
import { payloadOf } from '../payload/arbitrary.ts'
import { newCheck } from '../payload/checking.ts'

test('a redacted payload has no secrets; references show the source of a value', async () => {
  const { body } = operationNamed('updateResource')
  const production = { $file: 'secrets/db' }
  const value = {
    name: 'Orders',
    metadata: { value: 'not a secret' },
    notification: null,
    secrets: {
      secrets: [{ name: 'A', value: 'hunter2', environmentOverrides: { preview: 'hunter3', production } }],
      partial: true,
    },
  }
  expect(redact(body as Schema, value)).toEqual({
    ...value,
    secrets: {
      secrets: [{ name: 'A', value: '***', environmentOverrides: { preview: '***', production } }],
      partial: true,
    },
  })
})

test('a secret that does not exist is not shown as one, and another kind of value stays', () => {
  expect(redact(secret(), undefined)).toBeUndefined()
  expect(redact(object({ a: secret() }), 'text')).toBe('text')
})

test('in any payload exactly the secrets are replaced', async () => {
  for (const { name } of operations) {
    const body = operationNamed(name).body
    if (!body) continue
    fc.assert(
      fc.property(payloadOf(body), (payload) => {
        const shown = redact(body, payload)
        const context = newCheck()
        check(body, payload, [], context)
        const replaced = differences(payload, shown)
        expect(replaced.map(({ before }) => before).sort()).toEqual(context.secrets.sort())
        expect(replaced.every(({ after }) => after === '***')).toBe(true)
      }),
      { numRuns: 30 },
    )
  }
})

function differences(before: unknown, after: unknown): { before: unknown; after: unknown }[] {
  if (typeof before !== 'object' || before === null) return before === after ? [] : [{ before, after }]
  return Object.entries(before).flatMap(([name, entry]) =>
    differences(entry, (after as Record<string, unknown>)?.[name]),
  )
}
