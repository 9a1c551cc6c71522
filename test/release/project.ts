// A small project in a git repository, in which tests make releases.

import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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
  /** Changes files and commits them. Returns the commit. */
  commit(changes: Record<string, string>): string
  /** Changes files and commits them on the main branch of the remote repository. Returns the commit. */
  merge(changes: Record<string, string>): string
}

/** The project at its start. Copies of it save most calls of git. */
let template = ''

/** Makes the template of all projects of a test file, which calls this once. */
export function prepareProjects(): void {
  beforeAll(() => {
    template = mkdtempSync(join(tmpdir(), 'project-'))
    writeFiles(template, files)
    runGit(template, ['init', '--quiet', '--initial-branch=main'])
    runGit(template, ['add', '--all'])
    runGit(template, ['commit', '--quiet', '--message', 'Start'])
    runGit(template, ['update-ref', 'refs/remotes/origin/main', 'HEAD'])
  })
  afterAll(() => rmSync(template, { recursive: true }))
}

/** Makes a project whose first commit is on the remote main branch. It is deleted after the test. */
export function createProject(): Project {
  const root = scratch()
  cpSync(template, root, { recursive: true })
  const git = (...args: string[]) => runGit(root, args)
  const commit = (changes: Record<string, string>) => {
    writeFiles(root, changes)
    git('add', '--all')
    git('commit', '--quiet', '--allow-empty', '--message', 'Change')
    return git('rev-parse', 'HEAD')
  }
  const merge = (changes: Record<string, string>) => {
    const hash = commit(changes)
    git('update-ref', 'refs/remotes/origin/main', 'HEAD')
    return hash
  }
  return { root, git, commit, merge }
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
