import { closeSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { isNewJournal } from '../../../src/batch/journal/journal-file.ts'
import { newFolder } from '../files.ts'
import { header, journalText } from '../journals.ts'

const torn = journalText(header).slice(0, 20)

/** Writes a journal whose header is torn. Its handle cannot change the file's size, as one for appending on Windows. */
function tornJournal() {
  const path = join(newFolder(), 'journal.ndjson')
  writeFileSync(path, torn)
  const descriptor = openSync(path, 'r')
  onTestFinished(() => closeSync(descriptor))
  return { path, descriptor }
}

test('a torn header is removed, without the handle for appending', () => {
  const { path, descriptor } = tornJournal()
  expect(isNewJournal(descriptor, path, header)).toBe(true)
  expect(readFileSync(path, 'utf8')).toBe('')
})

test('a torn header is not removed from a file that took the place of the journal', () => {
  const { path, descriptor } = tornJournal()
  writeFileSync(`${path}.other`, torn)
  renameSync(`${path}.other`, path)
  expect(() => isNewJournal(descriptor, path, header)).toThrow('cannot be opened: it was replaced')
  expect(readFileSync(path, 'utf8')).toBe(torn)
})
