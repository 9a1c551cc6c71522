import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { hasHistory, pinProblems, writePins } from '../../scripts/pins.ts'
import { root } from '../docs/links.ts'
import { scratch, writeFiles } from '../e2e/step.ts'
import { createProject, files, type Project, prepareProjects, remove, reusableWorkflow } from './project.ts'

prepareProjects()

const workflow = '.github/workflows/billing.yml'
const contentOf = ({ root }: Project, path: string) => readFileSync(join(root, path), 'utf8')

/** Makes a project with a release 1.0.0: the build, the pin, and the tag. */
function released() {
  const project = createProject(releaseFirst)
  const [, build = ''] = /@([0-9a-f]{40}) # v1\.0\.0$/m.exec(contentOf(project, workflow)) ?? []
  return { project, build }
}

function releaseFirst(project: Project): void {
  writePins(project.root)
  project.merge({})
  project.tag('v1.0.0')
}

const nextBuild = {
  'package.json': files['package.json'].replace('1.0.0', '1.1.0'),
  'dist/index.js': 'console.log("1.1.0")\n',
}

test.skipIf(!hasHistory(root))('the pins of this project are right', () => {
  expect(pinProblems(root)).toEqual([])
})

describe('a pin', () => {
  test('replaces the tag in every step that uses the action, and nothing else', () => {
    const project = createProject()
    const before = contentOf(project, '.github/workflows/ci.yml')
    const commit = writePins(project.root)
    expect(commit).toBe(project.head())
    expect(contentOf(project, workflow)).toBe(reusableWorkflow(`${commit} # v1.0.0`))
    expect(contentOf(project, '.github/workflows/ci.yml')).toBe(before)
  })

  test('replaces that of the previous release', () => {
    const { project, build } = released()
    project.merge(nextBuild)
    const commit = writePins(project.root)
    expect(commit).not.toBe(build)
    expect(contentOf(project, workflow)).toBe(reusableWorkflow(`${commit} # v1.1.0`))
  })

  test.each([
    ['of a build that is not committed', 'dist/index.js'],
    ['of inputs that are not committed', 'action.yml'],
    ['of a version that is not committed', 'package.json'],
  ])('%s is refused', (_, path) => {
    const project = createProject()
    writeFiles(project.root, { [path]: contentOf(project, path).replace('1.0.0', '1.1.0').replace('Octo', 'Other') })
    expect(() => writePins(project.root)).toThrow('has uncommitted changes')
    expect(contentOf(project, workflow)).toBe(reusableWorkflow('v1'))
  })

  test('of a commit that is not on main is refused', () => {
    const project = createProject()
    const commit = project.commit({})
    expect(() => writePins(project.root)).toThrow(`${commit} is not on origin/main`)
    expect(contentOf(project, workflow)).toBe(reusableWorkflow('v1'))
  })

  test('under a version that was released already is refused', () => {
    const { project } = released()
    expect(() => writePins(project.root)).toThrow('v1.0.0 is released already. Run npm run release -- prepare')
  })
})

describe('the check of the pins', () => {
  test('passes before the first release, when there are no pins', () => {
    expect(pinProblems(createProject().root)).toEqual([])
  })

  test('passes between the pin and the tag, and after the tag', () => {
    const project = createProject()
    writePins(project.root)
    project.merge({})
    expect(pinProblems(project.root)).toEqual([])
    expect(pinProblems(project.root, '1.0.0')).toEqual([])
    project.tag('v1.0.0')
    expect(pinProblems(project.root)).toEqual([])
  })

  test('passes while main goes on after the release', () => {
    const { project } = released()
    project.merge(nextBuild)
    expect(pinProblems(project.root)).toEqual([])
  })

  test('fails if the build changed between the pin and the tag', () => {
    const project = createProject()
    const build = writePins(project.root)
    project.merge({ 'dist/index.js': 'changed\n', 'action.yml': 'changed\n' })
    const problem = (file: string) =>
      `${workflow}: ${file} of the pin ${build} differs from that of this commit. Run npm run release -- pin on main.`
    expect(pinProblems(project.root)).toEqual([problem('dist'), problem('action.yml')])
    expect(pinProblems(project.root, '1.0.0')).toEqual([problem('dist'), problem('action.yml')])
  })

  test('fails if the pin has another build than the tag that it names', () => {
    const { project } = released()
    const other = project.merge({ 'dist/index.js': 'other\n' })
    project.merge({ [workflow]: reusableWorkflow(`${other} # v1.0.0`) })
    expect(pinProblems(project.root)).toEqual([
      `${workflow}: dist of the pin ${other} differs from that of v1.0.0. Run npm run release -- pin on main.`,
    ])
  })

  test('fails for a commit that is not part of the history, such as one of a fork', () => {
    const project = createProject()
    const { root, git } = project
    const foreign = git('commit-tree', '-m', 'Foreign', 'HEAD^{tree}')
    project.merge({ [workflow]: reusableWorkflow(`${foreign} # v1.0.0`) })
    const problem = `${workflow}: the pin ${foreign} is not part of the history. Run npm run release -- pin on main.`
    expect(pinProblems(root)).toEqual([problem])
    expect(pinProblems(root, '1.0.0')).toEqual([problem])
  })

  test('says what to do in a shallow clone, or without the tag', () => {
    const { project, build } = released()
    project.merge(nextBuild)
    const clone = (...options: string[]) => {
      const folder = join(scratch(), 'clone')
      project.git('clone', '--quiet', ...options, `file://${project.root}`, folder)
      return folder
    }
    expect(pinProblems(clone('--depth=1'))).toEqual([
      `${workflow}: the pin ${build} cannot be checked in a shallow clone. Run git fetch --unshallow --tags.`,
    ])
    expect(pinProblems(clone('--no-tags'))).toEqual([
      `${workflow} pins version 1.0.0, which has no tag v1.0.0. Run git fetch --tags.`,
    ])
  })

  test.each([
    ['without a pin', () => 'v1', 'uses the action @v1, without a pin. Run npm run release -- pin.'],
    ['with a pin that names no version', (commit: string) => commit, 'does not name its version'],
    ['with the pin of another version', (commit: string) => `${commit} # v0.9.0`, 'pins version 0.9.0, not 1.0.0'],
  ])('refuses a release %s', (_, refOf, problem) => {
    const project = createProject()
    project.merge({ [workflow]: reusableWorkflow(refOf(project.head())) })
    expect(pinProblems(project.root, '1.0.0')).toContainEqual(expect.stringContaining(problem))
  })

  test('refuses workflows with different pins', () => {
    const { project, build } = released()
    const later = project.head()
    project.merge({ '.github/workflows/follow-up.yml': reusableWorkflow(`${later} # v1.0.0`) })
    expect(later).not.toBe(build)
    expect(pinProblems(project.root)).toEqual(['The workflows pin different commits. Run npm run release -- pin.'])
  })

  test('refuses a release in which no workflow uses the action', () => {
    const project = createProject()
    remove(project, workflow)
    expect(pinProblems(project.root, '1.0.0')).toEqual(['No reusable workflow uses this action.'])
  })
})
