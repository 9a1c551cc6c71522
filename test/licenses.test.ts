import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { packageFolders } from '../scripts/licenses.ts'

const root = join(import.meta.dirname, '..')

test('licenses.txt names every package whose code is in the bundle', () => {
  const text = readFileSync(join(root, 'dist', 'licenses.txt'), 'utf8')
  const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  for (const name of Object.keys(dependencies)) expect(`\n${text}`).toContain(`\n${name}\n`)
  expect(text).toMatch(/^zod\nMIT\n/m)
})

test('modules that are joined into others count', () => {
  const joined = {
    rootModule: { resource: '/x/node_modules/@actions/core/lib/core.js' },
    modules: [{ resource: '/x/node_modules/leven/index.js' }],
  }
  const nested = { resource: '/x/node_modules/a/node_modules/b/c.js' }
  expect([...packageFolders([joined, nested, { resource: '/x/src/main.ts' }, {}])]).toEqual([
    '/x/node_modules/@actions/core',
    '/x/node_modules/leven',
    '/x/node_modules/a/node_modules/b',
  ])
})
