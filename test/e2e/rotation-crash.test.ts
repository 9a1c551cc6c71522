// Rotations that are killed at each of their requests, or that meet other failures: the installation always has a live
// credential, and a stored token is never lost.

import type { ChildProcess } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { fingerprint, recordsOf } from '../../src/sandbox/records.ts'
import { type Arrival, type Fault, startSandboxServer } from '../../src/sandbox/server.ts'
import { openStore } from '../../src/sandbox/store.ts'
import { examplePayload } from '../example-payloads.ts'
import { randomFrom } from './batches.ts'
import { runConcurrently } from './concurrently.ts'
import { type GitHubCall, type GitHubFault, startGitHub } from './github.ts'
import { type StepResult, startStep } from './step.ts'

const installation = 'icfg_rotation'
const oldToken = 'old-token-of-the-installation'

/** The requests of a successful rotation. */
const sequence = [
  'GitHub: GET',
  'Vercel: rotateInstallationCredential',
  'Vercel: getAccountInfo',
  'GitHub: GET',
  'GitHub: PUT',
  'Vercel: revokeInstallationCredential',
]

/** When the process is killed: before the server does the work of a request, after that, or after it has responded. */
const moments = ['arrived', 'worked', 'answered'] as const
type Moment = (typeof moments)[number]

interface Scenario {
  /** The request at which the process is killed, counted from 1. */
  readonly kill?: { readonly call: number; readonly moment: Moment } | undefined
  readonly vercel?: (arrival: Arrival) => Fault | undefined
  readonly github?: (call: GitHubCall) => GitHubFault
  readonly with?: Record<string, string>
}

interface Rotation {
  readonly step: StepResult
  /** The requests to GitHub and Vercel, in the order in which they arrived. */
  readonly calls: readonly string[]
  /** The tokens that Vercel has revoked. */
  readonly revoked: readonly string[]
  readonly issued: readonly string[]
  readonly stored: string | undefined
  readonly isLive: (token: string | undefined) => boolean
}

/** Runs a rotation. Fails if a token is stored before it is verified, or revoked before the new one is stored. */
async function rotate(scenario: Scenario): Promise<Rotation> {
  const store = openStore()
  const records = recordsOf(store, installation)
  const isLive = (token: string | undefined) =>
    token !== undefined && records.get('credential', fingerprint(token)) === 'live'
  records.put('live', 'credential', fingerprint(oldToken))
  const calls: string[] = []
  const problems: string[] = []
  const verified = new Set<string>()
  const revoked: string[] = []
  let child: ChildProcess | undefined
  const isFatal = (moment: Moment, call = calls.length) =>
    scenario.kill?.call === call && scenario.kill.moment === moment
  /** Kills the process if it is time to. Returns whether the kill is before or after the work of the request. */
  const killedAt = (name: string): 'before' | 'after' | undefined => {
    calls.push(name)
    if (!isFatal('arrived') && !isFatal('worked')) return undefined
    child?.kill('SIGKILL')
    return isFatal('arrived') ? 'before' : 'after'
  }

  const github = await startGitHub()
  const stored = () => [...github.secrets.values()].at(-1)
  github.faults = (call) => {
    const killed = killedAt(`GitHub: ${call.method}`)
    if (killed) return killed === 'before' ? 'reset' : 'reset after'
    return scenario.github?.(call)
  }
  github.onAnswer = () => {
    if (isFatal('answered')) child?.kill('SIGKILL')
  }
  github.onStore = (token) => {
    if (!verified.has(token)) problems.push(`${token} was stored before it was verified`)
  }
  const vercel = await startSandboxServer({
    store,
    faults(arrival) {
      const killed = killedAt(`Vercel: ${arrival.operation}`)
      if (arrival.operation === 'revokeInstallationCredential') {
        const { token } = arrival.body as { token: string }
        revoked.push(token)
        if (arrival.headers.authorization !== `Bearer ${stored()}`)
          problems.push('revoked before the new one was stored')
        if (token !== oldToken) problems.push(`revoked ${token}`)
      }
      if (killed) return { type: 'drop', work: killed === 'after' }
      return scenario.vercel?.(arrival)
    },
    onAnswer({ operation, headers, status = 0 }) {
      const [, token = ''] = /^Bearer (.*)$/.exec(headers.authorization ?? '') ?? []
      if (operation === 'getAccountInfo' && status < 300) verified.add(token)
      if (isFatal('answered')) child?.kill('SIGKILL')
    },
  })
  try {
    const started = startStep({
      with: {
        operation: 'rotateInstallationCredential',
        'installation-id': installation,
        token: oldToken,
        'api-url': vercel.url,
        payload: JSON.stringify(examplePayload('rotateInstallationCredential').body),
        'store-secret': 'INSTALLATION_TOKEN',
        'github-token': 'github-token-1',
        'revoke-previous': 'true',
        'max-attempts': '2',
        'attempt-timeout': '1',
        'retry-timeout': '4',
        ...scenario.with,
      },
      env: { GITHUB_API_URL: github.url },
    })
    child = started.child
    const step = await started.done
    expect(problems).toEqual([])
    const worked = vercel.arrivals.filter(({ worked = 500 }) => worked < 300)
    const done = (operation: string) => worked.filter((arrival) => arrival.operation === operation)
    return {
      step,
      calls,
      revoked: done('revokeInstallationCredential').map(({ body }) => (body as { token: string }).token),
      issued: done('rotateInstallationCredential').map(({ headers }) => headers.authorization ?? ''),
      stored: stored(),
      isLive,
    }
  } finally {
    await vercel.close()
  }
}

