import { lstatSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { TokensFile } from '../../src/credentials/tokens-file.ts'
import { newFolder } from '../batch/files.ts'

async function open(folder: string, path = 'new.json') {
  const file = await TokensFile.open(folder, path)
  let isOpen = true
  const close = () => {
    if (isOpen) file.close()
    isOpen = false
  }
  onTestFinished(close)
  return { add: file.add.bind(file), close }
}

const read = (folder: string, path = 'new.json') => JSON.parse(readFileSync(join(folder, path), 'utf8'))

test('a file is used by one run at a time, also under other names', async () => {
  const folder = newFolder()
  const first = await open(folder)
  symlinkSync(join(folder, 'new.json'), join(folder, 'link.json'))
  for (const path of ['new.json', 'link.json', './new.json']) {
    await expect(TokensFile.open(folder, path)).rejects.toMatchObject({
      code: 'file_in_use',
      message: expect.stringMatching(/ is in use by another run/),
      hint: 'Wait until that run has ended, or give each run its own file',
    })
  }
  await open(folder, 'other.json')
  // The lock is on the name: the file itself is another one after each write.
  await first.add('icfg_1', 'token-of-one')
  await expect(TokensFile.open(folder, 'new.json')).rejects.toThrow('is in use')
  first.close()
  const second = await open(folder)
  await second.add('icfg_2', 'token-of-two')
  expect(read(folder)).toEqual({ icfg_1: 'token-of-one', icfg_2: 'token-of-two' })
  second.close()
})

test('nothing but the file is left, and what a killed run left behind is no obstacle', async () => {
  const folder = newFolder()
  writeFileSync(join(folder, 'new.json.lock'), '')
  writeFileSync(join(folder, 'new.json.tmp'), '{"icfg_1": "tok')
  const file = await open(folder)
  await file.add('icfg_1', 'token-of-one')
  file.close()
  expect(readdirSync(folder)).toEqual(['new.json'])
})

test('several runs that start at once, and again until they get the file, lose no token', async () => {
  const folder = newFolder()
  let refused = 0
  const runs = Array.from({ length: 6 }, async (_, index) => {
    for (;;) {
      try {
        const file = await TokensFile.open(folder, 'new.json')
        await file.add(`icfg_${index}`, `token-of-${index}`)
        return file.close()
      } catch (error) {
        expect((error as Error).message).toContain('is in use by another run')
        refused++
        await nextTurn()
      }
    }
  })
  await Promise.all(runs)
  expect(refused).toBeGreaterThan(0)
  expect(Object.keys(read(folder))).toHaveLength(6)
})

test('a token is in the file once its promise resolves, and those added during a write share the next one', async () => {
  const folder = newFolder()
  const path = join(folder, 'new.json')
  const file = await open(folder)
  const versions = new Set<bigint>()
  const add = async (installation: string) => {
    await file.add(installation, `token-of-${installation}`)
    expect(read(folder)).toHaveProperty(installation)
    versions.add(statSync(path, { bigint: true }).ino)
  }
  const first = add('icfg_first')
  await Promise.resolve()
  await Promise.resolve()
  await Promise.all([first, ...Array.from({ length: 200 }, (_, index) => add(`icfg_${index}`))])
  expect(Object.keys(read(folder))).toHaveLength(201)
  expect(versions.size).toBeLessThanOrEqual(2)
  expect(statSync(path).mode & 0o777).toBe(0o600)
})

test('tokens that another run writes where no lock holds are kept', async () => {
  const folder = newFolder()
  const path = join(folder, 'new.json')
  writeFileSync(path, '{"icfg_0": "token-of-zero"}')
  const file = await open(folder)
  await file.add('icfg_1', 'token-of-one')
  writeFileSync(path, JSON.stringify({ ...read(folder), icfg_2: 'token-of-two' }))
  await file.add('icfg_3', 'token-of-three')
  rmSync(path)
  await file.add('icfg_4', 'token-of-four')
  expect(Object.keys(read(folder))).toEqual(['icfg_0', 'icfg_1', 'icfg_2', 'icfg_3', 'icfg_4'])
})

test('a file that became something else is not overwritten', async () => {
  const folder = newFolder()
  const file = await open(folder)
  writeFileSync(join(folder, 'new.json'), 'notes')
  await expect(file.add('icfg_1', 'token-of-one')).rejects.toThrow(
    /contains something other than tokens, which would be lost\. Give another path$/,
  )
  expect(readFileSync(join(folder, 'new.json'), 'utf8')).toBe('notes')
})

test('a symbolic link stays, and the file that it leads to gets the tokens', async () => {
  const folder = newFolder()
  symlinkSync('target.json', join(folder, 'new.json'))
  const file = await open(folder)
  await file.add('icfg_1', 'token-of-one')
  expect(lstatSync(join(folder, 'new.json')).isSymbolicLink()).toBe(true)
  expect(read(folder, 'target.json')).toEqual({ icfg_1: 'token-of-one' })
})

test.each([
  ['in a folder that does not exist', 'no/new.json', 'Use a path whose folder exists or can be made'],
  ['below a file', 'file/new.json', 'Use a path that has no file in place of a folder'],
  ['a folder', '.', 'Use the path of a file, not of a folder'],
])('a path %s is refused, with what to do', async (_, path, hint) => {
  const folder = newFolder()
  writeFileSync(join(folder, 'file'), '')
  await expect(TokensFile.open(folder, path)).rejects.toMatchObject({ code: 'invalid_input', hint })
})
