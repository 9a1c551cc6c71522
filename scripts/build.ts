// Builds dist/ from src/ with ncc. The build is reproducible: the same sources and lock file give the same bytes.

import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import ncc from '@vercel/ncc'
import { minify } from 'terser'
import ts from 'typescript'
import { digestFile, digestOfSources } from './build-digest.ts'
import { licenseText, packageFolders } from './licenses.ts'

const root = join(import.meta.dirname, '..')
const dist = join(root, 'dist')

/**
 * Packages that have no side effects when they are loaded, but do not declare that in their package.json. With
 * `"sideEffects": false` ncc removes their unused code. For @actions/core that is an HTTP client (900 kB, 45 ms at
 * start), which only `getIDToken` needs.
 */
const packagesWithoutSideEffects = [
  '@actions/core',
  '@actions/exec',
  '@actions/http-client',
  '@actions/io',
  'age-encryption',
]

for (const name of packagesWithoutSideEffects) {
  const path = join(root, 'node_modules', name, 'package.json')
  if (!existsSync(path)) continue
  const manifest = JSON.parse(readFileSync(path, 'utf8'))
  if (manifest.sideEffects !== false)
    writeFileSync(path, `${JSON.stringify({ ...manifest, sideEffects: false }, null, 2)}\n`)
}

/**
 * Replaces undici, a second HTTP client of 550 kB, which @actions/github imports. The action sends GitHub's requests with
 * its own transport (see src/credentials/github-secret.ts), so these exports only have to exist.
 */
const undiciStub = 'exports.fetch = globalThis.fetch\nexports.ProxyAgent = class ProxyAgent {}\n'

/**
 * The output is CommonJS although the sources are ES modules: CommonJS starts faster, and an ES module that imports
 * `node:http` evaluates all its getters, which loads a second HTTP client.
 */
const { code, assets, stats } = await ncc(join(root, 'src/index.ts'), {
  esm: false,
  cache: false,
  externals: { undici: './undici.js' },
  quiet: true,
}).catch((error: Error) => {
  // The stack contains ncc's source, a single line of several megabytes, so only the message is printed.
  console.error(error.message)
  process.exit(1)
})
const files = {
  'index.js': code,
  'undici.js': undiciStub,
  ...Object.fromEntries(Object.entries(assets).map(([name, { source }]) => [name, source])),
  'licenses.txt': licenseText(packageFolders(stats.compilation.modules)),
  [digestFile]: `${digestOfSources(root)}\n`,
}

rmSync(dist, { recursive: true, force: true })
mkdirSync(dist)
for (const [name, source] of Object.entries(files)) {
  writeFileSync(join(dist, name), name.endsWith('.js') ? await minified(String(source)) : source)
}
writeFileSync(join(dist, 'package.json'), '{ "type": "commonjs" }\n')

/** Minifies a file. ncc minifies the entry file only, but most of the code that a step loads is in chunks. */
async function minified(source: string): Promise<string> {
  const { code = '' } = await minify(source, {
    ecma: 2020,
    toplevel: true,
    compress: { ecma: 2020, passes: 3 },
    format: { ecma: 2020, comments: false },
  })
  return withEagerModules(code)
}

/**
 * Puts the bundler's module functions in parentheses. V8 compiles such a function at once; without them it parses each
 * module twice, which costs a step a few milliseconds. See https://v8.dev/blog/preparser#pife
 */
function withEagerModules(code: string): string {
  const source = ts.createSourceFile('chunk.js', code, ts.ScriptTarget.Latest, false, ts.ScriptKind.JS)
  const places: { readonly at: number; readonly parenthesis: string }[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isPropertyAssignment(node) && ts.isNumericLiteral(node.name) && isFunction(node.initializer)) {
      const { initializer } = node
      places.push({ at: initializer.getStart(source), parenthesis: '(' }, { at: initializer.end, parenthesis: ')' })
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  let result = ''
  let end = 0
  for (const { at, parenthesis } of places.sort((a, b) => a.at - b.at)) {
    result += code.slice(end, at) + parenthesis
    end = at
  }
  return result + code.slice(end)
}

function isFunction(node: ts.Expression): boolean {
  return ts.isArrowFunction(node) || ts.isFunctionExpression(node)
}
