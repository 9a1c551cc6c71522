// Cases of files that the action replaces while another program has them open, as virus scanners and backups do.

import assert from 'node:assert/strict'
import { closeSync, constants, openSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { SandboxServer } from '../../src/sandbox/server.ts'
import type { StepOptions, StepResult } from '../../test/e2e/step-files.ts'
import { assertEachOnce, assertRotated, invoiceBatch, rotationBatch } from './batches.ts'
import { type Case, isWindows, type Trial } from './trial.ts'

/**
 * Flags that open a file without sharing it: Windows refuses to replace, delete or open it meanwhile.
 * `UV_FS_O_EXLOCK` of Windows, see https://docs.libuv.org/en/v1.x/fs.html#c.UV_FS_O_EXLOCK
 */
const unshared = constants.O_RDONLY | (isWindows ? 0x10000000 : 0)

/** Opens a file unshared, as soon as no other program has it open. */
async function openUnshared(path: string): Promise<number> {
  for (let tries = 0; ; tries++) {
    try {
      return openSync(path, unshared)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EBUSY' || tries === 100) throw error
      await pause(10)
    }
  }
}

/** How long a reader keeps a file open on Windows after its replacement is ready. The action tries for 2 s to replace it. */
const heldMs = 400

/** The file that replaces another one. */
interface Replacement {
  readonly path: string
  /** It is complete when it is larger. */
  readonly minBytes: number
}

/** Resolves when a replacement is complete. */
async function isComplete({ path, minBytes }: Replacement): Promise<void> {
  while ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) <= minBytes) await pause(5)
}

interface Reading {
  readonly text: string
  /** With which code the system refuses to replace the file meanwhile; undefined if it does not. */
  readonly refusal: string | undefined
}

/**
 * Keeps a file open from now on: on Windows until its replacement has been ready for a while, elsewhere until the step has
 * ended.
 *
 * @param onOpen  called once the file is open
 */
async function holdOpen(
  path: string,
  replacement: Replacement,
  stepEnds: Promise<unknown>,
  onOpen: () => void,
): Promise<Reading> {
  const descriptor = await openUnshared(path)
  onOpen()
  try {
    if (!isWindows) {
      await stepEnds
      return { text: readFileSync(descriptor, 'utf8'), refusal: undefined }
    }
    const probe = `${path}.probe`
    writeFileSync(probe, '')
    const refusal = codeOf(() => renameSync(probe, path))
    await Promise.race([isComplete(replacement), stepEnds])
    await pause(heldMs)
    return { text: readFileSync(descriptor, 'utf8'), refusal }
  } finally {
    closeSync(descriptor)
  }
}

/** Runs a step that replaces a file, which a reader opens when the first request arrives. */
async function runWithReader(
  trial: Trial,
  server: SandboxServer,
  options: StepOptions,
  path: string,
  replacement: Replacement,
): Promise<{ step: StepResult; reading: Reading }> {
  const reading = Promise.withResolvers<Reading>()
  const isOpen = Promise.withResolvers<void>()
  let isFirst = true
  server.faults = async () => {
    if (isFirst) holdOpen(path, replacement, done, isOpen.resolve).then(reading.resolve, reading.reject)
    isFirst = false
    await Promise.race([isOpen.promise, reading.promise])
    return undefined
  }
  const { done } = trial.start(options)
  return { step: await done, reading: await reading.promise }
}

function codeOf(act: () => void): string | undefined {
  try {
    act()
    return undefined
  } catch (error) {
    return (error as NodeJS.ErrnoException).code
  }
}

const noteOf = ({ refusal }: Reading) =>
  refusal === undefined ? 'the system lets open files be replaced' : `${refusal} for ${heldMs} ms`

async function tokensAreReplaced(trial: Trial): Promise<string> {
  const server = await trial.startServer()
  const { options, names, newTokens } = rotationBatch(trial, server)
  const files = { ...options.files, 'new.json': '{"icfg_1":"a-token-of-before"}' }
  const given = { ...options, files }
  const replacement = { path: `${newTokens}.tmp`, minBytes: 0 }
  const { step, reading } = await runWithReader(trial, server, given, newTokens, replacement)
  assertRotated(step, server, names, newTokens)
  assert.deepEqual(JSON.parse(reading.text), { icfg_1: 'a-token-of-before' })
  return noteOf(reading)
}

async function reportIsReplaced(trial: Trial): Promise<string> {
  const server = await trial.startServer()
  const { options } = invoiceBatch(trial, server, { 'report-file': 'report.csv' })
  const report = join(options.workspace, 'report.csv')
  const given = { ...options, files: { ...options.files, 'report.csv': 'a report of before' } }
  // It has its header from the beginning, and its rows at the end.
  const replacement = { path: `${report}.vercel-marketplace.tmp`, minBytes: 1000 }
  const { step, reading } = await runWithReader(trial, server, given, report, replacement)
  assertEachOnce(step, server)
  assert.equal(reading.text, 'a report of before')
  assert.match(readFileSync(report, 'utf8'), /^line,.*\r\n1,/)
  return noteOf(reading)
}

export const replacementCases: readonly Case[] = [
  ['a file of new tokens is replaced while a reader has it open', tokensAreReplaced],
  ['a report is replaced while a reader has it open', reportIsReplaced],
]
