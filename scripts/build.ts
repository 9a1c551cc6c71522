// Builds dist/ from src/ with ncc, byte for byte the same from the same sources and lock file.

import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { transformSync } from 'esbuild'

const root = join(import.meta.dirname, '..')
const dist = join(root, 'dist')

/**
 * Packages that only define things when they are loaded, and do not say so in their package.json. Told so, ncc leaves
 * out what is not used of them: of @actions/core alone that is an HTTP client (900 kB, 45 ms at start) which it has
 * for `getIDToken`.
 */
const free = ['@actions/core', '@actions/exec', '@actions/http-client', '@actions/io']

for (const name of free) {
  const path = join(root, 'node_modules', name, 'package.json')
  if (!existsSync(path)) continue
  const manifest = JSON.parse(readFileSync(path, 'utf8'))
  if (manifest.sideEffects !== false)
    writeFileSync(path, `${JSON.stringify({ ...manifest, sideEffects: false }, null, 2)}\n`)
}

rmSync(dist, { recursive: true, force: true })
execFileSync(
  process.execPath,
  [
    join(root, 'node_modules', '@vercel', 'ncc', 'dist', 'ncc', 'cli.js'),
    'build',
    'src/index.ts',
    '--out',
    dist,
    '--license',
    'licenses.txt',
    '--no-cache',
  ],
  { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] },
)

// ncc minifies the entry alone, and most of what a step loads is in chunks.
for (const name of readdirSync(dist).filter((name) => name.endsWith('.js'))) {
  const path = join(dist, name)
  const { code } = transformSync(readFileSync(path, 'utf8'), {
    format: 'esm',
    target: 'node24',
    minify: true,
    keepNames: false,
    legalComments: 'none',
  })
  writeFileSync(path, code)
}
