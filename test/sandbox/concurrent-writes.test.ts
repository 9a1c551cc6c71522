// The log of changes, while several processes write to it.

import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { openStore } from '../../src/sandbox/store.ts'

test('two processes that write at the same time lose no change', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sandbox-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'state.ndjson')
  const program = `
    const { openStore } = await import(${JSON.stringify(new URL('../../src/sandbox/store.ts', import.meta.url).href)})
    const store = openStore(${JSON.stringify(path)})
    for (let count = 0; count < 200; count++) {
      store.put('b', process.argv[1] + count, 'x'.repeat(count * 20))
      store.flush()
    }`
  const run = promisify(execFile)
  const args = ['--input-type=module', '-e', program]
  await Promise.all(['one', 'two'].map((name) => run(process.execPath, [...args, name])))
  const store = openStore(path)
  onTestFinished(store.close)
  const values = store.list('b')
  expect(values.size).toBe(400)
  for (const name of ['one', 'two']) expect(values.get(`${name}199`)).toHaveLength(3980)
})
