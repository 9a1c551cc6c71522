// Batches of rotations: whatever ends them, each installation has a credential that is live, and the file has every new
// one that is in use.

import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { fingerprint, recordsOf } from '../../src/sandbox/records.ts'
import type { Arrival, Fault } from '../../src/sandbox/server.ts'
import { openStore } from '../../src/sandbox/store.ts'
import { endings, installationOf, installations, listening, ndjson, randomFrom } from './batches.ts'
import { runStep, type StepOptions, scratch, startStep } from './step.ts'

const oldTokenOf = (installation: string) => `old-token-of-${installation}`
const client = { clientId: 'oac_1', clientSecret: 'client-secret-1' }
const rotation = 'rotateInstallationCredential'
const revocation = 'revokeInstallationCredential'

interface Scene {
  readonly names: readonly string[]
  readonly file: string
  readonly workspace: string
  readonly arrivals: readonly Arrival[]
  faults: (arrival: Arrival) => Fault | undefined
  onAnswer: (arrival: Arrival) => void
  readonly options: (inputs?: Record<string, string>) => StepOptions
  readonly tokens: () => Record<string, string>
  /** By the server's own count. */
  readonly isLive: (installation: string, token: string | undefined) => boolean
  /** How many rotations the server has done for an installation. */
  readonly rotationsOf: (installation: string) => number
  /** Tokens that the server has answered a proof of. */
  readonly proven: Map<string, string>
}

async function scene(count: number): Promise<Scene> {
  const names = installations(count)
  const workspace = scratch()
  const file = join(workspace, 'new.json')
  const store = openStore()
  const isLive = (installation: string, token: string | undefined) =>
    token !== undefined && recordsOf(store, installation).get('credential', fingerprint(token)) === 'live'
  for (const name of names) recordsOf(store, name).put('live', 'credential', fingerprint(oldTokenOf(name)))
  const proven = new Map<string, string>()
  const server = await listening({
    store,
    faults: (arrival) => here.faults(arrival),
    onAnswer(arrival) {
      const { operation, headers, status = 0 } = arrival
      const token = headers.authorization?.slice('Bearer '.length) ?? ''
      if (operation === 'getAccountInfo' && status < 300) proven.set(installationOf(arrival), token)
      here.onAnswer(arrival)
    },
  })
  const here: Scene = {
    names,
    file,
    workspace,
    arrivals: server.arrivals,
    faults: () => undefined,
    onAnswer: () => {},
    options: (inputs = {}) => ({
      workspace,
      files: {
        'b.ndjson': ndjson(names.map((integrationConfigurationId) => ({ integrationConfigurationId, ...client }))),
        'keys.json': JSON.stringify(Object.fromEntries(names.map((name) => [name, oldTokenOf(name)]))),
      },
      with: {
        operation: rotation,
        'api-url': server.url,
        'batch-file': 'b.ndjson',
        'tokens-file': 'keys.json',
        'journal-file': 'j.ndjson',
        'new-tokens-file': 'new.json',
        'max-attempts': '1',
        ...inputs,
      },
    }),
    tokens: () => (existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {}),
    isLive,
    rotationsOf: (name) =>
      server.arrivals.filter(
        (arrival) => arrival.operation === rotation && installationOf(arrival) === name && arrival.worked === 200,
      ).length,
    proven,
  }
  return here
}

const modeOf = (path: string) => statSync(path).mode & 0o777

/** Holds the file against what it has to be whenever somebody reads it. */
function watch(here: Scene, wrong: string[]): (arrival: Arrival) => void {
  let before: string[] = []
  return ({ operation, headers, ...arrival }) => {
    try {
      if (!existsSync(here.file)) return void wrong.push('there is no file')
      const tokens = here.tokens()
      if (modeOf(here.file) !== 0o600) wrong.push('others may read it')
      const lost = before.filter((name) => !Object.hasOwn(tokens, name))
      if (lost.length > 0) wrong.push(`${lost} were lost`)
      before = Object.keys(tokens)
      const installation = arrival.path.split('/')[3] ?? ''
      if (operation === revocation && headers.authorization !== `Bearer ${tokens[installation]}`) {
        wrong.push(`revoked before the file had the new token of ${installation}`)
      }
    } catch (error) {
      wrong.push((error as Error).message)
    }
  }
}

