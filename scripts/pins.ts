// The pins of the reusable workflows. Their steps use this action at a commit, not at a tag, so that whoever pins such a
// workflow to a commit knows all the code that it runs, and organizations that require pinned actions accept it. A commit
// cannot contain its own hash: a release is a commit with the build, and a later one whose workflows name the first.

import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { repositoryOf } from './repository.ts'

/** What runs when a workflow uses the action. */
const builtFiles = ['dist', 'action.yml']

const workflows = join('.github', 'workflows')

/** A step of a reusable workflow that uses this action. */
interface Use {
  /** Path of the workflow, with slashes. */
  readonly path: string
  /** What follows the `@`: a commit, or a tag. */
  readonly ref: string
  /** The version in the comment, without its `v`. */
  readonly version: string | undefined
}

/** Returns the output of git without its last newline; undefined if git fails. */
export function git(root: string, ...args: string[]): string | undefined {
  const { status, stdout } = spawnSync('git', args, { cwd: root, encoding: 'utf8' })
  return status === 0 ? stdout.trimEnd() : undefined
}

/** The version and the repository of a project. */
export function manifestOf(root: string): { readonly version: string; readonly name: string } {
  const manifest = readFileSync(join(root, 'package.json'), 'utf8')
  return { version: JSON.parse(manifest).version, name: repositoryOf(manifest).name }
}

/** A step that uses the action of a repository: `uses: owner/name@ref # v1.2.3`. Comments do not match. */
const stepUsing = (name: string) =>
  new RegExp(`^(\\s*(?:- )?uses: ${name.replaceAll('.', '\\.')}@)(\\S+)(?: +# v(\\S+))?$`, 'gm')

/** The reusable workflows of a project: those that other repositories can call. */
function reusableWorkflows(root: string): { readonly path: string; readonly text: string }[] {
  return readdirSync(join(root, workflows))
    .map((name) => ({ path: `.github/workflows/${name}`, text: readFileSync(join(root, workflows, name), 'utf8') }))
    .filter(({ text }) => /^ {2}workflow_call:/m.test(text))
}

function usesIn(root: string): Use[] {
  const pattern = stepUsing(manifestOf(root).name)
  return reusableWorkflows(root).flatMap(({ path, text }) =>
    [...text.matchAll(pattern)].map(([, , ref = '', version]) => ({ path, ref, version })),
  )
}

const isPin = ({ ref }: Use) => /^[0-9a-f]{40}$/.test(ref)

/**
 * Pins every reusable workflow to the commit that is checked out.
 *
 * @param root  folder of a git repository
 * @returns the commit
 * @throws {Error} if the commit cannot be pinned: its build has uncommitted changes, it is not on main, or its version was
 *   released already
 */
export function writePins(root: string): string {
  const commit = git(root, 'rev-parse', 'HEAD')
  if (commit === undefined) throw new Error('This is not a git repository with a commit.')
  if (git(root, 'status', '--porcelain', '--', ...builtFiles, 'package.json') !== '') {
    throw new Error('dist/, action.yml or package.json has uncommitted changes. Commit and merge them first.')
  }
  if (!isOnMain(root, commit)) {
    throw new Error(
      `${commit} is not on origin/main, and a merge may give it another hash. Merge the build first, and run this on main after git pull.`,
    )
  }
  const { version, name } = manifestOf(root)
  if (hasTag(root, version)) {
    throw new Error(`v${version} is released already. Run npm run release -- prepare with the next version first.`)
  }
  for (const { path, text } of reusableWorkflows(root)) {
    writeFileSync(join(root, path), text.replaceAll(stepUsing(name), `$1${commit} # v${version}`))
  }
  return commit
}

/** Whether a commit is on the main branch of the remote repository. */
export const isOnMain = (root: string, commit: string): boolean =>
  git(root, 'merge-base', '--is-ancestor', commit, 'refs/remotes/origin/main') !== undefined

/** Whether a version has its tag. */
export const hasTag = (root: string, version: string): boolean =>
  git(root, 'rev-parse', '--verify', '--quiet', `refs/tags/v${version}^{commit}`) !== undefined

/**
 * Checks the pins: what they run must be the build of the release that they name.
 *
 * Before the first release no workflow has a pin, and nothing is checked. Between the pin and the tag, the commit that is
 * checked out stands for the release.
 *
 * @param root     folder of a git repository with its whole history and its tags
 * @param release  version that is about to be released from the commit that is checked out; every workflow must have its pin
 * @returns one sentence per problem
 */
export function pinProblems(root: string, release?: string): string[] {
  const uses = usesIn(root)
  const unpinned = uses.filter((use) => !isPin(use))
  const pins = uses.filter(isPin)
  if (release === undefined && pins.length === 0) return []
  if (uses.length === 0) return ['No reusable workflow uses this action.']
  const distinct = new Map(pins.map((pin) => [`${pin.ref} ${pin.version}`, pin]))
  return [
    ...unpinned.map(({ path, ref }) => `${path} uses the action @${ref}, without a pin. Run npm run release -- pin.`),
    ...(distinct.size > 1 ? ['The workflows pin different commits. Run npm run release -- pin.'] : []),
    ...[...distinct.values()].flatMap((pin) => problemsOfPin(root, pin, release)),
  ]
}

function problemsOfPin(root: string, { path, ref, version }: Use, release: string | undefined): string[] {
  if (version === undefined) return [`${path}: the pin ${ref} does not name its version. Run npm run release -- pin.`]
  if (release !== undefined && version !== release) {
    return [`${path} pins version ${version}, not ${release}. Run npm run release -- pin.`]
  }
  if (git(root, 'merge-base', '--is-ancestor', ref, 'HEAD') === undefined) {
    return [
      git(root, 'rev-parse', '--is-shallow-repository') === 'true'
        ? `${path}: the pin ${ref} cannot be checked in a shallow clone. Run git fetch --unshallow --tags.`
        : `${path}: the pin ${ref} is not part of the history. Run npm run release -- pin on main.`,
    ]
  }
  return problemsOfBuild(root, { path, ref, version }, release)
}

/** Compares what the pinned commit runs with what the release has. */
function problemsOfBuild(
  root: string,
  { path, ref, version }: Use & { readonly version: string },
  release: string | undefined,
): string[] {
  const tag = `refs/tags/v${version}^{commit}`
  const isTagged = hasTag(root, version)
  if (!isTagged && version !== manifestOf(root).version) {
    return [`${path} pins version ${version}, which has no tag v${version}. Run git fetch --tags.`]
  }
  const [released, called] = release === undefined && isTagged ? [tag, `v${version}`] : ['HEAD', 'this commit']
  const changed = git(root, 'diff-tree', '--name-only', ref, released, '--', ...builtFiles)?.split('\n')
  return builtFiles
    .filter((file) => !changed || changed.includes(file))
    .map(
      (file) =>
        `${path}: ${file} of the pin ${ref} differs from that of ${called}. Run npm run release -- pin on main.`,
    )
}

/** Whether a folder is a git repository, so that its pins can be checked. */
export const hasHistory = (root: string): boolean => existsSync(join(root, '.git'))
