import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { writePins } from '../../scripts/pins.ts'
import { checkTag, notesOf, prepareRelease, rankOf, runCommand } from '../../scripts/release.ts'
import { root } from '../docs/links.ts'
import { scratch, writeFiles } from '../e2e/step.ts'
import { createProject, files, type Project, prepareProjects } from './project.ts'

prepareProjects()

const contentOf = ({ root }: Project, path: string) => readFileSync(join(root, path), 'utf8')

/** Releases version 1.1.0 as CONTRIBUTING.md says: prepare and build, pin, tag. */
function release(project: Project): void {
  prepareRelease(project.root, '1.1.0')
  project.merge({ 'dist/index.js': 'console.log("1.1.0")\n' })
  writePins(project.root)
  project.merge({})
  project.tag('v1.1.0')
}

/** Runs `npm run release` in a project. */
function command({ root: cwd }: Project, ...args: string[]) {
  const output = join(cwd, 'output')
  writeFiles(cwd, { output: '' })
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'scripts', 'release.ts'), ...args], {
    cwd,
    env: { ...process.env, GITHUB_OUTPUT: output },
    encoding: 'utf8',
  })
  return { status, stdout, stderr, outputs: readFileSync(output, 'utf8').split('\n').filter(Boolean) }
}

test('the procedure of a release ends in a tag that can be released, with its notes', () => {
  const project = createProject()
  expect(command(project, 'prepare', '1.1.0')).toMatchObject({ status: 0 })
  project.merge({ 'dist/index.js': 'console.log("1.1.0")\n' })
  expect(command(project, 'pin')).toMatchObject({ status: 0 })
  project.merge({})
  project.git('tag', '--annotate', '--message', 'Release', 'v1.1.0')
  expect(command(project, 'check')).toMatchObject({ status: 0 })
  expect(command(project, 'check', 'v1.1.0', '--notes', 'notes.md')).toMatchObject({
    status: 0,
    outputs: ['prerelease=false', 'latest=true', 'major-tag=v1'],
  })
  expect(contentOf(project, 'notes.md')).toBe('- It bills.\n')
})

test('a check that fails says why, and writes nothing', () => {
  const project = createProject()
  const { status, stderr, outputs } = command(project, 'check', 'v1.0.0', '--notes', 'notes.md')
  expect({ status, outputs }).toEqual({ status: 1, outputs: [] })
  expect(stderr).toContain('CHANGELOG.md has no section "## 1.0.0".\n')
  expect(() => contentOf(project, 'notes.md')).toThrow('ENOENT')
})

test.each([[['prepare']], [['publish']], [[]]])('the command line %j is refused with its usage', (args) => {
  expect(() => runCommand(scratch(), args)).toThrow(/^Usage: npm run release -- prepare/)
})

describe('prepare', () => {
  test('sets the version everywhere, and makes it the heading of the changes', () => {
    const project = createProject()
    prepareRelease(project.root, '1.1.0-rc.1')
    expect(JSON.parse(contentOf(project, 'package.json'))).toMatchObject({ name: 'octo-action', version: '1.1.0-rc.1' })
    expect(JSON.parse(contentOf(project, 'package-lock.json'))).toEqual({
      version: '1.1.0-rc.1',
      packages: { '': { version: '1.1.0-rc.1' } },
    })
    expect(contentOf(project, 'CHANGELOG.md')).toBe(
      '# Changes\n\n## 1.1.0-rc.1\n\n- It bills.\n\n## 0.9.0\n\n- It exists.\n',
    )
  })

  test('refuses what is not a version, an existing version, and a release without changes', () => {
    const project = createProject()
    expect(() => prepareRelease(project.root, 'v1.1.0')).toThrow('"v1.1.0" is not a version. Give one such as 1.2.3.')
    project.tag('v1.1.0')
    expect(() => prepareRelease(project.root, '1.1.0')).toThrow('v1.1.0 is released already.')
    writeFiles(project.root, { 'CHANGELOG.md': '# Changes\n\n## 0.9.0\n' })
    expect(() => prepareRelease(project.root, '1.2.0')).toThrow('CHANGELOG.md has no changes.')
    expect(contentOf(project, 'package.json')).toBe(files['package.json'])
  })
})