test.each(['false', 'true'])(
  'the file has a live token of each installation, at any moment as a whole, revoke-previous %s',
  async (revokes) => {
    const here = await scene(40)
    const wrong: string[] = []
    const look = watch(here, wrong)
    here.faults = (arrival) => void look(arrival)
    const step = await runStep(here.options({ 'revoke-previous': revokes }))
    expect(step, step.log).toMatchObject({ code: 0, errors: [], outputs: { status: 'succeeded', succeeded: '40' } })
    expect(wrong).toEqual([])
    expect(modeOf(here.file)).toBe(0o600)
    const tokens = here.tokens()
    expect(Object.keys(tokens).sort()).toEqual([...here.names].sort())
    for (const name of here.names) {
      expect(tokens[name]).toBe(here.proven.get(name))
      expect(here.isLive(name, tokens[name])).toBe(true)
      expect(here.isLive(name, oldTokenOf(name))).toBe(revokes === 'false')
    }
    expect(readdirSync(here.workspace).filter((name) => name.includes('tmp'))).toEqual([])
  },
)

test('the new file is one that the next batch takes as tokens-file', async () => {
  const here = await scene(3)
  await runStep(here.options({ 'revoke-previous': 'true' }))
  const first = here.tokens()
  const step = await runStep(
    here.options({ 'revoke-previous': 'true', 'tokens-file': 'new.json', 'journal-file': 'second.ndjson' }),
  )
  expect(step, step.log).toMatchObject({ code: 0, errors: [] })
  for (const name of here.names) {
    expect(here.isLive(name, here.tokens()[name])).toBe(true)
    expect(here.isLive(name, first[name])).toBe(false)
  }
})

test('the file of an earlier run is kept, added to, and closed to others', async () => {
  const here = await scene(2)
  writeFileSync(here.file, JSON.stringify({ icfg_9: 'token-of-nine', icfg_1: 'older-token-of-one' }))
  chmodSync(here.file, 0o644)
  // What a killed run has left of its writing.
  writeFileSync(`${here.file}.tmp`, '{"icfg_9": "tok', { mode: 0o644 })
  const step = await runStep(here.options())
  expect(step).toMatchObject({ code: 0, errors: [] })
  expect(modeOf(here.file)).toBe(0o600)
  expect(here.tokens()).toEqual({ icfg_9: 'token-of-nine', ...Object.fromEntries(here.proven) })
  expect(existsSync(`${here.file}.tmp`)).toBe(false)
})

test.each([
  ['other JSON', '{"name": {"version": 1}}', /something other than tokens/],
  ['a list', '["a-token"]', /something other than tokens/],
  ['text', 'TOKEN=secret-of-a-file', /something other than tokens/],
])('a file with %s in it is refused, and left as it is', async (_, content, error) => {
  const here = await scene(2)
  writeFileSync(here.file, content, { mode: 0o644 })
  const step = await runStep(here.options())
  expect(step.code).toBe(1)
  expect(step.outputs.errorCode).toBe('invalid_input')
  expect(step.errors).toEqual([expect.stringMatching(error)])
  expect(step.log).not.toContain('secret-of-a-file')
  expect(readFileSync(here.file, 'utf8')).toBe(content)
  expect(modeOf(here.file)).toBe(0o644)
  expect(here.arrivals).toEqual([])
})

test.each<[string, string, (path: string) => void, RegExp]>([
  ['is in a folder that does not exist', 'no/such/new.json', () => {}, /cannot be written: ENOENT/],
  ['is a folder', 'new.json', (path) => mkdirSync(path), /cannot be read: EISDIR/],
  ['is below a file', 'keys.json/new.json', () => {}, /cannot be (read|written): ENOTDIR/],
])('a file that %s is found before anything is rotated', async (_, path, make, error) => {
  const here = await scene(2)
  make(join(here.workspace, path))
  const step = await runStep(here.options({ 'new-tokens-file': path }))
  expect(step.code).toBe(1)
  expect(step.outputs.errorCode).toBe('invalid_input')
  expect(step.errors).toEqual([expect.stringMatching(error)])
  expect(here.arrivals).toEqual([])
})

/** What a batch leaves that could not keep the tokens of some installations. */
async function loses(here: Scene, step: Awaited<ReturnType<typeof runStep>>): Promise<void> {
  expect(step.code).toBe(1)
  expect(step.outputs, step.log).toMatchObject({ status: 'partial' })
  const ends = [...endings(join(here.workspace, 'j.ndjson')).values()]
  const failed = ends.filter(({ event }) => event === 'failed')
  expect(failed.length).toBeGreaterThan(0)
  for (const { message, code, installation } of failed) {
    expect(message).toMatch(
      /was verified, but could not be stored.*Both tokens work, and nothing was revoked.*run the batch again/,
    )
    expect(message).not.toContain('accessToken')
    expect(code).toBe('store_failed')
    expect(here.isLive(String(installation), oldTokenOf(String(installation)))).toBe(true)
  }
  for (const { event, installation } of ends.filter(({ installation }) => installation !== undefined)) {
    if (event === 'succeeded') expect(here.isLive(String(installation), oldTokenOf(String(installation)))).toBe(false)
  }
}

