import { closeSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'

import { hasContent, isNewJournal, openJournalFile } from '../../../src/batch/journal/journal-file.ts'

import { newFolder } from '../files.ts'
import { header, journalText } from '../journals.ts'

const torn = journalText(header).slice(0, 20)

/** What a function throws. */
function caught(call: () => unknown): unknown {
  try {
    call()
  } catch (error) {
    return error
  }
  return undefined
}

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
  expect(caught(() => isNewJournal(descriptor, path, header))).toMatchObject({
    message: `The journal ${JSON.stringify(path)} cannot be opened: it was replaced`,
    hint: 'Wait until the other run has ended',
  })
  expect(readFileSync(path, 'utf8')).toBe(torn)
})

test('an empty file is a new journal, also if its path leads to another file by now', () => {
  const path = join(newFolder(), 'journal.ndjson')
  writeFileSync(path, '')
  const descriptor = openSync(path, 'r')
  onTestFinished(() => closeSync(descriptor))
  expect(isNewJournal(descriptor, `${path}.other`, header)).toBe(true)
})

test('a folder is refused, with the fix', () => {
  expect(caught(() => openJournalFile(newFolder()))).toMatchObject({ hint: 'Use the path of a file' })
})

test('a header without its line break is complete', () => {
  const path = join(newFolder(), 'journal.ndjson')
  const complete = journalText(header).trimEnd()
  writeFileSync(path, complete)
  const descriptor = openSync(path, 'r')
  onTestFinished(() => closeSync(descriptor))
  expect(isNewJournal(descriptor, path, header)).toBe(false)
  expect(readFileSync(path, 'utf8')).toBe(complete)
})

test('a file has content if it exists and is not empty', () => {
  const path = join(newFolder(), 'journal.ndjson')
  expect(hasContent(path)).toBe(false)
  writeFileSync(path, '')
  expect(hasContent(path)).toBe(false)
  expect(hasContent(join(path, 'below'))).toBe(false)
  writeFileSync(path, 'a')
  expect(hasContent(path)).toBe(true)
  expect(hasContent(`${path}\0`)).toBe(false)
})
