// Batches of rotations: however they end, each installation has a live credential, and the file has every new token that
// is in use.

import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { randomFrom } from '../../bench/random.ts'
import { apiOf } from '../../src/operations/request-digest.ts'
import { decrypt } from '../../src/payload/age.ts'
import { readAgeKey } from '../../src/payload/age-key.ts'
import { fingerprint, recordsOf } from '../../src/sandbox/records.ts'
import type { Arrival, SandboxServer } from '../../src/sandbox/server.ts'
import { openStore } from '../../src/sandbox/store.ts'
import { encryptTo, newIdentity } from '../age.ts'
import { testBatchInputs } from '../batch/batch-runner.ts'
import { type KillableRun, startKillableBatch } from '../batch/killable-batch.ts'
import { examplePayload } from '../example-payloads.ts'
import { installationOf, installations, lastEvents, ndjson, startServer } from './batches.ts'
import { runConcurrently } from './concurrently.ts'
import { runStep, runStepInProcess, type StepOptions, type StepResult, scratch, startStep, writeFiles } from './step.ts'

const oldTokenOf = (installation: string) => `old-token-of-${installation}`
const { body: client } = examplePayload('rotateInstallationCredential')
const rotation = 'rotateInstallationCredential'
const revocation = 'revokeInstallationCredential'

interface Setup {
  readonly names: readonly string[]
  /** The file of the new tokens. */
  readonly file: string
  /** The next run may continue in another folder. */
  workspace: string
  readonly arrivals: readonly Arrival[]
  faults: SandboxServer['faults']
  onAnswer: (arrival: Arrival) => void
  readonly options: (inputs?: Record<string, string>) => StepOptions
  /** The tokens of the file. */
  readonly tokens: () => Promise<Record<string, string>>
  /** The tokens in the content of a file. */
  readonly read: (content: Buffer) => Promise<Record<string, string>>
  /** Whether a token is live at the server. */
  readonly isLive: (installation: string, token: string | undefined) => boolean
  /** The number of rotations that the server has done for an installation. */
  readonly rotationsOf: (installation: string) => number
  /** The tokens with which getAccountInfo succeeded, by installation. */
  readonly verified: Map<string, string>
}

/** @param key  an identity, with which both files of tokens are encrypted */
async function setUp(count: number, key?: string): Promise<Setup> {
  const names = installations(count)
  const store = openStore()
  const isLive = (installation: string, token: string | undefined) =>
    token !== undefined && recordsOf(store, installation).get('credential', fingerprint(token)) === 'live'
  for (const name of names) recordsOf(store, name).put('live', 'credential', fingerprint(oldTokenOf(name)))
  const verified = new Map<string, string>()
  const server = await startServer({
    store,
    faults: (arrival) => setup.faults(arrival),
    onAnswer(arrival) {
      const { operation, headers, status = 0 } = arrival
      const token = headers.authorization?.slice('Bearer '.length) ?? ''
      if (operation === 'getAccountInfo' && status < 300) verified.set(installationOf(arrival), token)
      setup.onAnswer(arrival)
    },
  })
  const oldTokens = JSON.stringify(Object.fromEntries(names.map((name) => [name, oldTokenOf(name)])))
  const tokensFile = key === undefined ? oldTokens : await encryptTo([key], oldTokens)
  const read = async (content: Buffer) =>
    JSON.parse(String(key === undefined ? content : await decrypt(content, [key])))
  const setup: Setup = {
    names,
    get file() {
      return join(setup.workspace, 'new.json')
    },
    workspace: scratch(),
    arrivals: server.arrivals,
    faults: () => undefined,
    onAnswer: () => {},
    options: (inputs = {}) => ({
      workspace: setup.workspace,
      files: {
        'b.ndjson': ndjson(names.map((integrationConfigurationId) => ({ integrationConfigurationId, ...client }))),
        'keys.json': tokensFile,
      },
      with: {
        operation: rotation,
        'api-url': server.url,
        'batch-file': 'b.ndjson',
        'tokens-file': 'keys.json',
        'journal-file': 'j.ndjson',
        'new-tokens-file': 'new.json',
        'max-attempts': '1',
        ...(key !== undefined && { 'tokens-key': key }),
        ...inputs,
      },
    }),
    tokens: async () => (existsSync(setup.file) ? read(readFileSync(setup.file)) : {}),
    read,
    isLive,
    rotationsOf: (name) =>
      server.arrivals.filter(
        (arrival) => arrival.operation === rotation && installationOf(arrival) === name && arrival.worked === 200,
      ).length,
    verified,
  }
  return setup
}

