// Credentials of many installations: which are live, and which the file of new tokens has, wherever the batch stops.

import { chmodSync, mkdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { fingerprint, recordsOf } from '../../src/sandbox/records.ts'
import type { Arrival } from '../../src/sandbox/server.ts'
import { openStore } from '../../src/sandbox/store.ts'
import { endings, installationOf, installations, listening, ndjson, randomFrom } from './batches.ts'
import { runStep, type StepOptions, scratch, startStep } from './step.ts'

const count = 30
const names = installations(count)
const oldOf = (name: string) => `old-token-of-${name}`
const batch = ndjson(
  names.map((name) => ({ integrationConfigurationId: name, clientSecret: { $env: 'CLIENT_SECRET' } })),
)
const oldTokens = JSON.stringify(Object.fromEntries(names.map((name) => [name, oldOf(name)])))

/** A Vercel that knows the old tokens, and a workspace with the batch. */
async function scene(newTokensFile = 'new.json') {
  const store = openStore()
  const records = (name: string) => recordsOf(store, name)
  for (const name of names) records(name).put('live', 'credential', fingerprint(oldOf(name)))
  const vercel = await listening({ store })
  const workspace = scratch()
  const path = join(workspace, newTokensFile)
  return {
    vercel,
    workspace,
    path,
    isLive: (name: string, token: string | undefined) =>
      token !== undefined && records(name).get('credential', fingerprint(token)) === 'live',
    tokens: (): Record<string, string> => JSON.parse(readFileSync(path, 'utf8')),
    options: (inputs: Record<string, string> = {}): StepOptions => ({
      workspace,
      files: { 'b.ndjson': batch, 'tokens.json': oldTokens },
      with: {
        operation: 'rotateInstallationCredential',
        'batch-file': 'b.ndjson',
        'tokens-file': 'tokens.json',
        'new-tokens-file': newTokensFile,
        'journal-file': 'j.ndjson',
        'api-url': vercel.url,
        'max-attempts': '1',
        ...inputs,
      },
      env: { CLIENT_SECRET: 'client-secret-1' },
    }),
  }
}

const of = (arrivals: readonly Arrival[], operation: string) =>
  arrivals.filter((arrival) => arrival.operation === operation)

test('each is rotated, proven and in the file, for its owner alone; the old ones go on working', async () => {
  const { vercel, options, path, tokens, isLive } = await scene()
  const step = await runStep(options())
  expect(step).toMatchObject({ code: 0, errors: [], outputs: { status: 'succeeded', succeeded: String(count) } })
  expect(statSync(path).mode & 0o777).toBe(0o600)
  expect(Object.keys(tokens()).sort()).toEqual([...names].sort())
  for (const name of names) {
    expect(isLive(name, tokens()[name])).toBe(true)
    expect(isLive(name, oldOf(name))).toBe(true)
    const proof = of(vercel.arrivals, 'getAccountInfo').filter((arrival) => installationOf(arrival) === name)
    expect(proof.map(({ headers }) => headers.authorization)).toEqual([`Bearer ${tokens()[name]}`])
  }
  for (const token of Object.values(tokens())) expect(step.log + step.summary).not.toContain(token)
})

test('there is a whole file at any moment, and nothing is revoked before it is in there', async () => {
  const { vercel, options, tokens, isLive } = await scene()
  let revoked = 0
  vercel.faults = (arrival) => {
    const name = installationOf(arrival)
    const present = tokens()
    for (const [other, token] of Object.entries(present)) expect(isLive(other, token)).toBe(true)
    if (arrival.operation !== 'revokeInstallationCredential') return undefined
    revoked++
    expect(arrival.headers.authorization).toBe(`Bearer ${present[name]}`)
    expect(arrival.body).toMatchObject({ token: oldOf(name) })
    return undefined
  }
  const step = await runStep(options({ 'revoke-previous': 'true' }))
  expect(step, step.log).toMatchObject({ code: 0 })
  expect(revoked).toBe(count)
  for (const name of names) expect(isLive(name, oldOf(name))).toBe(false)
})

test('what the file had is kept, and it becomes one for its owner alone', async () => {
  const { options, path, tokens } = await scene()
  const files = { ...options().files, 'new.json': '{"icfg_earlier":"token-of-an-earlier-run"}' }
  const { done } = startStep({ ...options({ 'dry-run': 'true' }), files })
  await done
  chmodSync(path, 0o644)
  const step = await runStep({ ...options(), files: {} })
  expect(step.code).toBe(0)
  expect(statSync(path).mode & 0o777).toBe(0o600)
  expect(tokens()).toMatchObject({ icfg_earlier: 'token-of-an-earlier-run', icfg_1: expect.stringMatching(/^vct_/) })
})

describe('shows before anything is rotated that the file', () => {
  test.each([
    ['cannot be written', 'missing/new.json', undefined, /new-tokens-file "missing\/new.json" cannot be written/],
    ['is a folder', 'folder', 'folder', /new-tokens-file "folder" cannot be read/],
    ['has something else in it', 'new.json', '{"a": 1}', /has something else than tokens in it/],
  ])('%s', async (_, file, content, message) => {
    const { vercel, options, workspace, path } = await scene(file)
    if (content === 'folder') mkdirSync(join(workspace, 'folder'))
    const files = { ...options().files, ...(content && content !== 'folder' && { [file]: content }) }
    const step = await runStep({ ...options(), files })
    expect(step.code).toBe(1)
    expect(step.outputs.errorCode).toBe('invalid_input')
    expect(step.errors.join('\n')).toMatch(message)
    expect(vercel.arrivals).toEqual([])
    if (content?.startsWith('{')) expect(readFileSync(path, 'utf8')).toBe(content)
  })
})

test('a file that cannot be written any more revokes nothing, and the record says so', async () => {
  const { vercel, options, workspace, isLive } = await scene('secrets/new.json')
  mkdirSync(join(workspace, 'secrets'))
  vercel.faults = () => {
    rmSync(join(workspace, 'secrets'), { recursive: true, force: true })
    return undefined
  }
  const step = await runStep(options({ 'revoke-previous': 'true', 'max-failures': '1', concurrency: '1' }))
  expect(step.code).toBe(1)
  expect(step.errors.join('\n')).toMatch(
    /was proven, but could not be stored as a new token in new-tokens-file.*Both tokens work/s,
  )
  expect(of(vercel.arrivals, 'revokeInstallationCredential')).toEqual([])
  for (const name of names) expect(isLive(name, oldOf(name))).toBe(true)
})

test.each([1, 2, 3, 4, 5, 6])(
  'killed, and run again until it is done, it loses no token and rotates none twice, seed %i',
  async (seed) => {
    const random = randomFrom(seed)
    const { vercel, options, tokens, isLive } = await scene()
    const inputs = { 'revoke-previous': 'true', concurrency: '6' }
    for (let kills = 0; kills < 3; kills++) {
      let left = Math.floor(random() * 25)
      const { child, done } = startStep(options(inputs))
      vercel.faults = () => {
        if (left-- > 0) return undefined
        child.kill('SIGKILL')
        return { type: 'drop', work: random() < 0.5 }
      }
      await done
    }
    vercel.faults = () => undefined
    const last = await runStep(options(inputs))
    const ends = endings(last.outputs.journalFile ?? '')
    expect(ends.size).toBe(count)
    let unknown = 0
    for (const [index, name] of names.entries()) {
      const rotations = of(vercel.arrivals, 'rotateInstallationCredential').filter(
        (one) => installationOf(one) === name,
      )
      expect(rotations.length, name).toBeLessThanOrEqual(1)
      const token = tokens()[name]
      if (token !== undefined) expect(isLive(name, token), name).toBe(true)
      // Whoever has lost the old one has the new one.
      if (!isLive(name, oldOf(name))) expect(token, name).toBeDefined()
      const end = ends.get(index + 1)
      if (end?.event === 'succeeded') expect(isLive(name, token) && !isLive(name, oldOf(name)), name).toBe(true)
      else {
        unknown++
        expect(end).toMatchObject({ event: 'unknown', message: expect.stringContaining('It is not sent again') })
      }
    }
    expect(unknown).toBeGreaterThan(0)
    expect(last).toMatchObject({ code: 1, outputs: { status: 'partial', failed: String(unknown) } })
  },
)
