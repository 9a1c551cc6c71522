import fs, { closeSync, ftruncateSync, futimesSync, mkdirSync, openSync, writeFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import {
  type BatchFile,
  openBatchFile,
  type RecordTask,
  remainingRecords,
  rereadRecord,
} from '../../../src/batch/records/batch-file.ts'
import { KeyHashes } from '../../../src/batch/records/key-hashes.ts'
import { identify, recordKey } from '../../../src/batch/records/record.ts'
import { RecordStates } from '../../../src/batch/records/record-states.ts'
import type { Failure } from '../../../src/failure.ts'
import type { OperationName } from '../../../src/operations/catalogue.ts'
import { ageFile, ageFilesContent, ageFilesIdentity } from '../../age.ts'
import { newCheck } from '../../payload/checking.ts'
import { countOpenFiles, countTurns, newFolder } from '../files.ts'
import { invoice, readOne, recordContext, refund } from '../records.ts'

const name = 'batch.ndjson'
const wholeBatch = { index: 1, count: 1 }
const context = recordContext('updateInvoice')

const open = (folder: string, path: string, key?: readonly string[]) =>
  openBatchFile(folder, path, key, { context, newCheck })

function folderWith(content: string | Uint8Array): string {
  const folder = newFolder()
  writeFileSync(join(folder, name), content)
  return folder
}

describe('a batch file', () => {
  test('is opened with its version', async () => {
    const { file, isEncrypted } = await open(folderWith('{}\n'), name)
    onTestFinished(() => closeSync(file.source as number))
    expect(isEncrypted).toBe(false)
    expect(file).toEqual({
      source: expect.any(Number),
      path: name,
      version: expect.stringMatching(/^\d+(\.\d+)? 3$/),
      context,
      newCheck,
    })
  })

  test('that is encrypted is opened in memory, has no version, and is closed', async () => {
    const folder = folderWith(ageFile('binary.age'))
    const before = countOpenFiles()
    const { file, isEncrypted } = await open(folder, name, [ageFilesIdentity])
    expect(countOpenFiles()).toBe(before)
    expect(isEncrypted).toBe(true)
    expect(file).toStrictEqual({ source: Buffer.from(ageFilesContent), path: name, context, newCheck })
  })
})

describe('a batch file is refused', () => {
  const refusal = async (folder: string, path = name, key?: readonly string[]) => {
    const before = countOpenFiles()
    const failure = await open(folder, path, key).then(
      () => undefined,
      (error) => error as Failure,
    )
    expect(countOpenFiles()).toBe(before)
    expect(failure?.code).toBe('invalid_input')
    expect(failure?.diagnostics).toEqual([{ message: failure?.message }])
    return failure?.message
  }

  test('if it does not exist', async () => {
    expect(await refusal(newFolder())).toBe(
      'the batch file "batch.ndjson" does not exist; paths are relative to the workspace: is it checked out?',
    )
  })

  test('if it is a folder', async () => {
    const folder = newFolder()
    mkdirSync(join(folder, 'batches'))
    expect(await refusal(folder, 'batches')).toBe('the batch file "batches" is not a regular file')
  })

  test('if it cannot be opened', async () => {
    const { openSync: original } = fs
    const replace = (openFile: unknown) => {
      Object.assign(fs, { openSync: openFile })
      syncBuiltinESMExports()
    }
    replace(() => {
      throw new Error('EACCES: permission denied')
    })
    onTestFinished(() => replace(original))
    expect(await refusal(folderWith('{}\n'))).toBe(
      'the batch file "batch.ndjson" cannot be read: EACCES: permission denied',
    )
  })

  test('if it is encrypted, and there is no key', async () => {
    expect(await refusal(folderWith(ageFile('binary.age')))).toBe(
      'the batch file "batch.ndjson" cannot be read: it is encrypted with age: set `tokens-key` to the identity that opens it',
    )
  })

  test('if it is encrypted and larger than 64 MiB, before it is read', async () => {
    const folder = newFolder()
    const descriptor = openSync(join(folder, name), 'w')
    onTestFinished(() => closeSync(descriptor))
    fs.writeSync(descriptor, 'age-encryption.org/v1\n')
    // A file without blocks on the disk.
    ftruncateSync(descriptor, 64 * 1024 * 1024)
    expect(await refusal(folder)).toContain('set `tokens-key`')
    ftruncateSync(descriptor, 64 * 1024 * 1024 + 1)
    expect(await refusal(folder)).toBe(
      'the batch file "batch.ndjson" cannot be read: it is encrypted and larger than 64 MiB: split it',
    )
  })
})

const refunds = (count: number) =>
  Array.from({ length: count }, (_, number) => ({ ...refund, invoiceId: `inv_${number + 1}` }))
const textOf = (records: readonly object[]) => records.map((record) => `${JSON.stringify(record)}\n`).join('')

/** A file that is open as long as the test runs. */
async function openText(content: string): Promise<BatchFile & { source: number; touch: () => void }> {
  const { file } = await open(folderWith(content), name)
  const source = file.source as number
  onTestFinished(() => closeSync(source))
  return { ...file, source, touch: () => futimesSync(source, 1, 1) }
}

/** The states of refunds. An index without a record is a line of another shard. */
function statesOf(records: readonly (object | undefined)[], succeeded: readonly number[] = []): RecordStates {
  const keys = new KeyHashes()
  const names = records.map((value) => {
    const record = value && readOne('updateInvoice', value).record
    if (!record) return keys.addNothing()
    const key = recordKey(identify(record))
    keys.add(key)
    return key
  })
  const states = new RecordStates(keys)
  for (const index of succeeded) states.transition(String(names[index]), 'none', 'succeeded')
  return states
}

/** What is read until the end: the lines with their previous outcomes, and the message of the failure. */
async function read(file: BatchFile, states?: RecordStates, onTask: (task: RecordTask) => void = () => {}) {
  const found: (readonly [line: number, previous: string])[] = []
  try {
    for await (const task of remainingRecords(file, wholeBatch, states)) {
      found.push([task.record.line, task.previous])
      onTask(task)
    }
  } catch (error) {
    expect((error as Failure).code).toBe('batch_changed')
    return { found, failure: (error as Failure).message }
  }
  return { found, failure: undefined }
}

const changedAfterCheck = 'The batch file was changed while it was read, after it was checked'

describe('the remaining records', () => {
  test('of a first run are all of the shard', async () => {
    const file = await openText(
      textOf([
        { ...refund, id: 'a' },
        { ...refund, integrationConfigurationId: 'icfg_2' },
      ]),
    )
    expect(await read(file)).toEqual({
      found: [
        [1, 'none'],
        [2, 'none'],
      ],
      failure: undefined,
    })
    const tasks: RecordTask[] = []
    for await (const task of remainingRecords(file, { index: 2, count: 4 }, undefined)) tasks.push(task)
    expect(tasks.map(({ record, identity }) => [record.installation, identity.id])).toEqual([['icfg_1', 'a']])
  })

  test('of a resumed run are those that have not succeeded, and no other line is read', async () => {
    const records = refunds(4)
    const file = await openText(textOf(records))
    const states = statesOf([records[0], undefined, records[2], records[3]], [2])
    const [, , , last] = records
    const { record } = readOne('updateInvoice', last)
    states.transition(record ? recordKey(identify(record)) : '', 'none', 'unknown')
    let checks = 0
    const counted = () => {
      checks++
      return newCheck()
    }
    expect(await read({ ...file, newCheck: counted }, states)).toEqual({
      found: [
        [1, 'none'],
        [4, 'unknown'],
      ],
      failure: undefined,
    })
    expect(checks).toBe(2)
  })

  test('are read without a version, from a file or from memory', async () => {
    const content = textOf(refunds(2))
    const { version: _, ...file } = await openText(content)
    expect((await read(file)).found).toHaveLength(2)
    expect((await read({ ...file, source: Buffer.from(content) })).found).toHaveLength(2)
  })
})

describe('a changed batch file is refused', () => {
  test.each<[what: string, line: string]>([
    ['is not JSON any more', '{'],
    ['is not UTF-8 any more', '\ufffd'],
    ['is not a record any more', '[]'],
  ])('at a line that %s', async (_, line) => {
    const [first] = refunds(1)
    const content = Buffer.from(`${textOf([first as object])}${line}\n`)
    const isText = line !== '\ufffd'
    // One byte less is half a character.
    const source = isText ? content : Buffer.concat([content.subarray(0, -2), Buffer.from('\n')])
    const { found, failure } = await read({ source, path: name, context, newCheck })
    expect(found).toEqual([[1, 'none']])
    expect(failure).toBe('The batch file was changed while it was read, in line 2')
  })

  test('at a record that is not the one that was checked', async () => {
    const records = refunds(3)
    const file = await openText(textOf(records))
    const states = statesOf([records[0], records[2], records[1]])
    expect(await read(file, states)).toEqual({
      found: [[1, 'none']],
      failure: 'The batch file was changed while it was read, in line 2',
    })
  })

  test('before the first record', async () => {
    const file = await openText(textOf(refunds(2)))
    file.touch()
    expect(await read(file)).toEqual({ found: [], failure: changedAfterCheck })
  })

  test('after the last record', async () => {
    const file = await openText(textOf(refunds(2)))
    const { found, failure } = await read(file, undefined, file.touch)
    expect(found).toHaveLength(2)
    expect(failure).toBe(changedAfterCheck)
  })

  test('at the next turn of the event loop', async () => {
    const [one, two] = refunds(2)
    // So long that a turn is due.
    const file = await openText(`${JSON.stringify(one)}\n${JSON.stringify(two)}${' '.repeat(1 << 20)}\n`)
    expect(await read(file, undefined, file.touch)).toEqual({ found: [[1, 'none']], failure: changedAfterCheck })
  })

  test('before a record that follows more than a hundred others', async () => {
    for (const [before, sent] of [
      [99, 1],
      [100, 0],
    ] as const) {
      const records = refunds(before + 1)
      const file = await openText(textOf(records))
      // Changed once the record itself is read.
      const changing = () => {
        file.touch()
        return newCheck()
      }
      const states = statesOf([...records.slice(0, -1).map(() => undefined), records.at(-1)])
      const { found, failure } = await read({ ...file, newCheck: changing }, states)
      expect(found).toHaveLength(sent)
      expect(failure).toBe(changedAfterCheck)
    }
  })
})

test('the event loop gets few turns while records are read', async () => {
  const file = await openText(textOf(refunds(80)))
  const turns = countTurns()
  expect((await read(file)).found).toHaveLength(80)
  expect(turns()).toBeLessThan(10)
})

describe('a line that was checked before', () => {
  const reread = (operation: OperationName, value: unknown, check = newCheck()) =>
    rereadRecord(
      { number: 3, text: typeof value === 'string' ? value : JSON.stringify(value) },
      { context: recordContext(operation), newCheck: () => check },
    )

  test('is a record again, and its rules are not applied again', () => {
    const check = newCheck()
    const [item] = invoice.items
    const wrongTotal = { ...invoice, items: [{ ...item, total: '9.00' }] }
    expect(readOne('submitInvoice', wrongTotal).record).toBeDefined()
    expect(reread('submitInvoice', wrongTotal, check)?.line).toBe(3)
    expect(check.warnings).toEqual([])
  })

  test('has its fields under the names that are written, whatever V8 has read before', () => {
    JSON.parse('{"unlike others":1,"\\\\":1}')
    const metadata = { 'unlike others': '1', '\n': '2' }
    const record = reread('updateResource', { integrationConfigurationId: 'icfg_1', resourceId: 'r-1', metadata })
    expect(record?.request).toMatchObject({ body: { metadata } })
  })

  test.each(['{', '', '[]', '7', `{"total":"1.00",${JSON.stringify(refund).slice(1)}`])(
    'is not a record any more as %j',
    (text) => {
      expect(reread('updateInvoice', text)).toBeUndefined()
    },
  )
})
