import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  ownReferences,
  referringFiles,
  renamed,
  repository,
  repositoryOf,
  withMajorTag,
  withOwner,
} from '../../scripts/repository.ts'
import { root } from '../docs/links.ts'

const read = (path: string) => readFileSync(join(root, path), 'utf8')

test('package.json names the repository, and its version the major tag', () => {
  const manifest = { repository: 'github:octo-org/octo.action', version: '2.10.3-rc.1' }
  expect(repositoryOf(JSON.stringify(manifest))).toEqual({ name: 'octo-org/octo.action', majorTag: 'v2' })
  expect(() => repositoryOf(JSON.stringify({ ...manifest, repository: 'octo-org' }))).toThrow('must be "github:owner')
})

test.each(referringFiles)('every reference in %s has the name and the major version of package.json', (path) => {
  const expected = { name: repository.name, tag: repository.majorTag }
  expect(ownReferences(read(path)).filter(({ name, tag }) => name !== expected.name || tag !== expected.tag)).toEqual(
    [],
  )
})

test('a reference by major version to another action is found', () => {
  expect(ownReferences('- uses: actions/checkout@v7')).toEqual([{ name: 'actions/checkout', tag: 'v7' }])
})

test('the README refers to the action and to a reusable workflow', () => {
  expect(read('README.md')).toContain(`uses: ${repository.name}@${repository.majorTag}\n`)
  expect(read('README.md')).toContain(`uses: ${repository.name}/.github/workflows/`)
})

test('the teams in CODEOWNERS belong to the owner of the repository', () => {
  expect(withOwner(read('.github/CODEOWNERS'), repository)).toBe(read('.github/CODEOWNERS'))
})

describe('after the repository was renamed and has a new major version', () => {
  const former = 'your-org/vercel-marketplace-action'
  const next = { name: 'octo-org/billing', majorTag: 'v12' }
  const commit = '0123456789abcdef0123456789abcdef01234567'
  const rewritten = (text: string) => withMajorTag(renamed(text, former, next), next)

  test.each([
    ['a step', `- uses: ${former}@v1\n`, '- uses: octo-org/billing@v12\n'],
    [
      'a reusable workflow, in a comment',
      `#     uses: ${former}/.github/workflows/billing.yml@v1`,
      '#     uses: octo-org/billing/.github/workflows/billing.yml@v12',
    ],
    ['a step in a flow mapping', `{ uses: ${former}@v1, with: {} }`, '{ uses: octo-org/billing@v12, with: {} }'],
    ['a link', `https://github.com/${former}/releases`, 'https://github.com/octo-org/billing/releases'],
    [
      'a pin of a released commit',
      `- uses: ${former}@${commit} # v1.2.3`,
      `- uses: octo-org/billing@${commit} # v1.2.3`,
    ],
    ['prose', `\`uses: ${former}@<40 hex digits>\``, '`uses: octo-org/billing@<40 hex digits>`'],
  ])('%s has both', (_, before, after) => {
    expect(rewritten(before)).toBe(after)
    expect(rewritten(after)).toBe(after)
  })

  test.each([
    'uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1',
    'uses: actions/checkout@v7',
    'uses: actions/checkout@v7.0.1',
    `uses: ${former}-fork@main`,
    `https://github.com/not-${former}`,
    'uses: ./',
  ])('%s stays the same', (text) => {
    expect(rewritten(text)).toBe(text)
  })

  test('a team belongs to the new owner', () => {
    expect(withOwner('* @your-org/maintainers @octocat\n', next)).toBe('* @octo-org/maintainers @octocat\n')
  })
})
