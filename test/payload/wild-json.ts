// Generates JSON that may be slightly broken, as people and programs write it.

import fc from 'fast-check'
import { unicodeText } from '../unicode-text.ts'

/** Pieces that are inserted into a text. */
const pieces = [
  ...['{', '}', '[', ']', ':', ',', '"', '\\', ' ', '\n', '\ufeff', '\u0000', '\ud83d', '\u00a0'],
  ...['1', '-0', '9007199254740993', '1e999', '0.10000000000000000001', '12345678901234567890', 'true', 'null', '""'],
  ...['"a":1,', '"a":2', '"\\u0061":3,', '"__proto__":{},', '"constructor":1,', '"id":"r-1",', '"token":"t",'],
  ...[
    '\\u003a',
    '\\ud800',
    '\\"',
    '${{ x }}',
    '***',
    '"$env":"A"',
    '{"$env":"A"}',
    '"$schema":"s",',
    '"requestBody":{},',
  ],
  ...['['.repeat(101), ']'.repeat(101), '{"a":'.repeat(99), '}'.repeat(99)],
]

/** Changes a text in a few places: inserts, removes or repeats a piece of it. */
export function mutationOf(text: string): fc.Arbitrary<string> {
  const change = fc.record({
    at: fc.nat(),
    removed: fc.constantFrom(0, 0, 1, 2, 10),
    repeated: fc.constantFrom(0, 0, 0, 5, 20),
    inserted: fc.oneof(fc.constant(''), fc.constantFrom(...pieces)),
  })
  return fc.array(change, { maxLength: 2 }).map((changes) =>
    changes.reduce((current, { at, removed, repeated, inserted }) => {
      const place = at % (current.length + 1)
      const again = current.slice(place, place + repeated)
      return current.slice(0, place) + again + inserted + current.slice(place + removed)
    }, text),
  )
}

const keys = fc.constantFrom('a', 'b', 'id', '__proto__', 'toString', '', 'a:b', '"', '\u2028')
const scalars = fc.oneof(
  fc.constantFrom(0, 1.5, 1e21, 12345678901234, 123456789012345680, true, null, '', 'x:y', '"', '\\', '\ud800', '😀'),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  unicodeText({ maxLength: 5 }),
)
const values = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    scalars,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(keys, tie('value'), { maxKeys: 4 }),
  ),
})).value

/** JSON, or nearly. */
export const wildJson: fc.Arbitrary<string> = fc
  .tuple(values, fc.constantFrom(undefined, 1))
  .chain(([value, indent]) => mutationOf(JSON.stringify(value, null, indent)))