const modeOf = (path: string) => statSync(path).mode & 0o777

/** Keeps the file as it is on each request, and checks it afterwards. */
class FileChecker {
  readonly #setup: Setup
  readonly #seen: { readonly arrival: Arrival; readonly content: Buffer | undefined; readonly mode: number }[] = []

  constructor(setup: Setup) {
    this.#setup = setup
  }

  readonly look = (arrival: Arrival): void => {
    const { file } = this.#setup
    const exists = existsSync(file)
    this.#seen.push({ arrival, content: exists ? readFileSync(file) : undefined, mode: exists ? modeOf(file) : 0 })
  }

  /** @returns what was wrong with the file at any request */
  async problems(): Promise<string[]> {
    const problems: string[] = []
    let before: string[] = []
    let last: { readonly content: Buffer; readonly tokens: Record<string, string> } | undefined
    for (const { arrival, content, mode } of this.#seen) {
      try {
        if (!content) {
          problems.push('the file does not exist')
          continue
        }
        const tokens = last?.content.equals(content) ? last.tokens : await this.#setup.read(content)
        last = { content, tokens }
        if (mode !== 0o600) problems.push('others may read it')
        const lost = before.filter((name) => !Object.hasOwn(tokens, name))
        if (lost.length > 0) problems.push(`${lost} were lost`)
        before = Object.keys(tokens)
        const installation = installationOf(arrival)
        const { operation, headers } = arrival
        if (operation === revocation && headers.authorization !== `Bearer ${tokens[installation]}`) {
          problems.push(`revoked before the file had the new token of ${installation}`)
        }
      } catch (error) {
        problems.push((error as Error).message)
      }
    }
    return problems
  }
}

const identity = await newIdentity()

test.each([
  ['false', 'plain', undefined],
  ['true', 'plain', undefined],
  ['true', 'encrypted', identity],
])(
  'new-tokens-file has a live token of each installation and is valid at any time, revoke-previous %s, %s',
  async (revokes, _, key) => {
    const setup = await setUp(40, key)
    const checker = new FileChecker(setup)
    setup.faults = (arrival) => void checker.look(arrival)
    const step = await runStepInProcess(setup.options({ 'revoke-previous': revokes }))
    expect(step, step.log).toMatchObject({ code: 0, errors: [], outputs: { status: 'succeeded', succeeded: '40' } })
    expect(await checker.problems()).toEqual([])
    expect(modeOf(setup.file)).toBe(0o600)
    const tokens = await setup.tokens()
    expect(Object.keys(tokens).sort()).toEqual([...setup.names].sort())
    for (const name of setup.names) {
      expect(tokens[name]).toBe(setup.verified.get(name))
      expect(setup.isLive(name, tokens[name])).toBe(true)
      expect(setup.isLive(name, oldTokenOf(name))).toBe(revokes === 'false')
    }
    expect(readdirSync(setup.workspace).filter((name) => name.includes('tmp'))).toEqual([])
  },
)

test('the next batch can use the new file as its tokens-file', async () => {
  const setup = await setUp(3)
  await runStepInProcess(setup.options({ 'revoke-previous': 'true' }))
  const first = await setup.tokens()
  const step = await runStepInProcess(
    setup.options({ 'revoke-previous': 'true', 'tokens-file': 'new.json', 'journal-file': 'second.ndjson' }),
  )
  expect(step, step.log).toMatchObject({ code: 0, errors: [] })
  const second = await setup.tokens()
  for (const name of setup.names) {
    expect(setup.isLive(name, second[name])).toBe(true)
    expect(setup.isLive(name, first[name])).toBe(false)
  }
})

