// Which files an input names, and in which order.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { findJournals } from '../../../src/batch/journal/find-journals.ts'
import { newFolder } from '../files.ts'

test('the files of a glob are in the order of their names, each once, and patterns in their own', () => {
  const workspace = newFolder()
  for (const name of ['c', 'a', 'b', 'd']) writeFileSync(join(workspace, name), '')
  expect(findJournals(['d', '{c,b,a}', '*', 'missing', 'x*'], workspace)).toEqual({
    paths: ['d', 'a', 'b', 'c', 'missing'].map((name) => join(workspace, name)),
    unmatched: ['x*'],
  })
})
