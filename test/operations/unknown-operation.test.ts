import { expect, test } from 'vitest'
import { unknownOperation } from '../../src/operations/unknown-operation.ts'

test.each([
  // A word has no other characters.
  ['#usage##################', ' Related: submitBillingData.'],
  // No operation has one of these words.
  ['was-here-or-there-or-elsewhere', ''],
  ['7'.repeat(30), ''],
  // Only the beginning of a long name counts.
  [`${'x'.repeat(200)}Invoice`, ''],
])('%s is related to:%s', (name, related) => {
  expect(unknownOperation(name, [])).toMatch(
    new RegExp(`^There is no operation ".*"\\.${related} All operations: docs/operations\\.md$`),
  )
})
