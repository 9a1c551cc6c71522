import { mkdirSync, readFileSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { TokensFile } from '../../src/credentials/tokens-file.ts'
import { newFolder } from '../batch/files.ts'

test('a token that could not be written is in the file after the next write', async () => {
  const folder = newFolder()
  const path = join(folder, 'new.json')
  const file = await TokensFile.open(folder, path)
  onTestFinished(() => file.close())
  const tokens = () => JSON.parse(readFileSync(path, 'utf8'))
  // A folder in place of the temporary file fails the write.
  mkdirSync(`${path}.tmp`)
  await expect(file.add('icfg_1', 'token-1')).rejects.toThrow('new.json.tmp')
  expect(tokens()).toEqual({})
  rmdirSync(`${path}.tmp`)
  await file.add('icfg_2', 'token-2')
  expect(tokens()).toEqual({ icfg_1: 'token-1', icfg_2: 'token-2' })
})