test('an existing file keeps its tokens, gets the new ones, and becomes readable only by its owner', async () => {
  const setup = await setUp(2)
  writeFileSync(setup.file, JSON.stringify({ icfg_9: 'token-of-nine', icfg_1: 'older-token-of-one' }))
  chmodSync(setup.file, 0o644)
  // A temporary file that a killed run left behind.
  writeFileSync(`${setup.file}.tmp`, '{"icfg_9": "tok', { mode: 0o644 })
  const step = await runStepInProcess(setup.options())
  expect(step).toMatchObject({ code: 0, errors: [] })
  expect(modeOf(setup.file)).toBe(0o600)
  expect(await setup.tokens()).toEqual({ icfg_9: 'token-of-nine', ...Object.fromEntries(setup.verified) })
  expect(existsSync(`${setup.file}.tmp`)).toBe(false)
})

test('an existing plain file is encrypted with its tokens, and the warning refuses it with fail-on-warning', async () => {
  const setup = await setUp(2, identity)
  const plain = JSON.stringify({ icfg_9: 'token-of-nine' })
  writeFileSync(setup.file, plain)
  const refused = await runStepInProcess(setup.options({ 'fail-on-warning': 'true' }))
  expect(refused.errors).toEqual([expect.stringContaining('new-tokens-file "new.json" is not encrypted')])
  expect(readFileSync(setup.file, 'utf8')).toBe(plain)
  expect(setup.arrivals).toEqual([])
  const step = await runStepInProcess(setup.options())
  expect(step, step.log).toMatchObject({ code: 0, errors: [] })
  expect(step.warnings).toEqual([expect.stringContaining('the batch keeps its tokens, and encrypts the file')])
  expect(await setup.tokens()).toEqual({ icfg_9: 'token-of-nine', ...Object.fromEntries(setup.verified) })
  const everything = step.lines.join() + step.summary + JSON.stringify(step.outputs)
  for (const secret of [identity, 'token-of-nine', ...setup.verified.values()]) expect(everything).not.toContain(secret)
})

test('of two batches with one file, the second rotates nothing', async () => {
  const setup = await setUp(12)
  let second: Promise<StepResult> | undefined
  const inputs = { 'revoke-previous': 'true', concurrency: '2' }
  setup.faults = async () => {
    // It has a journal of its own, so that only the file is in its way.
    second ??= runStep({ ...setup.options({ ...inputs, 'journal-file': 'second.ndjson' }), files: {} })
    await second
    return undefined
  }
  const first = await runStepInProcess(setup.options(inputs))
  const refused = await second
  expect(refused?.code).toBe(1)
  expect(refused?.errors).toEqual([expect.stringMatching(/"new\.json" is in use by another run.*Wait until that run/)])
  expect(first, first.log).toMatchObject({ code: 0, errors: [] })
  const tokens = await setup.tokens()
  for (const name of setup.names) {
    expect(setup.rotationsOf(name)).toBe(1)
    expect(setup.isLive(name, tokens[name])).toBe(true)
  }
  expect(existsSync(`${setup.file}.lock`)).toBe(false)
})

test.each([
  ['other JSON', '{"name": {"version": 1}}', /something other than tokens/],
  ['a list', '["a-token"]', /something other than tokens/],
  ['text', 'TOKEN=secret-of-a-file', /something other than tokens/],
])('the step fails if the file contains %s, and does not change it', async (_, content, error) => {
  const setup = await setUp(2)
  writeFileSync(setup.file, content, { mode: 0o644 })
  const step = await runStepInProcess(setup.options())
  expect(step.code).toBe(1)
  expect(step.outputs.errorCode).toBe('invalid_input')
  expect(step.errors).toEqual([expect.stringMatching(error)])
  expect(step.log).not.toContain('secret-of-a-file')
  expect(readFileSync(setup.file, 'utf8')).toBe(content)
  expect(modeOf(setup.file)).toBe(0o644)
  expect(setup.arrivals).toEqual([])
})

test.each<[string, string, (path: string) => void, RegExp]>([
  ['is a folder', 'new.json', (path) => mkdirSync(path), /cannot be read: EISDIR/],
  ['is below a file', 'keys.json/new.json', () => {}, /cannot be written: ENOTDIR/],
])('the step fails before the first rotation if the file %s', async (_, path, make, error) => {
  const setup = await setUp(2)
  make(join(setup.workspace, path))
  const step = await runStepInProcess(setup.options({ 'new-tokens-file': path }))
  expect(step.code).toBe(1)
  expect(step.outputs.errorCode).toBe('invalid_input')
  expect(step.errors).toEqual([expect.stringMatching(error)])
  expect(setup.arrivals).toEqual([])
})

