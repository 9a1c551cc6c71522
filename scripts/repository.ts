// The repository's name, which stands in package.json alone. `npm run docs` writes it, and the major version, into every
// document, example and workflow that refers to this action.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'

const root = join(import.meta.dirname, '..')

export interface Repository {
  /** Owner and name, such as `octo-org/octo-action`. */
  readonly name: string
  /** The tag that moves with the releases of a major version, such as `v1`. */
  readonly majorTag: string
}

/**
 * Reads the name and the version from a package.json.
 *
 * @throws {Error} if `repository` is not `github:owner/name`
 */
export function repositoryOf(manifest: string): Repository {
  const { repository, version } = JSON.parse(manifest)
  const [, name] = /^github:([\w.-]+\/[\w.-]+)$/.exec(repository) ?? []
  if (name === undefined) throw new Error('"repository" in package.json must be "github:owner/name"')
  return { name, majorTag: `v${version.split('.')[0]}` }
}

/** This repository. */
export const repository: Repository = repositoryOf(readFileSync(join(root, 'package.json'), 'utf8'))

/**
 * A reference to this action, or to a reusable workflow of it, by major version: `uses: owner/name@v1`. Actions of others
 * are pinned to a commit, so every reference to a major version is one to this action.
 */
const ownUses = /(\buses: )([\w.-]+\/[\w.-]+)((?:\/\.github\/workflows\/[\w.-]+)?)@(v\d+)(?![\w.])/g

/** Returns the references of a text to this action by major version, such as `owner/name@v1`. */
export const ownReferences = (text: string): { readonly name: string; readonly tag: string }[] =>
  [...text.matchAll(ownUses)].map(([, , name = '', , tag = '']) => ({ name, tag }))

/** Writes the major tag into the references to this action. */
export const withMajorTag = (text: string, { name, majorTag }: Repository): string =>
  text.replaceAll(ownUses, (all, uses, owner, path) => (owner === name ? `${uses}${name}${path}@${majorTag}` : all))

/**
 * Replaces the repository's name in links, prose and pinned references.
 *
 * @param former  the name that the text has, `owner/name`
 */
export const renamed = (text: string, former: string, { name }: Repository): string =>
  text.replaceAll(new RegExp(`(?<![\\w.-])${escaped(former)}(?![\\w-])`, 'g'), name)

/** Replaces the owner of the teams in a CODEOWNERS file. */
export const withOwner = (codeOwners: string, { name }: Repository): string =>
  codeOwners.replaceAll(/(?<=\s)@[\w-]+\//g, `@${name.split('/')[0]}/`)

const escaped = (text: string) => text.replaceAll(/[.\\^$*+?()[\]{}|]/g, '\\$&')

const filesIn = (folder: string, ending: RegExp): string[] =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && ending.test(entry.name))
    .map(({ parentPath, name }) => relative(root, join(parentPath, name)).replaceAll('\\', '/'))

/** The files for users and maintainers that can refer to this action. */
export const referringFiles: readonly string[] = [
  'README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  ...filesIn('docs', /\.md$/),
  ...filesIn('examples', /\.(ya?ml|md)$/),
  ...filesIn('.github', /\.(ya?ml|md)$/),
]

/** Writes the repository's name and the major version into every file that has them. */
export function writeReferences(): void {
  const [first] = ownReferences(read('README.md'))
  const former = first?.name ?? repository.name
  for (const path of referringFiles) write(path, withMajorTag(renamed(read(path), former, repository), repository))
  for (const path of filesIn('test', /\.ts$/)) write(path, renamed(read(path), former, repository))
  write('.github/CODEOWNERS', withOwner(read('.github/CODEOWNERS'), repository))
}

const read = (path: string) => readFileSync(join(root, path), 'utf8')

function write(path: string, text: string): void {
  if (text !== read(path)) writeFileSync(join(root, path), text)
}
