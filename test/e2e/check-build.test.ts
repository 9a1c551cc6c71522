import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { digestFile, digestOfSources } from '../../scripts/build-digest.ts'
import { buildProblem } from './check-build.ts'
import { invoice, token } from './invoices.ts'
import { scratch, startStep, writeFiles } from './step.ts'

const lockFile = (packages: object) => JSON.stringify({ version: '1.0.0', packages: { '': {}, ...packages } })
const packages = { 'node_modules/yaml': { version: '2.0.0' }, 'node_modules/vitest': { version: '5.0.0', dev: true } }

/** A project whose dist/ is built. */
function builtProject(): string {
  const root = scratch()
  writeFiles(root, {
    'package-lock.json': lockFile(packages),
    'scripts/build.ts': 'build()\n',
    'src/index.ts': 'main()\n',
    'src/http/proxy.ts': 'export const proxy = 1\n',
  })
  writeFiles(root, { [`dist/${digestFile}`]: `${digestOfSources(root)}\n` })
  return root
}

describe('a dist/ is refused', () => {
  const stale = 'dist/ is not what src/ builds to. Run `npm run build`, or test the sources with ACTION_ENTRY=src.'

  test.each([
    ['if a source changed', { 'src/http/proxy.ts': 'export const proxy = 2\n' }],
    ['if there is a new source', { 'src/http/socks.ts': '' }],
    ['if the build changed', { 'scripts/build.ts': 'build(2)\n' }],
    [
      'if a package in it changed',
      { 'package-lock.json': lockFile({ ...packages, 'node_modules/yaml': { version: '2.0.1' } }) },
    ],
    [
      'if a tool of the build changed',
      { 'package-lock.json': lockFile({ ...packages, 'node_modules/@vercel/ncc': { version: '1.0.0', dev: true } }) },
    ],
  ])('%s', (_, files) => {
    const root = builtProject()
    expect(buildProblem(root, undefined)).toBeUndefined()
    writeFiles(root, files)
    expect(buildProblem(root, undefined)).toBe(stale)
    expect(buildProblem(root, 'src')).toBeUndefined()
  })

  test('if a source is gone, or the file with the digest', () => {
    const root = builtProject()
    rmSync(join(root, 'src/http/proxy.ts'))
    expect(buildProblem(root, undefined)).toBe(stale)
    const other = builtProject()
    rmSync(join(other, 'dist', digestFile))
    expect(buildProblem(other, undefined)).toBe(stale)
  })

  test('but not for line ends, the version, or a tool that does not build', () => {
    const root = builtProject()
    writeFiles(root, {
      'src/index.ts': readFileSync(join(root, 'src/index.ts'), 'utf8').replaceAll('\n', '\r\n'),
      'package-lock.json': lockFile({
        ...packages,
        '': { version: '1.1.0' },
        'node_modules/vitest': { version: '6.0.0', dev: true },
      }),
    })
    expect(buildProblem(root, undefined)).toBeUndefined()
  })
})

test('another value of ACTION_ENTRY is refused', () => {
  expect(buildProblem(builtProject(), 'source')).toBe(
    'ACTION_ENTRY is "source". Set it to src to test the sources, or unset it to test dist/.',
  )
})

test.each([
  ['src', 'src/index.ts'],
  [undefined, 'dist/index.js'],
])('with ACTION_ENTRY %s a step runs %s', async (entry, file) => {
  vi.stubEnv('ACTION_ENTRY', entry)
  onTestFinished(() => void vi.unstubAllEnvs())
  const payload = JSON.stringify(invoice)
  const { child, done } = startStep({ with: { operation: 'submitInvoice', payload, token, 'dry-run': 'true' } })
  expect(child.args.at(-1)?.replaceAll('\\', '/')).toMatch(new RegExp(`/${file}$`))
  expect(await done).toMatchObject({ code: 0, outputs: { status: 'validated' } })
})
