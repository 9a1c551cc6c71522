import { mkdirSync, readdirSync, readFileSync, rmdirSync, statSync, writeFileSync } from 'node:fs'

import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { TokensFile } from '../../src/credentials/tokens-file.ts'
import { countOpenFiles, newFolder, replaceWriteSync } from '../batch/files.ts'

test('a file has the tokens that it had, and those that were added', async () => {
  const folder = newFolder()
  const path = join(folder, 'new.json')
  writeFileSync(path, '{"icfg_1":"token-1"}')
  const file = await TokensFile.open(folder, path)
  onTestFinished(() => file.close())
  const added = file.add('icfg_2', 'token-2')
  expect(['icfg_1', 'icfg_2', 'icfg_3'].map((id) => file.get(id))).toEqual(['token-1', 'token-2', undefined])
  await added
  await file.add('icfg_1', 'token-3')
  expect(file.get('icfg_1')).toBe('token-3')
})

test('a file that another run has changed within the same bytes is read again', async () => {
  const folder = newFolder()
  const path = join(folder, 'new.json')
  const file = await TokensFile.open(folder, path)
  onTestFinished(() => file.close())
  await file.add('icfg_1', 'token-1')
  writeFileSync(path, readFileSync(path, 'utf8').replaceAll('_1', '_2'))
  await file.add('icfg_3', 'token-3')
  expect(Object.keys(JSON.parse(readFileSync(path, 'utf8'))).sort()).toEqual(['icfg_1', 'icfg_2', 'icfg_3'])
})

test('a folder in place of the file cannot be read', async () => {
  await expect(TokensFile.open(newFolder(), '.')).rejects.toThrow(/^new-tokens-file "\." cannot be read: EISDIR/)
})

test('a write that fails half-way leaves the file as it was, and no temporary file with tokens', async () => {
  const folder = newFolder()
  const file = await TokensFile.open(folder, join(folder, 'new.json'))
  onTestFinished(() => file.close())
  await file.add('icfg_1', 'token-1')
  replaceWriteSync((write) => (descriptor: number, bytes: Uint8Array) => {
    write(descriptor, bytes, 0, 10)
    throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' })
  })
  await expect(file.add('icfg_2', 'token-2')).rejects.toThrow('ENOSPC')
  expect(JSON.parse(readFileSync(join(folder, 'new.json'), 'utf8'))).toEqual({ icfg_1: 'token-1' })
  expect(readdirSync(folder).filter((name) => name.includes('tmp'))).toEqual([])
})

test('a token that could not be written is in the file after the next write', async () => {
  const folder = newFolder()
  const path = join(folder, 'new.json')
  const file = await TokensFile.open(folder, path)
  onTestFinished(() => file.close())
  const tokens = () => JSON.parse(readFileSync(path, 'utf8'))
  // A folder in place of the temporary file fails the write.
  mkdirSync(`${path}.tmp`)
  await expect(file.add('icfg_1', 'token-1')).rejects.toMatchObject({
    message: expect.stringContaining('new.json.tmp'),
    cause: expect.any(Error),
  })
  expect(tokens()).toEqual({})
  rmdirSync(`${path}.tmp`)
  await file.add('icfg_2', 'token-2')
  expect(tokens()).toEqual({ icfg_1: 'token-1', icfg_2: 'token-2' })
})

test.skipIf(process.platform === 'win32')('only the owner can read the file, whatever the umask is', async () => {
  const folder = newFolder()
  const file = await TokensFile.open(folder, 'new.json')
  onTestFinished(() => file.close())
  const before = process.umask(0o400)
  onTestFinished(() => void process.umask(before))
  await file.add('icfg_1', 'token-1')
  expect(statSync(join(folder, 'new.json')).mode & 0o777).toBe(0o600)
})

test.skipIf(process.platform !== 'linux')('writes leave no file open', async () => {
  const folder = newFolder()
  const file = await TokensFile.open(folder, 'new.json')
  onTestFinished(() => file.close())
  await file.add('icfg_0', 'token')
  const open = countOpenFiles()
  for (let number = 1; number < 5; number++) await file.add(`icfg_${number}`, 'token')
  expect(countOpenFiles()).toBe(open)
})