/** Checks a batch that could not store the tokens of some installations. */
async function expectNotStored(setup: Setup, step: StepResult): Promise<void> {
  expect(step.code).toBe(1)
  expect(step.outputs, step.log).toMatchObject({ status: 'partial' })
  const events = [...lastEvents(join(setup.workspace, 'j.ndjson')).values()]
  const failed = events.filter(({ event }) => event === 'failed')
  expect(failed.length).toBeGreaterThan(0)
  for (const { message, code, installation } of failed) {
    expect(message).toMatch(
      /was verified, but could not be stored.*Both tokens work, and nothing was revoked.*run the batch again/,
    )
    expect(message).not.toContain('accessToken')
    expect(code).toBe('store_failed')
    expect(setup.isLive(String(installation), oldTokenOf(String(installation)))).toBe(true)
  }
  for (const { event, installation } of events.filter(({ installation }) => installation !== undefined)) {
    if (event === 'succeeded') expect(setup.isLive(String(installation), oldTokenOf(String(installation)))).toBe(false)
  }
}

/** Runs the batch again and checks that it completes all rotations. */
async function expectRecovery(setup: Setup, inputs: Record<string, string>): Promise<void> {
  const step = await runStepInProcess(setup.options(inputs))
  expect(step, step.log).toMatchObject({ code: 0, errors: [], outputs: { status: 'succeeded' } })
  const tokens = await setup.tokens()
  for (const name of setup.names) {
    expect(setup.isLive(name, tokens[name]), name).toBe(true)
    expect(setup.isLive(name, oldTokenOf(name)), name).toBe(false)
  }
}

test('if the disk fills up, the previous credentials stay live, and the next run completes the batch', async () => {
  const setup = await setUp(12)
  // The limit is 64 blocks, and the file has almost that size already.
  const kept: Record<string, string> = { icfg_old: 'x'.repeat(32_400) }
  writeFileSync(setup.file, JSON.stringify(kept))
  const inputs = { 'revoke-previous': 'true', concurrency: '1' }
  const wrapper = ['sh', '-c', 'ulimit -f 64; exec "$@"', 'sh']
  await expectNotStored(setup, await runStep({ ...setup.options(inputs), wrapper }))
  expect(await setup.tokens()).toMatchObject(kept)
  await expectRecovery(setup, inputs)
})

test('if the file cannot be replaced, the previous credentials stay live', async () => {
  const setup = await setUp(12)
  let verifications = 0
  const inputs = { 'revoke-previous': 'true', concurrency: '1' }
  let saved = ''
  setup.faults = ({ operation }) => {
    if (operation !== 'getAccountInfo' || ++verifications !== 5) return undefined
    saved = readFileSync(setup.file, 'utf8')
    rmSync(setup.file)
    mkdirSync(setup.file)
    return undefined
  }
  await expectNotStored(setup, await runStepInProcess(setup.options(inputs)))
  expect(Object.keys(JSON.parse(saved))).toHaveLength(4)
  rmSync(setup.file, { recursive: true })
  writeFileSync(setup.file, saved)
  setup.faults = () => undefined
  await expectRecovery(setup, inputs)
})

type Way = 'as processes' | 'in process'
type Inputs = Record<'revoke-previous' | 'concurrency', string>

/** Starts a run that can be killed, as a process or in process. */
async function startRun(way: Way, setup: Setup, inputs: Inputs, key: string | undefined): Promise<KillableRun> {
  const { workspace } = setup
  const options = setup.options(inputs)
  if (way === 'as processes') {
    const { child, done } = startStep(options)
    const kill = () => {
      child.kill('SIGKILL')
      return workspace
    }
    return { kill, ended: done.then(({ code }) => code === null) }
  }
  writeFiles(workspace, options.files ?? {})
  const url = options.with?.['api-url']
  const change = {
    path: 'b.ndjson',
    token: undefined,
    tokensFile: 'keys.json',
    tokensKey: key === undefined ? undefined : await readAgeKey(key),
    journalFile: 'j.ndjson',
    newTokensFile: 'new.json',
    limits: { maxAttempts: 1, attemptTimeoutMs: 30_000, retryTimeoutMs: 300_000 },
    concurrency: Number(inputs.concurrency),
    revokesPrevious: inputs['revoke-previous'] === 'true',
    baseUrl: url,
    api: apiOf(url),
  }
  return startKillableBatch(workspace, testBatchInputs(rotation, change))
}

