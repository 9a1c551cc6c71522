// Where the journal of a batch is, and what its first line says.

import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { findJournals } from '../../../src/batch/journal/find-journals.ts'
import { type JournalSubject, journalHeader, journalPath } from '../../../src/batch/journal/journal-path.ts'
import { operationNamed } from '../../../src/operations/catalogue.ts'
import { newFolder, withFile } from '../files.ts'

const subject: JournalSubject = {
  operation: operationNamed('submitInvoice'),
  shard: { index: 2, count: 4 },
  api: 'https://api.vercel.com',
  externalId: 'auto',
}
const pathFor = (
  content: string | Buffer,
  change: Partial<JournalSubject> = {},
  env: NodeJS.ProcessEnv = { RUNNER_TEMP: '/temp' },
) =>
  withFile(join(newFolder(), 'batch'), content, (descriptor) =>
    journalPath({ ...subject, ...change, journalFile: undefined }, descriptor, { workspace: '/work', env }),
  )

test('a header says which records it belongs to', () => {
  expect(journalHeader(subject)).toEqual({
    journal: 'vercel-marketplace',
    version: 1,
    operation: 'submitInvoice',
    shard: '2/4',
    api: 'https://api.vercel.com',
    externalId: 'auto',
  })
  expect('externalId' in journalHeader({ ...subject, operation: operationNamed('updateInvoice') })).toBe(false)
})

test('the input is a path in the workspace', () => {
  const path = withFile(join(newFolder(), 'batch'), '', (descriptor) =>
    journalPath({ ...subject, journalFile: 'a/j.ndjson' }, descriptor, { workspace: '/work', env: {} }),
  )
  expect(path).toBe(resolve('/work', 'a/j.ndjson'))
})

test.each([
  ['C:j.ndjson', 'on Windows the colon of its drive must have a slash behind it'],
  ['2026-11-28T10:00.ndjson', 'on Windows its name must not contain a colon'],
])('on Windows %s is refused', (journalFile, problem) => {
  const pathOn = (platform: NodeJS.Platform) =>
    withFile(join(newFolder(), 'batch'), '', (descriptor) =>
      journalPath({ ...subject, journalFile }, descriptor, { workspace: '/work', env: {} }, platform),
    )
  expect(() => pathOn('win32')).toThrow(
    expect.objectContaining({
      message: `The journal "${journalFile}" cannot be opened: ${problem}`,
      hint: 'Use a name without a colon',
    }),
  )
  expect(pathOn('linux')).toBe(resolve('/work', journalFile))
})

test('without the input the name depends on all that a journal belongs to', () => {
  const large = Buffer.alloc((1 << 18) + 1, 'x')
  const other = Buffer.from(large)
  other[1 << 18] = 0
  const paths = [
    pathFor('a'),
    pathFor('b'),
    pathFor(''),
    pathFor('a', { shard: { index: 1, count: 4 } }),
    pathFor('a', { api: 'sandbox' }),
    pathFor('a', { externalId: 'none' }),
    pathFor(large),
    pathFor(other),
    pathFor(large.subarray(0, 1 << 18)),
  ]
  for (const path of paths) expect(path).toMatch(/^\/temp\/vercel-marketplace-submitInvoice-[0-9a-f]{16}\.ndjson$/)
  expect(new Set(paths).size).toBe(paths.length)
  expect(pathFor('a')).toBe(paths[0])
  expect(pathFor('a', {}, {}).startsWith(join(tmpdir(), 'vercel-marketplace-submitInvoice-'))).toBe(true)
})

test('paths that are not globs are kept, whether they exist or not, and each once', () => {
  const workspace = newFolder()
  expect(findJournals(['b', 'a', './b'], workspace)).toEqual({
    paths: [join(workspace, 'b'), join(workspace, 'a')],
    unmatched: [],
  })
  for (const glob of ['*.x', '?.x', '[ab].x', '{a,b}.x']) {
    expect(findJournals([glob], workspace)).toEqual({ paths: [], unmatched: [glob] })
  }
})
