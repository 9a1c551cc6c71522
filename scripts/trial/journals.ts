// Cases of a journal that two runs use at once, under each name that leads to one file, and of names that lead to none.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { type BigIntStats, existsSync, linkSync, statSync, symlinkSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import type { SandboxServer } from '../../src/sandbox/server.ts'
import type { StepOptions } from '../../test/e2e/step-files.ts'
import { assertEachOnce, assertRotated, invoiceBatch, rotationBatch } from './batches.ts'
import { pipesOfWindows } from './pipes.ts'
import { type Case, isWindows, NotPossible, type RunningStep, type Trial } from './trial.ts'

/** Starts a step, and resolves when its first request has arrived, which gets no response before `go` is called. */
async function startAndHold(trial: Trial, server: SandboxServer, options: StepOptions) {
  const arrived = Promise.withResolvers<void>()
  const gate = Promise.withResolvers<undefined>()
  server.faults = () => {
    arrived.resolve()
    return gate.promise
  }
  const step: RunningStep = trial.start(options)
  await Promise.race([arrived.promise, step.done])
  return { ...step, go: () => gate.resolve(undefined) }
}

/** The lock of a file has the name of its identity. */
function assertOneIdentity(path: string, other: string): void {
  const [one, two] = [path, other].map((name) => statSync(name, { bigint: true })) as [BigIntStats, BigIntStats]
  assert.deepEqual([two.dev, two.ino], [one.dev, one.ino], 'the two names lead to files with different identities')
}

/** Runs a batch under one name of its journal while another run uses it under another one. */
async function secondRunIsRefused(trial: Trial, name: (path: string) => string): Promise<string | undefined> {
  const server = await trial.startServer()
  const { options: batch, journal } = invoiceBatch(trial, server)
  const pipes = await pipesOfWindows()
  const options = { ...batch, ...pipes }
  const first = await startAndHold(trial, server, options)
  const other = name(journal)
  const path = resolve(options.workspace, other)
  if (!existsSync(path)) throw new NotPossible('the name leads to no file')
  assertOneIdentity(journal, path)
  const sent = server.arrivals.length
  const second = await trial.run({ ...options, files: {}, with: { ...options.with, 'journal-file': other } })
  assert.equal(second.code, 1)
  assert.equal(second.outputs.errorCode, 'journal_unusable')
  assert.match(second.errors[0] ?? '', /is in use by another run\. Wait until that run has ended/)
  // Requests of the first run may still arrive, up to its concurrency.
  assert.ok(server.arrivals.length <= sent + 4, 'the second run has sent requests')
  first.go()
  assertEachOnce(await first.done, server)
  return pipes?.note
}

async function secondRotationIsRefused(trial: Trial): Promise<string | undefined> {
  const server = await trial.startServer()
  const { options: batch, names, newTokens } = rotationBatch(trial, server)
  const pipes = await pipesOfWindows()
  const options = { ...batch, ...pipes }
  const first = await startAndHold(trial, server, options)
  const second = await trial.run({
    ...options,
    files: {},
    with: { ...options.with, 'journal-file': 'other.ndjson' },
  })
  assert.equal(second.code, 1)
  assert.match(second.errors[0] ?? '', /in use by another run/)
  first.go()
  assertRotated(await first.done, server, names, newTokens)
  return pipes?.note
}

function linked(link: typeof linkSync | typeof symlinkSync) {
  return (path: string) => {
    const other = join(dirname(path), 'link.ndjson')
    try {
      link(path, other)
    } catch (error) {
      throw new NotPossible((error as Error).message)
    }
    return other
  }
}

/** The short name of MS-DOS, such as `JOURNA~1.NDJ`. Windows makes them on some drives only. */
function shortName(path: string): string {
  const long = join(dirname(path), 'journal with a long name.ndjson')
  linkSync(path, long)
  const command = `for %A in ("${long}") do @echo %~sA`
  const { stdout } = spawnSync('cmd.exe', ['/d', '/c', command], { windowsVerbatimArguments: true, encoding: 'utf8' })
  const short = stdout.trim()
  if (basename(short) === basename(long)) throw new NotPossible('this drive has no short names')
  return short
}

/** A name with a letter that Unicode can write in two ways, in the way that the file system does not have. */
function decomposed(path: string): string {
  linkSync(path, join(dirname(path), 'm\u00e4rz.ndjson'))
  return join(dirname(path), 'ma\u0308rz.ndjson')
}

/** The names by which a run can reach the journal of another. */
const everywhere: readonly (readonly [name: string, of: (path: string) => string])[] = [
  ['its own name', (path) => path],
  ['a relative name', (path) => join('..', relative(dirname(dirname(dirname(path))), path))],
  ['a hard link', linked(linkSync)],
  ['a symbolic link', linked(symlinkSync)],
]
const onWindows: typeof everywhere = [
  ['a name with other capitals', (path) => path.toUpperCase()],
  ['a name with forward slashes', (path) => path.replaceAll('\\', '/')],
  ['a name that begins with \\\\?\\', (path) => `\\\\?\\${path}`],
  ['its short name', shortName],
]
const onMac: typeof everywhere = [
  ['a name with other capitals', (path) => join(dirname(path), basename(path).toUpperCase())],
  ['a name in another form of Unicode', decomposed],
]
const names = [...everywhere, ...(isWindows ? onWindows : []), ...(process.platform === 'darwin' ? onMac : [])]

/** Windows limits a path to 260 characters, unless a program asks for more. */
async function longPathIsUsed(trial: Trial): Promise<string> {
  const server = await trial.startServer()
  const name = join('a'.repeat(120), 'b'.repeat(120), 'journal.ndjson')
  const { options } = invoiceBatch(trial, server, { 'journal-file': name })
  assertEachOnce(await trial.run(options), server)
  const again = await trial.run(options)
  assertEachOnce(again, server)
  assert.equal(again.outputs.succeeded, '0')
  return `${join(options.workspace, name).length} characters`
}

async function streamIsRefused(trial: Trial): Promise<undefined> {
  if (!isWindows) throw new NotPossible('only Windows has streams')
  const server = await trial.startServer()
  for (const name of ['journal:stream.ndjson', join(trial.folder, 'journal:stream.ndjson')]) {
    const { options } = invoiceBatch(trial, server, { 'journal-file': name })
    const step = await trial.run(options)
    assert.equal(step.code, 1)
    assert.match(step.errors[0] ?? '', /must not contain a colon\. Use a name without a colon/)
  }
  assert.equal(server.arrivals.length, 0)
}

export const journalCases: readonly Case[] = [
  ...names.map(
    ([name, of]): Case => [
      `a second run on a journal is refused, by ${name}`,
      (trial: Trial) => secondRunIsRefused(trial, of),
    ],
  ),
  ['a second run on a file of new tokens is refused', secondRotationIsRefused],
  ['a journal with a long path is written and resumed', longPathIsUsed],
  ['a journal in a stream of another file is refused', streamIsRefused],
]
