// The steps of a release that a person should not do by hand. CONTRIBUTING.md has the whole procedure.
//
//   npm run release -- prepare 1.2.3      sets the version, and gives the changes in CHANGELOG.md its heading
//   npm run release -- pin                pins the reusable workflows to the commit that is checked out
//   npm run release -- check              checks those pins
//   npm run release -- check v1.2.3       checks everything that the release workflow wants to know of a tag
//   npm run release -- check v1.2.3 --notes notes.md      ... and writes the release's notes

import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { git, hasTag, isOnMain, manifestOf, pinProblems, writePins } from './pins.ts'

const read = (root: string, path: string) => readFileSync(join(root, path), 'utf8')

const versionPattern = /^(\d+)\.(\d+)\.(\d+)(-[\dA-Za-z.-]+)?$/

const unreleased = '## Unreleased'

/**
 * Sets the version in package.json and package-lock.json, and makes it the heading of the unreleased changes.
 *
 * @throws {Error} if it is not a version, was released already, or has no changes
 */
export function prepareRelease(root: string, version: string): void {
  if (!versionPattern.test(version)) throw new Error(`"${version}" is not a version. Give one such as 1.2.3.`)
  if (hasTag(root, version)) throw new Error(`v${version} is released already. Choose the next version.`)
  const changes = read(root, 'CHANGELOG.md')
  if (!changes.includes(`\n${unreleased}\n`)) {
    throw new Error(`CHANGELOG.md has no changes. Describe them under the heading "${unreleased}".`)
  }
  const lock = JSON.parse(read(root, 'package-lock.json'))
  lock.version = version
  lock.packages[''].version = version
  const manifest = { ...JSON.parse(read(root, 'package.json')), version }
  writeFileSync(join(root, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
  writeFileSync(join(root, 'package-lock.json'), `${JSON.stringify(lock, null, 2)}\n`)
  writeFileSync(join(root, 'CHANGELOG.md'), changes.replace(unreleased, `## ${version}`))
}

/** Returns the changes of a version, from CHANGELOG.md; empty if there are no such changes. */
export function notesOf(changes: string, version: string): string {
  const sections = changes.split(/^## /m)
  const section = sections.find((text) => text.startsWith(`${version}\n`)) ?? ''
  return section.slice(version.length).trim()
}

/** What a release is among the others. */
export interface ReleaseRank {
  readonly prerelease: boolean
  /** Whether no released version is higher. */
  readonly latest: boolean
  /** The tag to move to the release, such as `v1`; empty for a pre-release, or if a higher version has it. */
  readonly majorTag: string
}

/**
 * Ranks a version among the released ones.
 *
 * @param tags  of the repository; those that are not versions, or pre-releases, do not count
 */
export function rankOf(version: string, tags: readonly string[]): ReleaseRank {
  const prerelease = version.includes('-')
  const released = tags
    .map((tag) => tag.slice(1))
    .filter((other) => versionPattern.test(other) && !other.includes('-') && other !== version)
  const isHighest = (others: readonly string[]) => others.every((other) => compareVersions(other, version) < 0)
  const [major] = version.split('.')
  const movesMajor = !prerelease && isHighest(released.filter((other) => other.startsWith(`${major}.`)))
  return { prerelease, latest: !prerelease && isHighest(released), majorTag: movesMajor ? `v${major}` : '' }
}

/** Compares two released versions. The result is negative if the first is lower. */
function compareVersions(one: string, other: string): number {
  const [a = [], b = []] = [one, other].map((version) => version.split('.').map(Number))
  return a.map((part, index) => part - (b[index] ?? 0)).find((difference) => difference !== 0) ?? 0
}

export interface TagCheck extends ReleaseRank {
  /** One sentence per problem. A tag with problems must not be released. */
  readonly problems: readonly string[]
  readonly notes: string
}

/**
 * Checks a tag before it becomes a release.
 *
 * @param root  folder of a git repository with its whole history and its tags, at the commit of the tag
 */
export function checkTag(root: string, tag: string): TagCheck {
  const { version } = manifestOf(root)
  const notes = notesOf(read(root, 'CHANGELOG.md'), version)
  const tags = (git(root, 'tag', '--list', 'v*') ?? '').split('\n')
  const problems = [...problemsOfTag(root, tag, version, notes), ...pinProblems(root, version)]
  return { problems, notes, ...rankOf(version, tags) }
}

function problemsOfTag(root: string, tag: string, version: string, notes: string): string[] {
  const head = git(root, 'rev-parse', 'HEAD') ?? ''
  const lock = JSON.parse(read(root, 'package-lock.json'))
  const unequal = [lock.version, lock.packages[''].version].some((other) => other !== version)
  return [
    ...(tag === `v${version}` ? [] : [`The tag is ${tag}, and the version in package.json is ${version}.`]),
    ...(versionPattern.test(version) ? [] : [`"${version}" in package.json is not a version such as 1.2.3.`]),
    ...(unequal ? ['package-lock.json has another version than package.json. Run npm install.'] : []),
    ...(git(root, 'rev-parse', '--verify', '--quiet', `refs/tags/${tag}^{commit}`) === head
      ? []
      : [`The tag ${tag} is not at the commit that is checked out, ${head}.`]),
    ...(isOnMain(root, head) ? [] : [`The tag ${tag} is at a commit that is not on main. Tag a commit of main.`]),
    ...(notes === '' ? [`CHANGELOG.md has no section "## ${version}".`] : []),
  ]
}

/**
 * Runs a command of the command line.
 *
 * @param root  folder of a git repository
 * @returns the lines to print
 * @throws {Error} if the command is unknown, or refuses
 */
export function runCommand(root: string, args: string[]): string[] {
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options: { notes: { type: 'string' } } })
  const [command, given] = positionals
  if (command === 'prepare' && given !== undefined) {
    prepareRelease(root, given)
    return [`The version is ${given}. Next: npm run docs && npm run build, then commit and merge.`]
  }
  if (command === 'pin') {
    const commit = writePins(root)
    return [`The reusable workflows pin ${commit}. Next: commit and merge.`]
  }
  if (command === 'check' && given !== undefined) return reportTag(root, given, values.notes)
  if (command === 'check') {
    failIfAny(pinProblems(root))
    return ['The pins of the reusable workflows are right.']
  }
  throw new Error('Usage: npm run release -- prepare 1.2.3 | pin | check [v1.2.3 [--notes FILE]]')
}

/** Checks a tag, and writes what the release workflow needs: the notes, and the outputs of its step. */
function reportTag(root: string, tag: string, notesFile: string | undefined): string[] {
  const { problems, notes, prerelease, latest, majorTag } = checkTag(root, tag)
  failIfAny(problems)
  if (notesFile !== undefined) writeFileSync(notesFile, `${notes}\n`)
  const outputs = [`prerelease=${prerelease}`, `latest=${latest}`, `major-tag=${majorTag}`]
  const { GITHUB_OUTPUT } = process.env
  if (GITHUB_OUTPUT) appendFileSync(GITHUB_OUTPUT, `${outputs.join('\n')}\n`)
  return [`${tag} can be released.`, ...outputs]
}

function failIfAny(problems: readonly string[]): void {
  if (problems.length > 0) throw new Error(problems.join('\n'))
}

if (import.meta.main) {
  try {
    for (const line of runCommand(process.cwd(), process.argv.slice(2))) console.log(line)
  } catch (error) {
    console.error((error as Error).message)
    process.exitCode = 1
  }
}