/** Checks what is true after every rotation. */
function expectLiveCredential({ step, revoked, issued, stored, isLive }: Rotation): void {
  expect(issued.length).toBeLessThanOrEqual(1)
  expect(isLive(oldToken)).toBe(revoked.length === 0)
  if (stored !== undefined) expect(isLive(stored)).toBe(true)
  if (revoked.length > 0) expect(isLive(stored)).toBe(true)
  const { accessToken } = step.outputs
  expect([oldToken, stored, accessToken].some(isLive)).toBe(true)
  if (accessToken !== undefined && accessToken !== oldToken) expect(isLive(accessToken)).toBe(true)
}

/** Checks that what a step reports is true. */
function expectTruthfulReport({ step, revoked, stored, isLive }: Rotation, revokes: boolean): void {
  const reported = step.errors.join('\n')
  if (step.code === 0) {
    expect(reported).toBe('')
    expect(step.outputs).toMatchObject({ status: 'accepted', accessToken: stored })
    expect(isLive(oldToken)).toBe(!revokes)
    return
  }
  expect(step.outputs.status).toBe('failed')
  if (/(?:current token still works|Both tokens work|still valid)/.test(reported)) expect(revoked).toEqual([])
  if (/is verified and stored/.test(reported)) expect(isLive(stored)).toBe(true)
  if (/was not changed/.test(reported)) expect(stored).toBeUndefined()
  if (/Both tokens work/.test(reported)) expect(isLive(step.outputs.accessToken)).toBe(true)
}

test('a successful rotation makes the requests that the tests below rely on, in this order', async () => {
  const rotation = await rotate({})
  expectLiveCredential(rotation)
  expect(rotation.step).toMatchObject({ code: 0, errors: [] })
  expect(rotation.calls).toEqual(sequence)
})

test.each(moments)('a step that is killed when a request has %s leaves a live credential', async (moment) => {
  const calls = sequence.map((_, index) => index + 1)
  await runConcurrently(calls, async (call) => {
    const rotation = await rotate({ kill: { call, moment } })
    expectLiveCredential(rotation)
    const { step, issued, stored, revoked } = rotation
    // The step may have received the last response and completed.
    if (moment !== 'answered') {
      expect(step.code).toBe(null)
      expect(rotation.calls).toEqual(sequence.slice(0, call))
    }
    const isDone = (name: string) => {
      const last = sequence.lastIndexOf(name) + 1
      return moment === 'arrived' ? call > last : call >= last
    }
    expect(issued.length).toBe(isDone('Vercel: rotateInstallationCredential') ? 1 : 0)
    expect(stored !== undefined).toBe(isDone('GitHub: PUT'))
    expect(revoked).toEqual(isDone('Vercel: revokeInstallationCredential') ? [oldToken] : [])
  })
})

describe('with random failures', () => {
  const pick = <T>(random: () => number, list: readonly T[]) => list[Math.floor(random() * list.length)] as T
  const refusals = [400, 401, 403, 404, 409, 422, 429, 500, 501, 502, 503, 504]

  function vercelFault(random: () => number): Fault {
    const status = pick(random, refusals)
    return pick<() => Fault>(random, [
      () => ({ type: 'answer', status, body: { error: { code: 'x', message: 'no' } } }),
      () => ({ type: 'drop', work: false }),
      () => ({ type: 'drop', work: true }),
      () => ({ type: 'garbage' }),
      () => ({ type: 'replace', status: pick(random, [500, 502, 504]) }),
      // Each of these takes a second, until the attempt times out.
      () => (random() < 0.6 ? { type: 'cut' } : { type: random() < 0.5 ? 'stall' : 'halt' }),
    ])()
  }

  function scenarioOf(seed: number): { scenario: Scenario; revokes: boolean } {
    const random = randomFrom(seed)
    const failureRate = pick(random, [0, 0.2, 0.4])
    const isFailing = () => random() < failureRate
    const revokes = random() < 0.7
    const kill =
      random() < 0.4
        ? { call: 1 + Math.floor(random() * (sequence.length + 1)), moment: pick(random, moments) }
        : undefined
    const place = pick(random, [
      {},
      { 'store-secret-environment': 'prod' },
      { 'store-secret-organization': 'octo-org' },
    ])
    const scenario: Scenario = {
      kill,
      vercel: () => (isFailing() ? vercelFault(random) : undefined),
      github: () =>
        isFailing() ? pick<GitHubFault>(random, [...refusals, 'reset', 'reset after', 'stall']) : undefined,
      with: { ...place, 'revoke-previous': String(revokes) },
    }
    return { scenario, revokes }
  }

  const groups = [1000, 2000, 3000, 4000]
  test.each(groups)(
    'the installation keeps a live credential, and the step reports it correctly: 30 rotations, seeds from %i',
    async (first) => {
      const seeds = Array.from({ length: 30 }, (_, index) => first + index)
      await runConcurrently(seeds, async (seed) => {
        const { scenario, revokes } = scenarioOf(seed)
        const rotation = await rotate(scenario)
        expectLiveCredential(rotation)
        if (!revokes) expect(rotation.revoked).toEqual([])
        if (rotation.step.code !== null) expectTruthfulReport(rotation, revokes)
      })
    },
  )
})
