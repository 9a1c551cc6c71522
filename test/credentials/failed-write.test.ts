import fs, { mkdirSync, readdirSync, readFileSync, rmdirSync, statSync, writeFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { TokensFile } from '../../src/credentials/tokens-file.ts'
import { decrypt } from '../../src/payload/age.ts'
import { encryptTo, newIdentity } from '../age.ts'
import { countOpenFiles, newFolder, replaceWriteSync } from '../batch/files.ts'

/** Replaces functions of node:fs until the test ends. */
function replaceInFs(changed: Partial<Record<keyof typeof fs, unknown>>) {
  const before = Object.fromEntries(Object.keys(changed).map((name) => [name, fs[name as keyof typeof fs]]))
  const replace = (functions: object) => {
    Object.assign(fs, functions)
    syncBuiltinESMExports()
  }
  replace(changed)
  onTestFinished(() => replace(before))
}

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

test('a file is empty until it has a token, from this run or an earlier one', async () => {
  const folder = newFolder()
  const path = join(folder, 'new.json')
  writeFileSync(path, ' \n')
  const file = await TokensFile.open(folder, path)
  expect(file.isEmpty).toBe(true)
  await file.add('icfg_1', 'token-1')
  expect(file.isEmpty).toBe(false)
  await file.close()
  const next = await TokensFile.open(folder, path)
  onTestFinished(() => next.close())
  expect(next.isEmpty).toBe(false)
})

test('the tokens are on the disk before the file gets its name, and the name before a token counts as stored', async () => {
  const folder = newFolder()
  const file = await TokensFile.open(folder, 'new.json')
  onTestFinished(() => file.close())
  const writes: unknown[] = []
  replaceInFs({
    fsyncSync: (descriptor: number) => {
      const what = fs.fstatSync(descriptor).isDirectory() ? 'folder' : 'file'
      writes.push([what, JSON.parse(readFileSync(join(folder, 'new.json'), 'utf8'))])
    },
  })
  await file.add('icfg_1', 'token-1')
  expect(writes).toEqual([
    ['file', {}],
    ['folder', { icfg_1: 'token-1' }],
  ])
})

test('tokens that another run writes while these ones are encrypted are kept', async () => {
  const folder = newFolder()
  const path = join(folder, 'new.json')
  const identity = await newIdentity()
  const file = await TokensFile.open(folder, path, [identity])
  onTestFinished(() => file.close())
  const foreign = await encryptTo([identity], '{"icfg_2":"token-2"}')
  let isFirst = true
  const { statSync: stat } = fs
  replaceInFs({
    statSync: (...args: Parameters<typeof statSync>) => {
      const stats = stat(...args)
      if (isFirst) writeFileSync(path, foreign)
      isFirst = false
      return stats
    },
  })
  await file.add('icfg_1', 'token-1')
  const tokens = JSON.parse(String(await decrypt(readFileSync(path), [identity])))
  expect(tokens).toEqual({ icfg_1: 'token-1', icfg_2: 'token-2' })
})
