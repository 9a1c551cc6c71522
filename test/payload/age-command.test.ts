// What the action encrypts, for the command age.

import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { prepareEncryption } from '../../src/payload/age.ts'
import { ageFilesContent, ageFilesIdentity, ageFilesKey, newIdentity } from '../age.ts'
import { newFolder } from '../batch/files.ts'

const identity = await newIdentity()
const content = Buffer.from(ageFilesContent)

const isInstalled = spawnSync('age', ['--version']).error === undefined
test.skipIf(!isInstalled)('age opens what the action wrote, with each identity', async () => {
  const folder = newFolder()
  const path = join(folder, 'new.json.age')
  writeFileSync(path, await (await prepareEncryption([ageFilesIdentity, identity]))(content))
  for (const key of [ageFilesKey, identity]) {
    writeFileSync(join(folder, 'key.txt'), key)
    const { stdout, stderr } = spawnSync('age', ['-d', '-i', join(folder, 'key.txt'), path])
    expect(String(stdout), String(stderr)).toBe(String(content))
  }
  expect(readFileSync(path, 'latin1')).not.toContain('icfg_1')
})