/**
 * Kills a batch one to three times, runs it again, and checks that nothing is rotated twice or lost.
 *
 * @returns how many outcomes stay unknown, and how many tokens were lost
 */
async function checkKilledBatch(way: Way, seed: number): Promise<{ unknown: number; unstored: number }> {
  const random = randomFrom(seed)
  const key = seed % 2 === 0 ? undefined : identity
  const setup = await setUp(20, key)
  const concurrency = random() < 0.5 ? 1 : 6
  const revokes = random() < 0.5
  const checker = new FileChecker(setup)
  const inputs = { 'revoke-previous': String(revokes), concurrency: String(concurrency) }
  let kills = 1 + Math.floor(random() * 3)
  const maxInFlight = kills * concurrency
  for (; kills > 0; kills--) {
    const { kill, ended } = await startRun(way, setup, inputs, key)
    const isAnswered = random() < 0.4
    const fatal = 1 + Math.floor(random() * 24)
    const from = setup.arrivals.length
    const isNow = () => setup.arrivals.length - from >= fatal
    setup.faults = (arrival) => {
      checker.look(arrival)
      if (!isNow() || isAnswered) return undefined
      setup.workspace = kill()
      return { type: 'drop', work: random() < 0.5 }
    }
    setup.onAnswer = () => {
      if (isNow() && isAnswered) setup.workspace = kill()
    }
    await ended
  }
  setup.faults = (arrival) => void checker.look(arrival)
  setup.onAnswer = () => {}
  const last = await runStepInProcess(setup.options(inputs))
  expect(await checker.problems()).toEqual([])

  const events = lastEvents(join(setup.workspace, 'j.ndjson'))
  const tokens = await setup.tokens()
  const unknown = [...events.values()]
    .filter(({ event }) => event === 'unknown')
    .map(({ installation }) => installation)
  expect(last.code).toBe(unknown.length === 0 ? 0 : 1)
  // Between the requests of one record, another record may have started.
  expect(unknown.length).toBeLessThanOrEqual(2 * maxInFlight)
  setup.names.forEach((name, index) => {
    const lastEvent = events.get(index + 1)
    expect(setup.rotationsOf(name), name).toBeLessThanOrEqual(1)
    expect(['succeeded', 'unknown']).toContain(lastEvent?.event)
    const token = tokens[name]
    if (token !== undefined) {
      expect(token).toBe(setup.verified.get(name))
      expect(setup.isLive(name, token), name).toBe(true)
    }
    if (lastEvent?.event === 'succeeded') expect(token, name).toBeDefined()
    else expect(lastEvent?.message).toMatch(/outcome is unknown.*not sent again/)
    expect(setup.isLive(name, token) || setup.isLive(name, oldTokenOf(name)), name).toBe(true)
  })
  const unstored = setup.names.filter((name) => setup.verified.has(name) && tokens[name] === undefined)
  for (const name of unstored) expect(unknown).toContain(name)
  // Only tokens that were about to be stored at a kill.
  expect(unstored.length).toBeLessThanOrEqual(maxInFlight)
  return { unknown: unknown.length, unstored: unstored.length }
}

describe('a batch is killed and run again: nothing is rotated twice or lost', () => {
  test.each([
    ['plain', 500],
    ['encrypted', 501],
  ])('as processes, %s', async (_, seed) => {
    await checkKilledBatch('as processes', seed)
  })

  test.each([
    ['plain', [502, 504, 506, 508, 510, 512]],
    ['encrypted', [503, 505, 507, 509]],
  ])('in process, %s', async (kind, seeds) => {
    const counts: Awaited<ReturnType<typeof checkKilledBatch>>[] = []
    await runConcurrently(seeds, async (seed) => void counts.push(await checkKilledBatch('in process', seed)))
    expect(counts.some(({ unknown }) => unknown > 0)).toBe(true)
    // It takes time to encrypt, so that kills lose tokens that are about to be stored.
    if (kind === 'encrypted') expect(counts.some(({ unstored }) => unstored > 0)).toBe(true)
  })
})