async function recovers(here: Scene, inputs: Record<string, string>): Promise<void> {
  const step = await runStep(here.options(inputs))
  expect(step, step.log).toMatchObject({ code: 0, errors: [], outputs: { status: 'succeeded' } })
  const tokens = here.tokens()
  for (const name of here.names) {
    expect(here.isLive(name, tokens[name]), name).toBe(true)
    expect(here.isLive(name, oldTokenOf(name)), name).toBe(false)
  }
}

test('a disk that fills up leaves the previous credentials live, and the next run does the rest', async () => {
  const here = await scene(12)
  // The file may be no longer than 64 blocks, which it is but for a few tokens.
  const kept: Record<string, string> = { icfg_old: 'x'.repeat(32_400) }
  writeFileSync(here.file, JSON.stringify(kept))
  const inputs = { 'revoke-previous': 'true', concurrency: '1' }
  const under = ['sh', '-c', 'ulimit -f 64; exec "$@"', 'sh']
  await loses(here, await runStep({ ...here.options(inputs), under }))
  expect(here.tokens()).toMatchObject(kept)
  await recovers(here, inputs)
})

test('a file that cannot be replaced any more leaves the previous credentials live', async () => {
  const here = await scene(12)
  let proofs = 0
  const inputs = { 'revoke-previous': 'true', concurrency: '1' }
  let saved = ''
  here.faults = ({ operation }) => {
    if (operation !== 'getAccountInfo' || ++proofs !== 5) return undefined
    saved = readFileSync(here.file, 'utf8')
    rmSync(here.file)
    mkdirSync(here.file)
    return undefined
  }
  await loses(here, await runStep(here.options(inputs)))
  expect(Object.keys(JSON.parse(saved))).toHaveLength(4)
  rmSync(here.file, { recursive: true })
  writeFileSync(here.file, saved)
  here.faults = () => undefined
  await recovers(here, inputs)
})

const seeds = Array.from({ length: 16 }, (_, index) => 500 + index)
test.each(seeds)('killed, and run again until it is done: nothing is rotated twice or lost, seed %i', async (seed) => {
  const random = randomFrom(seed)
  const here = await scene(20)
  const concurrency = random() < 0.5 ? 1 : 6
  const revokes = random() < 0.5
  const wrong: string[] = []
  const look = watch(here, wrong)
  const options = here.options({ 'revoke-previous': String(revokes), concurrency: String(concurrency) })
  let kills = 1 + Math.floor(random() * 3)
  const most = kills * concurrency
  for (; kills > 0; kills--) {
    const { child, done } = startStep(options)
    const isAnswered = random() < 0.4
    const fatal = 1 + Math.floor(random() * 24)
    const from = here.arrivals.length
    const isNow = () => here.arrivals.length - from >= fatal
    here.faults = (arrival) => {
      look(arrival)
      if (!isNow() || isAnswered) return undefined
      child.kill('SIGKILL')
      return { type: 'drop', work: random() < 0.5 }
    }
    here.onAnswer = () => {
      if (isNow() && isAnswered) child.kill('SIGKILL')
    }
    await done
  }
  here.faults = (arrival) => void look(arrival)
  here.onAnswer = () => {}
  const last = await runStep(options)
  expect(wrong).toEqual([])

  const ends = endings(join(here.workspace, 'j.ndjson'))
  const tokens = here.tokens()
  const unknown = [...ends.values()].filter(({ event }) => event === 'unknown').map(({ installation }) => installation)
  expect(last.code).toBe(unknown.length === 0 ? 0 : 1)
  // Between the requests of one record there is time for the first of another.
  expect(unknown.length).toBeLessThanOrEqual(2 * most)
  here.names.forEach((name, index) => {
    const end = ends.get(index + 1)
    expect(here.rotationsOf(name), name).toBeLessThanOrEqual(1)
    expect(['succeeded', 'unknown']).toContain(end?.event)
    const token = tokens[name]
    if (token !== undefined) {
      expect(token).toBe(here.proven.get(name))
      expect(here.isLive(name, token), name).toBe(true)
    }
    if (end?.event === 'succeeded') expect(token, name).toBeDefined()
    else expect(end?.message).toMatch(/outcome is unknown.*not sent again/)
    expect(here.isLive(name, token) || here.isLive(name, oldTokenOf(name)), name).toBe(true)
  })
  const unkept = here.names.filter((name) => here.proven.has(name) && tokens[name] === undefined)
  for (const name of unkept) expect(unknown).toContain(name)
  // Only those that were just about to be.
  expect(unkept.length).toBeLessThanOrEqual(most)
})
