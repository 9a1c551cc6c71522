// What dist/ was built from: a digest of the sources, in a file of dist/. Tests of dist/ refuse one that is out of date.

import { createHash } from 'node:crypto'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The file with the digest, in dist/. */
export const digestFile = 'sources.sha256'

/** What the build reads, besides the packages. */
const sources = ['src/**/*.ts', 'scripts/{build,build-digest,licenses}.ts']

/** The tools of the build. Other packages of development do not change it. */
const tools = ['node_modules/@vercel/ncc', 'node_modules/terser', 'node_modules/typescript']

/** Returns the digest of what dist/ is built from, in hexadecimal. Line ends do not count. */
export function digestOfSources(root: string): string {
  const paths = sources.flatMap((pattern) => globSync(pattern, { cwd: root }))
  const names = paths.map((path) => path.replaceAll('\\', '/')).sort()
  const files = names.map((name) => [name, readFileSync(join(root, name), 'utf8').replaceAll('\r\n', '\n')])
  return createHash('sha256')
    .update(JSON.stringify([files, packagesOf(root)]))
    .digest('hex')
}

interface LockFile {
  readonly packages: Readonly<Record<string, { readonly dev?: boolean }>>
}

/** The packages of the lock file on which the build depends. */
function packagesOf(root: string) {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as LockFile
  return Object.entries(packages).filter(([path, { dev }]) => path !== '' && (!dev || tools.includes(path)))
}
