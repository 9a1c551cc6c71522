// Builds dist/ from src/ with ncc, byte for byte the same from the same sources and lock file.

import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import ncc from '@vercel/ncc'
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

/**
 * What @actions/github takes of undici, a second HTTP client of 550 kB. Its requests go over our own transport (see
 * src/credentials/github-secret.ts), so these names only have to be there.
 */
const undici = 'exports.fetch = globalThis.fetch\nexports.ProxyAgent = class ProxyAgent {}\n'

/**
 * CommonJS, although the sources are modules: it starts sooner, and a module
 * that imports `node:http` evaluates all its getters, which loads a second HTTP client.
 */
const { code, assets } = await ncc(join(root, 'src/index.ts'), {
  esm: false,
  cache: false,
  license: 'licenses.txt',
  externals: { undici: './undici.js' },
  quiet: true,
}).catch((error: Error) => {
  // Its stack quotes ncc's own source, which is one line of megabytes.
  console.error(error.message)
  process.exit(1)
})
const files = {
  'index.js': code,
  'undici.js': undici,
  ...Object.fromEntries(Object.entries(assets).map(([name, { source }]) => [name, source])),
}

rmSync(dist, { recursive: true, force: true })
mkdirSync(dist)
for (const [name, source] of Object.entries(files)) {
  writeFileSync(join(dist, name), name.endsWith('.js') ? minified(String(source)) : source)
}
writeFileSync(join(dist, 'package.json'), '{ "type": "commonjs" }\n')

// ncc minifies the entry alone, and most of what a step loads is in chunks.
function minified(source: string): string {
  return transformSync(source, { format: 'cjs', target: 'node24', minify: true, legalComments: 'none' }).code
}
