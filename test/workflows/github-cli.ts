// Simulates the commands of GitHub's CLI that the workflows use, as a program for the shells of a job.

import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ArtifactStore } from './artifacts.ts'

/** A run as the CLI lists it. */
export interface ListedRun extends ArtifactStore {
  /** The file name of its workflow. */
  readonly workflow: string
  readonly branch: string
  /** Its conclusion; undefined while it runs. */
  readonly conclusion: string | undefined
  /** When it was created, as a date. */
  readonly created: string
}

/** The program. It gets the runs as JSON, newest last, and whether its token may read them. */
const program = (runs: readonly ListedRun[], canRead: boolean) => `#!${process.execPath}
const { cpSync, existsSync } = require('node:fs')
const { join } = require('node:path')
const runs = ${JSON.stringify(runs, ['id', 'workflow', 'branch', 'conclusion', 'created', 'artifacts'])}
const [command, verb, ...rest] = process.argv.slice(2)
const fail = (message) => { console.error(message); process.exit(1) }
if (!process.env.GH_TOKEN) fail('gh: To use GitHub CLI in a GitHub Actions workflow, set the GH_TOKEN environment variable.')
if (!${canRead}) fail('gh: Resource not accessible by integration (HTTP 403)')
const option = (name) => { const index = rest.indexOf(name); return index < 0 ? undefined : rest[index + 1] }
const repository = option('--repo')
if (command === 'run' && repository !== 'octo-org/octo-repo') fail('no repository')
if (command === 'run' && verb === 'list') {
  if (option('--json') !== 'databaseId' || option('--jq') !== '.[].databaseId') fail('not simulated')
  const wanted = (run) =>
    run.workflow === option('--workflow') && run.branch === option('--branch') &&
    (option('--status') === 'success' ? run.conclusion === 'success' : run.conclusion !== undefined) &&
    '>=' + run.created >= (option('--created') ?? '')
  const found = runs.filter(wanted).reverse().slice(0, Number(option('--limit')))
  for (const { id } of found) console.log(id)
} else if (command === 'run' && verb === 'download') {
  const run = runs.find(({ id }) => String(id) === rest[0])
  const source = run && join(run.artifacts, option('--name'))
  if (!source || !existsSync(source)) fail('no artifact matches any of the names or patterns provided')
  cpSync(source, option('--dir'), { recursive: true })
} else if (command === 'api' && verb === '--method' && rest[0] === 'GET' && option('--jq') === '.total_count') {
  const [, id] = /^repos\\/octo-org\\/octo-repo\\/actions\\/runs\\/(\\d+)\\/artifacts$/.exec(rest[1]) ?? fail('gh: Not Found (HTTP 404)')
  const run = runs.find((one) => String(one.id) === id) ?? fail('gh: Not Found (HTTP 404)')
  const [, name] = /^name=(.+)$/.exec(option('--raw-field')) ?? fail('not simulated')
  console.log(existsSync(join(run.artifacts, name)) ? 1 : 0)
} else fail('not simulated: ' + process.argv.slice(2).join(' '))
`

/** Installs the program in a folder for PATH. */
export function installGitHubCli(folder: string, runs: readonly ListedRun[], canRead: boolean): void {
  mkdirSync(folder, { recursive: true })
  const path = join(folder, 'gh.cjs')
  writeFileSync(path, program(runs, canRead))
  writeFileSync(join(folder, 'gh'), `#!/bin/sh\nexec '${process.execPath}' '${path}' "$@"\n`)
  chmodSync(join(folder, 'gh'), 0o755)
}
