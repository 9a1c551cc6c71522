import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { documents } from '../../scripts/docs.ts'
import { anchorsOf, brokenLinks, linksOf, root } from './links.ts'

const all = [
  ...documents,
  ...['CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md'].filter((path) => existsSync(join(root, path))),
]

test.each(all)('every link of %s leads somewhere', (path) => {
  expect(brokenLinks(path)).toEqual([])
})

test('every page of docs/ is reached from the README', () => {
  const pages = documents.filter((path) => path.startsWith('docs/'))
  expect(pages.filter((path) => !linksOf(readFileSync(join(root, 'README.md'), 'utf8')).includes(path))).toEqual([])
})

describe('a link is dead', () => {
  test.each([
    ['to a file that is not there', '[a](docs/nothing.md)'],
    ['out of the project', '[a](../../etc/passwd)'],
    ['to a heading that the document has not', '# One\n[a](#two)'],
    ['to a heading that another document has not', '[a](docs/delivery.md#nothing)'],
    ['over plain http', '[a](http://example.com)'],
    ['to a picture that is not there', '![a](docs/images/nothing.png)'],
  ])('%s', (_, text) => {
    expect(brokenLinks('README.md', text)).toHaveLength(1)
  })
})

test('anchors are those that GitHub makes', () => {
  expect(anchorsOf('# What `a.b` is, & why?\n## Über Größe\n## Again\n## Again')).toEqual([
    'what-ab-is--why',
    'über-größe',
    'again',
    'again-1',
  ])
})
