import fs, {
  lstatSync,
  readdirSync,
  readFileSync,
  rmSync,
  type StatSyncOptions,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { TokensFile } from '../../src/credentials/tokens-file.ts'
import { plainTokensWarning } from '../../src/credentials/tokens-file-content.ts'
import { decrypt } from '../../src/payload/age.ts'
import { type Identities, isAgeFile } from '../../src/payload/age-format.ts'
import { ageFile, ageFilesIdentity, armored, encryptTo, encryptWithPassphrase, newIdentity } from '../age.ts'
import { newFolder } from '../batch/files.ts'

async function open(folder: string, path = 'new.json', key?: Identities) {
  const file = await TokensFile.open(folder, path, key)
  let isOpen = true
  const close = async () => {
    if (isOpen) await file.close()
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
  await first.close()
  const second = await open(folder)
  await second.add('icfg_2', 'token-of-two')
  expect(read(folder)).toEqual({ icfg_1: 'token-of-one', icfg_2: 'token-of-two' })
  await second.close()
})

test('the folder of the file is made, as that of a journal', async () => {
  const folder = newFolder()
  const file = await open(folder, 'of/this month/new.json')
  await file.add('icfg_1', 'token-of-one')
  expect(read(folder, 'of/this month/new.json')).toEqual({ icfg_1: 'token-of-one' })
})

test('on Windows a name with a colon is refused: it would be a stream of another file', async () => {
  const folder = newFolder()
  await expect(TokensFile.open(folder, 'new:1.json', undefined, { platform: 'win32' })).rejects.toMatchObject({
    message: 'new-tokens-file "new:1.json" cannot be written: on Windows its name must not contain a colon',
    hint: 'Use a name without a colon',
  })
  expect(readdirSync(folder)).toEqual([])
  await (await TokensFile.open(folder, 'new:1.json', undefined, { platform: 'linux' })).close()
  expect(readdirSync(folder)).toEqual(['new:1.json'])
})

test('where the system does not tell the drive of a renamed file, a write does not read what the last one wrote', async () => {
  const folder = newFolder()
  const { fstatSync, readFileSync: readSync } = fs
  const reads: unknown[] = []
  const path = join(folder, 'new.json')
  fs.fstatSync = ((descriptor: number, options: StatSyncOptions & { bigint: true }) => {
    const stats = fstatSync(descriptor, options)
    const isRenamed = statSync(path, { bigint: true, throwIfNoEntry: false })?.ino === stats.ino
    return isRenamed ? Object.assign(stats, { dev: 0n }) : stats
  }) as unknown as typeof fs.fstatSync
  fs.readFileSync = ((read: string) => {
    reads.push(read)
    return readSync(read)
  }) as typeof fs.readFileSync
  syncBuiltinESMExports()
  onTestFinished(() => {
    Object.assign(fs, { fstatSync, readFileSync: readSync })
    syncBuiltinESMExports()
  })
  const file = await open(folder)
  for (const name of ['icfg_1', 'icfg_2']) await file.add(name, `token-of-${name}`)
  // When the file was opened.
  expect(reads).toEqual([path])
  expect(JSON.parse(readSync(path, 'utf8'))).toEqual({ icfg_1: 'token-of-icfg_1', icfg_2: 'token-of-icfg_2' })
})

test('nothing but the file is left, and what a killed run left behind is no obstacle', async () => {
  const folder = newFolder()
  writeFileSync(join(folder, 'new.json.lock'), '')
  writeFileSync(join(folder, 'new.json.tmp'), '{"icfg_1": "tok')
  const file = await open(folder)
  await file.add('icfg_1', 'token-of-one')
  await file.close()
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
        return await file.close()
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
  ['below a file', 'file/new.json', 'Use a path that has no file in place of a folder'],
  ['a folder', '.', 'Use the path of a file, not of a folder'],
])('a path %s is refused, with what to do', async (_, path, hint) => {
  const folder = newFolder()
  writeFileSync(join(folder, 'file'), '')
  await expect(TokensFile.open(folder, path)).rejects.toMatchObject({ code: 'invalid_input', hint })
})

test.skipIf(process.platform !== 'linux')(
  'a path in a folder that cannot be made is refused, with what to do',
  async () => {
    await expect(TokensFile.open(newFolder(), '/proc/no/such/new.json')).rejects.toMatchObject({
      code: 'invalid_input',
      hint: 'Use a path whose folder exists or can be made',
    })
  },
)

describe('with a key', () => {
  const keyOf = async () => [await newIdentity(), await newIdentity()]
  const readEncrypted = async (folder: string, identity = '') => {
    const content = readFileSync(join(folder, 'new.json'))
    expect(isAgeFile(content)).toBe(true)
    return JSON.parse(String(await decrypt(content, [identity])))
  }

  test('the file is encrypted to all identities from the beginning, and readable by its owner only', async () => {
    const folder = newFolder()
    const key = await keyOf()
    const file = await open(folder, 'new.json', key)
    expect(await readEncrypted(folder, key[0])).toEqual({})
    await Promise.all([file.add('icfg_1', 'token-of-one'), file.add('icfg_2', 'token-of-two')])
    for (const identity of key) {
      expect(await readEncrypted(folder, identity)).toEqual({ icfg_1: 'token-of-one', icfg_2: 'token-of-two' })
    }
    expect(statSync(join(folder, 'new.json')).mode & 0o777).toBe(0o600)
    await file.close()
    expect(readdirSync(folder)).toEqual(['new.json'])
  })

  test('a token is in the file once its promise resolves, also one that is added during a write', async () => {
    const folder = newFolder()
    const [identity = ''] = await keyOf()
    const file = await open(folder, 'new.json', [identity])
    const add = async (index: number) => {
      for (let turns = 0; turns < index; turns++) await nextTurn()
      await file.add(`icfg_${index}`, `token-of-${index}`)
      expect(await readEncrypted(folder, identity)).toHaveProperty(`icfg_${index}`)
    }
    await Promise.all(Array.from({ length: 40 }, (_, index) => add(index)))
    expect(Object.keys(await readEncrypted(folder, identity))).toHaveLength(40)
  })

  test('a file is closed once the tokens that were added are written', async () => {
    const folder = newFolder()
    const [identity = ''] = await keyOf()
    const file = await open(folder, 'new.json', [identity])
    const added = file.add('icfg_1', 'token-of-one')
    await file.close()
    const other = await open(folder, 'new.json', [identity])
    await other.add('icfg_2', 'token-of-two')
    await added
    expect(await readEncrypted(folder, identity)).toEqual({ icfg_1: 'token-of-one', icfg_2: 'token-of-two' })
  })

  test.each<[what: string, write: (text: string, key: string) => Promise<string | Buffer>]>([
    ['encrypted', (text, key) => encryptTo([key], text)],
    ['armoured', async (text, key) => armored(await encryptTo([key], text))],
    ['plain', async (text) => text],
  ])('the tokens of an existing %s file are kept', async (_, write) => {
    const folder = newFolder()
    const key = await keyOf()
    writeFileSync(join(folder, 'new.json'), await write('{"icfg_0":"token-of-zero"}', key[1] ?? ''))
    const file = await open(folder, 'new.json', key)
    expect(await readEncrypted(folder, key[0])).toEqual({ icfg_0: 'token-of-zero' })
    await file.add('icfg_1', 'token-of-one')
    expect(await readEncrypted(folder, key[0])).toEqual({ icfg_0: 'token-of-zero', icfg_1: 'token-of-one' })
  })

  test.each<[what: string, write: (key: string) => Promise<Buffer>, message: string]>([
    ['is encrypted to another key', async () => ageFile('binary.age'), 'is encrypted to other public keys'],
    ['has a passphrase', () => encryptWithPassphrase('{}'), 'is encrypted with a passphrase'],
    ['is damaged', async (key) => (await encryptTo([key], '{}')).subarray(0, -3), 'but damaged or incomplete'],
    ['contains something else', (key) => encryptTo([key], 'notes'), 'contains something other than tokens'],
  ])('an existing file that %s is refused, and stays as it is', async (_, write, message) => {
    const folder = newFolder()
    const [identity = ''] = await keyOf()
    const content = await write(identity)
    writeFileSync(join(folder, 'new.json'), content)
    await expect(TokensFile.open(folder, 'new.json', [identity])).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining(message),
      hint: expect.stringContaining('ive another path'),
    })
    expect(readFileSync(join(folder, 'new.json')).equals(content)).toBe(true)
    expect(readdirSync(folder)).toEqual(['new.json'])
  })

  test('an encrypted file is refused without a key, and a damaged identity before a token is rotated', async () => {
    const folder = newFolder()
    writeFileSync(join(folder, 'new.json'), await encryptTo([ageFilesIdentity], '{}'))
    await expect(TokensFile.open(folder, 'new.json')).rejects.toThrow(
      'new-tokens-file "new.json" cannot be read: it is encrypted with age: set `tokens-key` to the identity that opens it',
    )
    const damaged = ageFilesIdentity.replace(/.$/, (last) => (last === 'Q' ? 'P' : 'Q'))
    await expect(TokensFile.open(folder, 'other.json', [damaged])).rejects.toThrow('has a wrong character')
    expect(readFileSync(join(folder, 'other.json'), 'utf8')).toBe('')
  })

  test('tokens that another run writes where no lock holds are kept', async () => {
    const folder = newFolder()
    const [identity = ''] = await keyOf()
    const file = await open(folder, 'new.json', [identity])
    await file.add('icfg_1', 'token-of-one')
    writeFileSync(join(folder, 'new.json'), await encryptTo([identity], '{"icfg_2":"token-of-two"}'))
    await file.add('icfg_3', 'token-of-three')
    expect(Object.keys(await readEncrypted(folder, identity)).sort()).toEqual(['icfg_1', 'icfg_2', 'icfg_3'])
  })

  test('there is a warning about a plain file only', () => {
    const folder = newFolder()
    writeFileSync(join(folder, 'plain.json'), '{"icfg_1":"token-of-one"}')
    writeFileSync(join(folder, 'empty.json'), '\n')
    writeFileSync(join(folder, 'new.age'), ageFile('binary.age'))
    expect(plainTokensWarning(folder, 'plain.json')).toBe(
      'new-tokens-file "plain.json" is not encrypted, although `tokens-key` is set: the batch keeps its tokens, and encrypts the file. Delete other copies of it',
    )
    for (const path of ['empty.json', 'new.age', 'none.json', '.']) {
      expect(plainTokensWarning(folder, path)).toBeUndefined()
    }
  })
})
