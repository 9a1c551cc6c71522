// Cases of batches: killed and resumed, with journals that end in the middle of a line, and from files of Windows.

import assert from 'node:assert/strict'
import { readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { SandboxServer } from '../../src/sandbox/server.ts'
import { arrivalsByLine, bills, hasWorked, installations, ndjson, records } from '../../test/e2e/batch-records.ts'
import type { StepOptions, StepResult } from '../../test/e2e/step-files.ts'
import { examplePayload } from '../../test/example-payloads.ts'
import type { Case, Trial } from './trial.ts'

export const count = 30

/** A batch of invoices, whose runs share a workspace. */
export function invoiceBatch(trial: Trial, server: SandboxServer, inputs: Record<string, string> = {}) {
  const workspace = join(trial.folder, 'workspace')
  const options = {
    workspace,
    files: { 'batch.ndjson': ndjson(records(bills, count, installations(7))) },
    with: {
      operation: 'submitInvoice',
      token: 'token-for-all-1',
      'batch-file': 'batch.ndjson',
      'journal-file': join('journals', 'j.ndjson'),
      concurrency: '4',
      'api-url': server.url,
      ...inputs,
    },
  } satisfies StepOptions
  return { options, journal: join(workspace, 'journals', 'j.ndjson') }
}

/** Checks that a batch is complete, and that the server did the work of each record once. */
export function assertEachOnce(step: StepResult, server: SandboxServer): void {
  assert.equal(step.outputs.errorMessage ?? '', '')
  assert.equal(step.code, 0)
  assert.equal(step.outputs.status, 'succeeded')
  const lines = arrivalsByLine(server.arrivals)
  assert.equal(lines.size, count)
  for (const [line, arrivals] of lines) {
    assert.equal(arrivals.filter(hasWorked).length, 1, `line ${line} was not billed exactly once`)
  }
}

/** Runs a batch, and kills it when this many requests have arrived. */
async function runAndKill(trial: Trial, server: SandboxServer, options: StepOptions, requests: number): Promise<void> {
  const { child, done } = trial.start(options)
  const from = server.arrivals.length
  server.faults = () => {
    const arrived = server.arrivals.length - from
    if (arrived < requests) return undefined
    child.kill('SIGKILL')
    // The server does the work of some of the requests that are in flight.
    return { type: 'drop', work: arrived % 2 === 0 }
  }
  const { outputs } = await done
  server.faults = () => undefined
  assert.deepEqual(outputs, {}, 'the step was not killed')
}

async function killedBatchResumes(trial: Trial): Promise<string> {
  const server = await trial.startServer()
  const { options } = invoiceBatch(trial, server)
  const kills = [5, 1, 9]
  for (const requests of kills) await runAndKill(trial, server, options, requests)
  const last = await trial.run(options)
  assertEachOnce(last, server)
  const again = await trial.run(options)
  assertEachOnce(again, server)
  assert.equal(again.outputs.skipped, String(count))
  return `killed ${kills.length} times`
}

async function tornLastLineResumes(trial: Trial): Promise<undefined> {
  const server = await trial.startServer()
  const { options, journal } = invoiceBatch(trial, server)
  await runAndKill(trial, server, options, 9)
  // The last outcome that was written is torn: its request was sent, and may have arrived.
  const text = readFileSync(journal, 'utf8')
  const outcome = text.lastIndexOf('{"event":"succeeded"')
  assert.ok(outcome > 0, 'no record had succeeded')
  truncateSync(journal, outcome + 25)
  assertEachOnce(await trial.run(options), server)
}

async function tornHeaderResumes(trial: Trial): Promise<undefined> {
  const server = await trial.startServer()
  const { options, journal } = invoiceBatch(trial, server)
  await runAndKill(trial, server, options, 1)
  const [header = ''] = readFileSync(journal, 'utf8').split('\n')
  // A batch of other invoices that was killed before it sent anything.
  writeFileSync(journal, header.slice(0, 40))
  const others = installations(3).map((name) => `${name}_other`)
  const files = { 'batch.ndjson': ndjson(records(bills, count, others)) }
  const sent = server.arrivals.length
  const step = await trial.run({ ...options, files })
  assertEachOnce(step, { ...server, arrivals: server.arrivals.slice(sent) })
}

async function windowsFilesAreRead(trial: Trial): Promise<undefined> {
  const server = await trial.startServer()
  const { options } = invoiceBatch(trial, server)
  const lines = records(bills, count, installations(7)).map((record) => ({ ...record, token: { $file: 'token.txt' } }))
  const digests = []
  for (const [end, mark] of [
    ['\n', ''],
    ['\r\n', '\uFEFF'],
  ] as const) {
    const batch = mark + ndjson(lines).replaceAll('\n', end)
    const files = { 'batch.ndjson': batch, 'token.txt': `token-from-a-file${end}` }
    const plan = await trial.run({ ...options, files, with: { ...options.with, 'dry-run': 'true' } })
    digests.push(plan.outputs.digest)
  }
  assert.match(digests[0] ?? '', /^sha256:/)
  assert.equal(digests[1], digests[0], 'CRLF and a byte order mark change the digest')
  // With the files as they are now, with CRLF.
  assertEachOnce(await trial.run({ ...options, files: {} }), server)
  for (const { headers } of server.arrivals) assert.equal(headers.authorization, 'Bearer token-from-a-file')
}

/** A batch of rotations, with the file of the new tokens in its workspace. */
export function rotationBatch(trial: Trial, server: SandboxServer) {
  const workspace = join(trial.folder, 'workspace')
  const names = installations(8)
  const { body } = examplePayload('rotateInstallationCredential')
  const options = {
    workspace,
    files: {
      'batch.ndjson': ndjson(names.map((integrationConfigurationId) => ({ integrationConfigurationId, ...body }))),
      'tokens.json': JSON.stringify(Object.fromEntries(names.map((name) => [name, `old-token-of-${name}`]))),
    },
    with: {
      operation: 'rotateInstallationCredential',
      'batch-file': 'batch.ndjson',
      'tokens-file': 'tokens.json',
      'journal-file': 'j.ndjson',
      'new-tokens-file': 'new.json',
      'revoke-previous': 'true',
      concurrency: '2',
      'api-url': server.url,
    },
  } satisfies StepOptions
  return { options, names, newTokens: join(workspace, 'new.json') }
}

/** Checks that each installation was rotated once, its new token is in the file, and its old one was revoked. */
export function assertRotated(step: StepResult, server: SandboxServer, names: readonly string[], file: string): void {
  assert.equal(step.outputs.errorMessage ?? '', '')
  assert.equal(step.code, 0)
  const tokens = JSON.parse(readFileSync(file, 'utf8'))
  assert.deepEqual(Object.keys(tokens).sort(), names.toSorted())
  for (const operation of ['rotateInstallationCredential', 'revokeInstallationCredential']) {
    const arrivals = server.arrivals.filter((arrival) => arrival.operation === operation)
    assert.equal(arrivals.filter(hasWorked).length, names.length, `${operation} was not done once per installation`)
  }
}

async function batchIsRotated(trial: Trial): Promise<undefined> {
  const server = await trial.startServer()
  const { options, names, newTokens } = rotationBatch(trial, server)
  assertRotated(await trial.run(options), server, names, newTokens)
}

export const batchCases: readonly Case[] = [
  ['a batch that is killed and run again bills each record once', killedBatchResumes],
  ['a journal with a torn last line is resumed', tornLastLineResumes],
  ['a journal with a torn header is begun again', tornHeaderResumes],
  ['a batch file with CRLF and a byte order mark, whose token is in a file with CRLF', windowsFilesAreRead],
  ['a batch of rotations writes its new tokens', batchIsRotated],
]
