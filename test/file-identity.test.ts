import { linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { identityAt, identityKey, placeOf } from '../src/file-identity.ts'
import { newFolder } from './batch/files.ts'

test('a file has one identity under all its names, and another one than its neighbour', () => {
  const folder = newFolder()
  const path = join(folder, 'a')
  for (const name of ['a', 'b']) writeFileSync(join(folder, name), '')
  linkSync(path, `${path}-hard`)
  symlinkSync(path, `${path}-symbolic`)
  expect(identityAt(path)).toMatch(/^\d+-\d+$/)
  expect([identityAt(`${path}-hard`), identityAt(`${path}-symbolic`)]).toEqual([identityAt(path), identityAt(path)])
  expect(identityAt(join(folder, 'b'))).not.toBe(identityAt(path))
  expect(identityAt(`${path}-none`)).toBeUndefined()
  expect(placeOf(`${path}-hard`)).toBe(placeOf(path))
})

test('file ids that are larger than a double holds exactly are kept apart', () => {
  const [one, other] = [2n ** 63n, 2n ** 63n + 1n].map((ino) => identityKey({ dev: 1n, ino }))
  expect(Number(2n ** 63n)).toBe(Number(2n ** 63n + 1n))
  expect(one).not.toBe(other)
})

test('the place of a file that does not exist is its name in its folder, under each name of the folder', () => {
  const folder = newFolder()
  mkdirSync(join(folder, 'real'))
  symlinkSync(join(folder, 'real'), join(folder, 'link'))
  const place = placeOf(join(folder, 'real', 'new.csv'))
  expect(placeOf(join(folder, 'link', 'new.csv'))).toBe(place)
  expect(placeOf(join(folder, 'real', 'other.csv'))).not.toBe(place)
  expect(placeOf(join(folder, 'real', 'sub', 'new.csv'))).toBe(placeOf(join(folder, 'link', 'sub', 'new.csv')))
})

test.each([
  ['win32', true],
  ['darwin', true],
  ['linux', false],
] as const)('on %s names that differ in case lead to one place: %s', (platform, isOne) => {
  const folder = newFolder()
  const placeIn = (name: string) => placeOf(join(folder, name), platform)
  expect(placeIn('Report.csv') === placeIn('report.CSV')).toBe(isOne)
  expect(placeIn('caf\u00e9.csv') === placeIn('cafe\u0301.csv')).toBe(isOne)
})
