import { symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { requireOwnFile } from '../../../src/batch/report/own-file.ts'
import { newFolder } from '../files.ts'

/** Whether a report is refused beside a journal, both relative to one folder. */
function refusalOf(report: string, journal: string, platform: NodeJS.Platform = 'linux', workspace = newFolder()) {
  const others = { workspace, files: { 'journal-file': journal }, journals: {}, platform }
  try {
    requireOwnFile(report, others)
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

const refusal = 'Input `report-file` is the file of `journal-file`, which the report would replace: give another path'

test('a report never replaces the journal, under another name of the file', () => {
  const workspace = newFolder()
  writeFileSync(join(workspace, 'j.ndjson'), '')
  symlinkSync('j.ndjson', join(workspace, 'link.ndjson'))
  for (const report of ['j.ndjson', './j.ndjson', 'link.ndjson', join(workspace, 'j.ndjson')]) {
    expect(refusalOf(report, 'j.ndjson', 'linux', workspace)).toBe(refusal)
  }
  expect(refusalOf('r.ndjson', 'j.ndjson', 'linux', workspace)).toBeUndefined()
})

test('a report never replaces a journal that does not exist yet, where the system ignores the case of names', () => {
  expect(refusalOf('J.ndjson', 'j.ndjson', 'win32')).toBe(refusal)
  expect(refusalOf('J.ndjson', 'j.ndjson', 'darwin')).toBe(refusal)
  expect(refusalOf('J.ndjson', 'j.ndjson', 'linux')).toBeUndefined()
})

test('a report never replaces a journal that does not exist yet, in a folder with two names', () => {
  const workspace = newFolder()
  symlinkSync(workspace, join(workspace, 'link'))
  expect(refusalOf('link/j.ndjson', 'j.ndjson', 'linux', workspace)).toBe(refusal)
})
