// The canonical text of a payload must never change: journals identify records by its digest.

import { hash } from 'node:crypto'
import fc from 'fast-check'
import { expect, onTestFinished, test, vi } from 'vitest'
import { sortedNames } from '../../src/payload/canonical-json.ts'
import { contentDigest } from '../../src/payload/content-digest.ts'
import { runs } from '../runs.ts'
import { unicodeText } from '../unicode-text.ts'

/** JSON with sorted keys, in the simplest way. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const fields = Object.entries(value).map(([name, entry]) => [name, `${JSON.stringify(name)}:${canonical(entry)}`])
  return `{${fields
    .sort(([a = ''], [b = '']) => (a < b ? -1 : 1))
    .map(([, field]) => field)
    .join(',')}}`
}

const name = fc.oneof(fc.constantFrom('10', '9', 'a', 'A', '__proto__', 'é', '"', '\\', '😀', '\uffff'), fc.string())
const value = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.oneof(fc.double(), unicodeText(), fc.boolean(), fc.constant(null), fc.constantFrom('\u007f', '"')),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(name, tie('value'), { maxKeys: 25, size: 'max' }),
  ),
})).value

test('the digest is that of the JSON with sorted keys', () => {
  const sources = { env: {}, readFile: () => '' }
  fc.assert(
    fc.property(value, (payload) => {
      // As JSON.parse returns it.
      const parsed = JSON.parse(JSON.stringify(payload))
      const digest = contentDigest({ payload: parsed, secrets: [], token: 't', sources })
      expect(digest).toBe(hash('sha256', canonical(parsed)))
    }),
    runs(60),
  )
})

test('names are in order also if there are many, which are not sorted one by one', () => {
  const namesOf = (count: number) => Array.from({ length: count }, (_, index) => `n${99 - index}`)
  const sorting = vi.spyOn(Array.prototype, 'sort')
  onTestFinished(() => sorting.mockRestore())
  const sorted = (count: number) => sortedNames(Object.fromEntries(namesOf(count).map((name) => [name, 1])))
  expect(sorted(16)).toEqual(namesOf(16).reverse())
  expect(sorting).not.toHaveBeenCalled()
  expect(sorted(17)).toEqual(namesOf(17).reverse())
  expect(sorting).toHaveBeenCalledOnce()
})

test('the values of secrets and references count too, under the token', () => {
  const payload = { memo: { $env: 'A' }, other: { $env: 'NONE' } }
  const sources = { env: { A: 'a' }, readFile: () => '' }
  const digest = contentDigest({ payload, secrets: ['hunter2'], token: 't', sources })
  const text = '{"memo":{"$env":"A"},"other":{"$env":"NONE"}}'
  // A reference that cannot be resolved counts as an empty text.
  expect(digest).toBe(hash('sha256', hash('sha256', JSON.stringify(['t', text, ['hunter2', 'a', '']]))))
})
