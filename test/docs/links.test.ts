import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, test } from 'vitest'
import { documents } from '../../scripts/docs.ts'
import { anchorsOf, brokenLinks, linksOf, root } from './links.ts'

const all = [
  ...documents,
  ...['CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md', 'examples/postgres/README.md'].filter((path) =>
    existsSync(join(root, path)),
  ),
]

test.each(all)('every link in %s works', (path) => {
  expect(brokenLinks(path)).toEqual([])
})

/** The documents that a document links to. */
const linkedFrom = (path: string) =>
  linksOf(readFileSync(join(root, path), 'utf8'))
    .map((link) => normalize(join(dirname(path), link.split('#')[0] ?? '')))
    .filter((target) => documents.includes(target))

test('the README links to every page of docs/, and the pages of the reference are one click further', () => {
  const near = linkedFrom('README.md')
  const far = [...near, ...near.flatMap(linkedFrom)]
  const missing = documents
    .filter((path) => path.startsWith('docs/'))
    .filter((path) => !(path.startsWith('docs/reference/') ? far : near).includes(path))
  expect(missing).toEqual([])
})

describe('a link is broken', () => {
  test.each([
    ['to a file that does not exist', '[a](docs/nothing.md)'],
    ['to a file outside the project', '[a](../../etc/passwd)'],
    ['to a heading that does not exist', '# One\n[a](#two)'],
    ['to a heading that does not exist in another document', '[a](docs/delivery.md#nothing)'],
    ['over plain http', '[a](http://example.com)'],
    ['to an image that does not exist', '![a](docs/images/nothing.png)'],
  ])('%s', (_, text) => {
    expect(brokenLinks('README.md', text)).toHaveLength(1)
  })
})

test('anchors are the same as on GitHub', () => {
  expect(anchorsOf('# What `a.b` is, & why?\n## Über Größe\n## Again\n## Again')).toEqual([
    'what-ab-is--why',
    'über-größe',
    'again',
    'again-1',
  ])
})
