// What a step of the built action loads, because loading takes most of its time.

import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { startSandboxServer } from '../../src/sandbox/server.ts'
import { invoice, token } from './invoices.ts'
import { runStep, scratch } from './step.ts'

/** A module that writes the loaded files and built-in modules to a file when the process exits. */
const probe = (file: string) =>
  `data:text/javascript,${encodeURIComponent(`
    import { writeFileSync } from 'node:fs'
    import { createRequire } from 'node:module'
    const { cache } = createRequire('file:///')
    process.on('exit', () => writeFileSync(${JSON.stringify(file)},
      JSON.stringify({ files: Object.keys(cache), builtins: process.moduleLoadList })))
  `)}`

/** Runs a step. @returns the kilobytes of the files that it loaded, and the built-in modules */
async function load(inputs: Record<string, string>): Promise<{ kilobytes: number; builtins: string[] }> {
  const server = await startSandboxServer()
  onTestFinished(server.close)
  const file = join(scratch(), 'loaded.json')
  const { code, log } = await runStep({
    with: { token, 'api-url': server.url, operation: 'submitInvoice', payload: JSON.stringify(invoice), ...inputs },
    env: { NODE_OPTIONS: `--import ${probe(file)}` },
  })
  expect(code, log).toBe(0)
  const { files, builtins } = JSON.parse(readFileSync(file, 'utf8'))
  return { kilobytes: files.reduce((sum: number, path: string) => sum + statSync(path).size, 0) / 1000, builtins }
}

const undici = 'NativeModule internal/deps/undici/undici'

const testBuild = test.skipIf(process.env.ACTION_ENTRY === 'src')

testBuild('a step loads less than 200 kB, and only one HTTP client', async () => {
  const { kilobytes, builtins } = await load({})
  expect(kilobytes).toBeGreaterThan(50)
  expect(kilobytes).toBeLessThan(200)
  expect(builtins).toContain('NativeModule _http_client')
  expect(builtins).not.toContain(undici)
})

testBuild('a dry run loads neither the SDK nor an HTTP client', async () => {
  const { kilobytes, builtins } = await load({ 'dry-run': 'true' })
  expect(kilobytes).toBeLessThan(100)
  expect(builtins).not.toContain(undici)
  expect(builtins).not.toContain('NativeModule _http_client')
})

testBuild('only a step in the sandbox loads the sandbox', async () => {
  const real = await load({})
  const sandbox = await load({ 'api-url': 'sandbox' })
  expect(sandbox.kilobytes - real.kilobytes).toBeGreaterThan(5)
})

test('the runner downloads less than 1.6 MB', () => {
  const dist = join(import.meta.dirname, '..', '..', 'dist')
  const bytes = readdirSync(dist).reduce((sum, name) => sum + statSync(join(dist, name)).size, 0)
  expect(bytes).toBeLessThan(1_600_000)
})
