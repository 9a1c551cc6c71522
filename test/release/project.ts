// A small project in a git repository, in which tests make releases.

import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { scratch, writeFiles } from '../e2e/step.ts'

const name = 'octo-org/octo-action'

/** A reusable workflow whose step uses the action at a tag or a commit; a comment refers to the workflow itself. */
export const reusableWorkflow = (ref: string): string => `# To call it:
#     uses: ${name}/.github/workflows/billing.yml@v1
on:
  workflow_call:
jobs:
  bill:
    steps:
      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1
      - uses: ${name}@${ref}
        with: { operation: submitInvoice }
      - name: Merge
        uses: ${name}@${ref}
`

export const files = {
  'package.json': `${JSON.stringify({ name: 'octo-action', version: '1.0.0', repository: `github:${name}` }, null, 2)}\n`,
  'package-lock.json': `${JSON.stringify({ version: '1.0.0', packages: { '': { version: '1.0.0' } } }, null, 2)}\n`,
  'CHANGELOG.md': '# Changes\n\n## Unreleased\n\n- It bills.\n\n## 0.9.0\n\n- It exists.\n',
  'action.yml': 'name: Octo\n',
  'dist/index.js': 'console.log("1.0.0")\n',
  '.github/workflows/billing.yml': reusableWorkflow('v1'),
  '.github/workflows/ci.yml': `on: push\njobs: { check: { steps: [{ uses: ./ }] } }\n`,
}

export interface Project {
  readonly root: string
  /** Runs git. Returns its output. @throws {Error} if git fails */
  git(...args: string[]): string
  /** The commit that is checked out. */
  head(): string
  /** Gives the commit that is checked out a tag. */
  tag(name: string): void
  /** Changes files and commits them. Returns the commit. */
  commit(changes: Record<string, string>): string
  /** Changes files and commits them on the main branch of the remote repository. Returns the commit. */
  merge(changes: Record<string, string>): string
}

/** The folder of each project that others are copies of, by what makes it. Copies save most calls of git. */
const originals = new Map<MakeProject, string>()

type MakeProject = (project: Project) => void

/** Makes the originals of all projects of a test file, which calls this once. */
export function prepareProjects(): void {
  beforeAll(() => {
    const root = newOriginal(start)
    writeFiles(root, files)
    runGit(root, ['init', '--quiet', '--initial-branch=main', '--template='])
    for (const key of ['gc.auto', 'maintenance.auto']) runGit(root, ['config', key, '0'])
    runGit(root, ['add', '--all'])
    projectAt(root).merge({})
  })
  afterAll(() => {
    for (const root of originals.values()) rmSync(root, { recursive: true })
    originals.clear()
  })
}

function newOriginal(make: MakeProject): string {
  const root = mkdtempSync(join(tmpdir(), 'project-'))
  originals.set(make, root)
  return root
}

/** Makes no change. */
function start(): void {}

/**
 * Makes a project whose first commit is on the remote main branch. It is deleted after the test.
 *
 * @param make  what the project has behind it; done once for all tests of a file
 */
export function createProject(make: MakeProject = start): Project {
  const root = scratch()
  cpSync(originals.get(make) ?? makeOriginal(make), root, { recursive: true })
  return projectAt(root)
}

function makeOriginal(make: MakeProject): string {
  const root = newOriginal(make)
  cpSync(originals.get(start) ?? '', root, { recursive: true })
  make(projectAt(root))
  return root
}

function projectAt(root: string): Project {
  const git = (...args: string[]) => runGit(root, args)
  // Files of git are read and written here where a process of its own would take most of the time.
  const refPath = (name: string) => join(root, '.git', 'refs', ...name.split('/'))
  const head = () => readFileSync(refPath('heads/main'), 'utf8').trim()
  const setRef = (name: string) => {
    mkdirSync(dirname(refPath(name)), { recursive: true })
    writeFileSync(refPath(name), `${head()}\n`)
  }
  const commit = (changes: Record<string, string>) => {
    const hasNewFile = Object.keys(changes).some((path) => !existsSync(join(root, path)))
    writeFiles(root, changes)
    if (hasNewFile) git('add', '--all')
    git('commit', '--quiet', '--all', '--allow-empty', '--message', 'Change')
    return head()
  }
  const merge = (changes: Record<string, string>) => {
    const hash = commit(changes)
    setRef('remotes/origin/main')
    return hash
  }
  return { root, git, head, tag: (name) => setRef(`tags/${name}`), commit, merge }
}

/** Removes a file of a project. */
export const remove = ({ root }: Project, path: string): void => rmSync(join(root, path))

function runGit(cwd: string, args: string[]): string {
  const identity = { NAME: 'Octo', EMAIL: 'octo@example.com' }
  const env = Object.fromEntries(
    ['AUTHOR', 'COMMITTER'].flatMap((role) =>
      Object.entries(identity).map(([field, value]) => [`GIT_${role}_${field}`, value]),
    ),
  )
  const settings = { GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' }
  const { status, stdout, stderr } = spawnSync('git', args, {
    cwd,
    env: { ...process.env, ...settings, ...env },
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`git ${args.join(' ')}: ${stderr}`)
  return stdout.trimEnd()
}
