// What the project's own workflows may do.

import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { referringFiles, repository } from '../../scripts/repository.ts'
import { root } from '../docs/links.ts'
import { scratch, writeFiles } from '../e2e/step.ts'

interface Step {
  readonly uses?: string
  readonly run?: string
  readonly with?: Record<string, unknown>
}
interface Job {
  readonly permissions?: Record<string, string>
  readonly needs?: string | readonly string[]
  readonly environment?: unknown
  readonly steps?: readonly Step[]
}

const read = (path: string) => readFileSync(join(root, path), 'utf8')
const workflows = readdirSync(join(root, '.github', 'workflows'))
const jobsOf = (workflow: string) =>
  Object.entries((parse(read(`.github/workflows/${workflow}`)) as { jobs: Record<string, Job> }).jobs)
const jobs = workflows.flatMap((workflow) => jobsOf(workflow).map(([id, job]) => ({ workflow, id, ...job })))
const release = Object.fromEntries(jobsOf('release.yml'))

/** The references of a text to actions of others, `owner/name`, with their ref and the version in the comment. */
const references = (text: string) =>
  [...text.matchAll(/\buses: ([\w.-]+\/[\w.-]+)(?:\/[\w./-]+)?@([^\s,}]+)(?: +# (\S+))?/g)]
    .map(([, action = '', ref = '', version = '']) => ({ action, ref, version }))
    .filter(({ action }) => action !== repository.name)

/** Runs a script as GitHub's runner does. */
const bash = (script: string | undefined, cwd: string, env: Record<string, string> = {}) =>
  spawnSync('bash', ['--noprofile', '--norc', '-e', '-o', 'pipefail', '-c', script ?? ''], {
    cwd,
    env: { ...env, PATH: `${cwd}/bin:${process.env.PATH}` },
    encoding: 'utf8',
  })

// These workflows are being rewritten.
const old = ['billing.yml', 'rotate-secrets.yml', 'follow-up.yml'].map((name) => `.github/workflows/${name}`)

test('every action has one version in the whole project, pinned by its commit', () => {
  const pins = new Map<string, Set<string>>()
  for (const path of referringFiles.filter((path) => !old.includes(path))) {
    for (const { action, ref, version } of references(read(path))) {
      expect.soft(`${path}: ${action}@${ref} # ${version}`).toMatch(/@[0-9a-f]{40} # v\d+\.\d+\.\d+$/)
      pins.set(action, (pins.get(action) ?? new Set()).add(`${ref} # ${version}`))
    }
  }
  expect([...pins].filter(([, refs]) => refs.size > 1)).toEqual([])
  expect([...pins.keys()]).toEqual(expect.arrayContaining(['actions/checkout', 'actions/upload-artifact']))
})

test('no checkout leaves credentials behind', () => {
  const checkouts = jobs.flatMap(({ steps = [] }) => steps.filter(({ uses }) => uses?.startsWith('actions/checkout@')))
  expect(checkouts.filter((step) => step.with?.['persist-credentials'] !== false)).toEqual([])
  expect(checkouts.length).toBeGreaterThan(4)
})

test('only these jobs may write, and that only', () => {
  const writing = jobs.flatMap(({ workflow, id, permissions = {} }) => {
    const scopes = Object.keys(permissions).filter((scope) => permissions[scope] === 'write')
    return scopes.length === 0 ? [] : [`${workflow} ${id}: ${scopes.join(', ')}`]
  })
  expect(writing.sort()).toEqual([
    'codeql.yml analyze: security-events',
    'release.yml attest: id-token, attestations',
    'release.yml publish: contents',
    'scorecard.yml analyze: security-events, id-token',
  ])
})

test('a job that may write runs no code of the project or of its packages', () => {
  const running = jobs.filter(
    ({ permissions = {}, steps = [] }) =>
      Object.values(permissions).includes('write') &&
      steps.some(({ uses = '', run = '' }) => uses.startsWith('./') || /\b(npm|npx|node|scripts|src)\b/.test(run)),
  )
  expect(running).toEqual([])
})

test('Scorecard accepts its workflow: a job of known actions only', () => {
  const [[, { steps = [] }] = ['', {}]] = jobsOf('scorecard.yml')
  expect(steps.map(({ uses }) => uses?.split('@')[0])).toEqual([
    'actions/checkout',
    'ossf/scorecard-action',
    'github/codeql-action/upload-sarif',
  ])
})

test('CI checks the pins, in a clone with the whole history', () => {
  const [[, { steps = [] }] = ['', {}]] = jobsOf('ci.yml')
  expect(steps[0]?.with).toMatchObject({ 'fetch-depth': 0 })
  expect(steps.map(({ run }) => run)).toContain('npm run release -- check')
})

test('CI tries the built action on each system that the README names', () => {
  const { trial } = Object.fromEntries(jobsOf('ci.yml'))
  expect(trial).toMatchObject({
    'runs-on': '${{ matrix.os }}',
    strategy: { 'fail-fast': false, matrix: { os: ['ubuntu-latest', 'windows-latest', 'macos-latest'] } },
  })
  const commands = trial?.steps?.map(({ run }) => run)
  expect(commands).toEqual(expect.arrayContaining(['npm ci', 'npm run trial']))
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
  expect(scripts.trial).toBe('node scripts/trial.ts')
  // The trial names this version to those who do not have the package.
  const [koffi] = /koffi@[\d.]+/.exec(read('scripts/trial/console-event.ts')) ?? []
  expect(commands).toContain(`npm install --no-save --ignore-scripts ${koffi}`)
  expect(read('scripts/trial-windows.ts')).toContain(`'${koffi}'`)
})

describe('a release', () => {
  test('is published after it was built, tested, checked and attested', () => {
    expect(release.attest?.needs).toBe('build')
    expect(release.publish).toMatchObject({ needs: ['build', 'attest'], environment: 'release' })
    const lines = release.build?.steps?.flatMap(({ run = '' }) => run.split('\n')) ?? []
    const steps = ['npm ci', 'npm test', 'npm run build', 'npm run release -- check "$TAG" --notes notes.md']
    expect(lines.filter((line) => steps.includes(line))).toEqual(steps)
  })

  test('is attested only if dist/ of the tag is what was built', () => {
    const steps = release.attest?.steps ?? []
    const compare = steps.findIndex(({ run }) => run === 'diff -r built/dist dist')
    expect(compare).toBeGreaterThan(0)
    expect(steps.findIndex(({ uses }) => uses?.startsWith('actions/attest@'))).toBeGreaterThan(compare)
    const compared = (built: string) => {
      const folder = scratch()
      writeFiles(folder, { 'dist/index.js': 'a', 'built/dist/index.js': built })
      return bash(steps[compare]?.run, folder).status
    }
    expect([compared('a'), compared('b')]).toEqual([0, 1])
  })
})

describe('the commands of SECURITY.md', () => {
  const [, block = ''] = /```sh\n([\s\S]*?)```/.exec(read('SECURITY.md')) ?? []

  test('verify the tag, and each file that a release attests', () => {
    const folder = scratch()
    const fake = (name: string, rest = '') => `#!/bin/sh\nprintf '${name} %s\\n' "$*" >> ${folder}/calls\n${rest}`
    writeFiles(folder, {
      calls: '',
      'bin/gh': fake('gh'),
      'bin/npm': fake('npm'),
      'bin/git': fake(
        'git',
        'case "$1" in clone) mkdir -p "$5/dist"; touch "$5/action.yml" "$5/dist/1.js" "$5/dist/index.js" ;; esac\n',
      ),
    })
    const { status, stderr } = bash(block, folder)
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    const signer = `--signer-workflow ${repository.name}/.github/workflows/release.yml --source-ref refs/tags/v1.2.3`
    expect(readFileSync(join(folder, 'calls'), 'utf8').trimEnd().split('\n')).toEqual([
      `git clone --branch v1.2.3 https://github.com/${repository.name} verified`,
      `gh release verify v1.2.3 --repo ${repository.name}`,
      'git rev-parse HEAD',
      ...['action.yml', 'dist/1.js', 'dist/index.js'].map(
        (file) => `gh attestation verify ${file} --repo ${repository.name} ${signer}`,
      ),
      'npm ci',
      'npm run build',
      'git status --porcelain dist',
    ])
  })

  test('verify the same files as a release attests', () => {
    const attest = release.attest?.steps?.find(({ uses }) => uses?.startsWith('actions/attest@'))
    const [, verified = ''] = /^for file in (.*); do$/m.exec(block) ?? []
    expect(String(attest?.with?.['subject-path']).trim().split('\n').sort()).toEqual(verified.split(' ').sort())
  })
})

describe('the step that publishes', () => {
  const commit = '0123456789abcdef0123456789abcdef01234567'
  const next = { PRERELEASE: 'false', LATEST: 'true', MAJOR_TAG: 'v1' }
  const [, publish] = release.publish?.steps ?? []

  /** A `gh` that notes its calls. `world` has the commit of the tag, whether there is a release, and whether there is v1. */
  const fakeGh = `#!/bin/bash
printf '%s\\n' "$*" >> calls
case "$*" in
  *"--jq .sha") echo "$TAG_COMMIT" ;;
  "release view "*) test -n "$HAS_RELEASE" ;;
  *"PATCH"*) test -n "$HAS_MAJOR_TAG" ;;
esac
`

  function run(outputs: Record<string, string>, world: Record<string, string> = {}) {
    const folder = scratch()
    writeFiles(folder, { 'bin/gh': fakeGh, calls: '', 'notes.md': '- It bills.\n' })
    const { status, stdout } = bash(publish?.run, folder, {
      GH_REPO: 'octo-org/octo-action',
      TAG: 'v1.1.0',
      COMMIT: commit,
      TAG_COMMIT: commit,
      HAS_MAJOR_TAG: 'yes',
      ...outputs,
      ...world,
    })
    // The first call asks for the tag, and the second one for the release.
    const calls = readFileSync(join(folder, 'calls'), 'utf8').trimEnd().split('\n')
    return { status, stdout, writes: calls.filter((call) => !/--jq|release view/.test(call)) }
  }

  const create = (prerelease: boolean, latest: boolean) =>
    `release create v1.1.0 --verify-tag --title v1.1.0 --notes-file notes.md --prerelease=${prerelease} --latest=${latest}`
  const move = `api --silent --method PATCH repos/octo-org/octo-action/git/refs/tags/v1 -f sha=${commit} -F force=true`

  test('creates the release, and moves the tag of the major version', () => {
    expect(run(next)).toMatchObject({ status: 0, writes: [create(false, true), move] })
  })

  test('creates the tag of the major version with its first release', () => {
    const first = `api --silent --method POST repos/octo-org/octo-action/git/refs -f ref=refs/tags/v1 -f sha=${commit}`
    expect(run(next, { HAS_MAJOR_TAG: '' })).toMatchObject({ status: 0, writes: [create(false, true), move, first] })
  })

  test.each([
    ['a pre-release', { PRERELEASE: 'true', LATEST: 'false', MAJOR_TAG: '' }, create(true, false)],
    ['an old version', { PRERELEASE: 'false', LATEST: 'false', MAJOR_TAG: '' }, create(false, false)],
  ])('moves no tag for %s', (_, outputs, created) => {
    expect(run(outputs)).toMatchObject({ status: 0, writes: [created] })
  })

  test('goes on after a run that created the release and could not move the tag', () => {
    expect(run(next, { HAS_RELEASE: 'yes' })).toMatchObject({ status: 0, writes: [move] })
  })

  test('does nothing if the tag was moved meanwhile', () => {
    const { status, stdout, writes } = run(next, { TAG_COMMIT: commit.replace('0', 'f') })
    expect({ status, writes }).toEqual({ status: 1, writes: [] })
    expect(stdout).toContain('::error::The tag v1.1.0 was moved')
  })
})
