import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { root } from '../docs/links.ts'

interface LockEntry {
  readonly version?: string
  readonly resolved?: string
  readonly integrity?: string
}
type Lock = { readonly packages: Readonly<Record<string, LockEntry>> }

/** Returns the packages of a lock file that `npm ci` would install without a check, or not from the public registry. */
const problemsIn = ({ packages }: Lock): string[] =>
  Object.entries(packages).flatMap(([path, { integrity = '', resolved }]) => {
    if (path === '') return []
    return [
      ...(/^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity) ? [] : [`${path} has no sha512 integrity`]),
      ...(resolved?.startsWith('https://registry.npmjs.org/') === false ? [`${path} is resolved to ${resolved}`] : []),
    ]
  })

test('every package of the lock file has an integrity, and comes from the public registry', () => {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as Lock
  expect(problemsIn(lock)).toEqual([])
  expect(Object.keys(lock.packages).length).toBeGreaterThan(100)
})

describe('a lock file is refused', () => {
  const integrity = `sha512-${'A'.repeat(86)}==`
  test.each([
    ['without an integrity', { version: '1.0.0' }, 'node_modules/a has no sha512 integrity'],
    [
      'with a weak integrity',
      { integrity: 'sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=' },
      'node_modules/a has no sha512 integrity',
    ],
    [
      'with another registry',
      { integrity, resolved: 'http://localhost:4873/a/-/a-1.0.0.tgz' },
      'node_modules/a is resolved to http://localhost:4873/a/-/a-1.0.0.tgz',
    ],
  ])('%s', (_, entry, problem) => {
    expect(problemsIn({ packages: { '': {}, 'node_modules/a': entry } })).toEqual([problem])
  })

  test('but not with an integrity and the public registry', () => {
    const resolved = 'https://registry.npmjs.org/a/-/a-1.0.0.tgz'
    expect(problemsIn({ packages: { '': {}, 'node_modules/a': { integrity, resolved } } })).toEqual([])
  })
})