describe('the check of a tag', () => {
  test('refuses a tag that is not the version', () => {
    const project = createProject(release)
    project.tag('v1.1.1')
    expect(checkTag(project.root, 'v1.1.1').problems).toEqual([
      'The tag is v1.1.1, and the version in package.json is 1.1.0.',
    ])
  })

  test('refuses a tag of a commit that is not on main', () => {
    const project = createProject(release)
    project.commit({})
    project.tag('v1.1.0')
    expect(checkTag(project.root, 'v1.1.0').problems).toEqual([
      'The tag v1.1.0 is at a commit that is not on main. Tag a commit of main.',
    ])
  })

  test('refuses another commit than that of the tag', () => {
    const project = createProject(release)
    const head = project.merge({})
    expect(checkTag(project.root, 'v1.1.0').problems).toEqual([
      `The tag v1.1.0 is not at the commit that is checked out, ${head}.`,
    ])
  })

  test('refuses a lock file of another version, and missing notes', () => {
    const project = createProject(release)
    writeFiles(project.root, {
      'package-lock.json': files['package-lock.json'],
      'CHANGELOG.md': '## 1.1.0\n\n## 0.9.0\n',
    })
    expect(checkTag(project.root, 'v1.1.0').problems).toEqual([
      'package-lock.json has another version than package.json. Run npm install.',
      'CHANGELOG.md has no section "## 1.1.0".',
    ])
  })

  test('refuses a release whose workflows are not pinned', () => {
    const project = createProject()
    prepareRelease(project.root, '1.1.0')
    project.merge({})
    project.tag('v1.1.0')
    const [problem, ...more] = checkTag(project.root, 'v1.1.0').problems
    expect(problem).toBe(
      '.github/workflows/billing.yml uses the action @v1, without a pin. Run npm run release -- pin.',
    )
    expect(more).toEqual([problem])
  })
})

test.each([
  ['the first', '1.0.0', [], true, 'v1'],
  ['the next', '1.10.0', ['1.9.0', '0.20.0'], true, 'v1'],
  ['of a new major version', '2.0.0', ['1.9.0'], true, 'v2'],
  ['older than the latest of its major version', '1.9.1', ['1.10.0'], false, ''],
  ['of an older major version', '1.9.1', ['1.9.0', '2.0.0'], false, 'v1'],
  ['after a pre-release', '1.1.0', ['1.1.0-rc.1', '1.2.0-rc.1'], true, 'v1'],
  ['that is a pre-release', '1.1.0-rc.1', ['1.0.0'], false, ''],
  ['that is the first pre-release', '2.0.0-rc.1', ['1.0.0'], false, ''],
])('a release %s, %s after %j, is the latest: %s, and moves "%s"', (_, version, tags, latest, majorTag) => {
  const all = ['v1', 'vitest', `v${version}`, ...tags.map((other) => `v${other}`)]
  expect(rankOf(version, all)).toEqual({ prerelease: version.includes('-'), latest, majorTag })
})

test('a release that is older than the latest does not move the tag of the major version', () => {
  const project = createProject(release)
  project.tag('v1.2.0')
  expect(checkTag(project.root, 'v1.1.0')).toEqual({
    problems: [],
    notes: '- It bills.',
    prerelease: false,
    latest: false,
    majorTag: '',
  })
})

test('the notes of a version end where those of the version before begin', () => {
  const changes = '# Changes\n\n## 1.10.0\n\nNew:\n\n- One.\n\n### More\n\n- Two.\n\n## 1.1.0\n\n- Three.\n'
  expect(notesOf(changes, '1.10.0')).toBe('New:\n\n- One.\n\n### More\n\n- Two.')
  expect(notesOf(changes, '1.1.0')).toBe('- Three.')
  expect(notesOf(changes, '1.1')).toBe('')
})
