// Rotations that are killed at each of their requests, or that meet other failures: the installation always has a live
// credential, and a stored token is never lost.

import { describe, expect, test } from 'vitest'
import { randomFrom } from '../../bench/random.ts'
import { fingerprint, recordsOf } from '../../src/sandbox/records.ts'
import { type Arrival, type Fault, startSandboxServer } from '../../src/sandbox/server.ts'
import { openStore } from '../../src/sandbox/store.ts'
import { examplePayload } from '../example-payloads.ts'
import { holdTimeouts, skipWaits } from '../waits.ts'
import { runConcurrently } from './concurrently.ts'
import { type GitHubCall, type GitHubFault, startGitHub } from './github.ts'
import { runStepInProcess, type StepOptions, type StepResult, startStep } from './step.ts'

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
  /** Whether the step is a process of its own. */
  readonly isProcess?: boolean
  /** The request at which the step is killed, counted from 1. A step in process is cut off from both servers. */
  readonly kill?: { readonly call: number; readonly moment: Moment } | undefined
  readonly vercel?: (arrival: Arrival) => Fault | undefined
  readonly github?: (call: GitHubCall) => GitHubFault
  readonly with?: Record<string, string>
}

interface Rotation {
  readonly step: StepResult
  readonly isKilled: boolean
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
  let isKilled = false
  let killProcess = () => {}
  const kill = () => {
    isKilled = true
    killProcess()
  }
  const isFatal = (moment: Moment, call = calls.length) =>
    scenario.kill?.call === call && scenario.kill.moment === moment
  /** Kills the step if it is time to. Returns whether the kill is before or after the work of the request. */
  const killedAt = (name: string): 'before' | 'after' | undefined => {
    // A killed process would not have sent it.
    if (isKilled) return 'before'
    calls.push(name)
    if (!isFatal('arrived') && !isFatal('worked')) return undefined
    kill()
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
    if (isFatal('answered')) kill()
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
      if (isFatal('answered')) kill()
    },
  })
  const runProcess = (options: StepOptions) => {
    const { child, done } = startStep(options)
    killProcess = () => void child.kill('SIGKILL')
    return done
  }
  try {
    const options: StepOptions = {
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
        'attempt-timeout': '30',
        // Rotations that run at the same time share a clock, which jumps.
        'retry-timeout': '3600',
        ...scenario.with,
      },
      env: { GITHUB_API_URL: github.url },
    }
    const step = await (scenario.isProcess ? runProcess(options) : runStepInProcess(options))
    expect(problems).toEqual([])
    const worked = vercel.arrivals.filter(({ worked = 500 }) => worked < 300)
    const done = (operation: string) => worked.filter((arrival) => arrival.operation === operation)
    return {
      step,
      isKilled,
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
function expectLiveCredential({ step, isKilled, revoked, issued, stored, isLive }: Rotation): void {
  expect(issued.length).toBeLessThanOrEqual(1)
  expect(isLive(oldToken)).toBe(revoked.length === 0)
  if (stored !== undefined) expect(isLive(stored)).toBe(true)
  if (revoked.length > 0) expect(isLive(stored)).toBe(true)
  // A killed step has set no outputs.
  const { accessToken } = isKilled ? {} : step.outputs
  expect([oldToken, stored, accessToken].some(isLive)).toBe(true)
  if (accessToken !== undefined && accessToken !== oldToken) expect(isLive(accessToken)).toBe(true)
}

/** What a failed step says, and whether it is true. */
const claims: readonly (readonly [wording: RegExp, isTrue: (rotation: Rotation) => boolean])[] = [
  [/current token still works/, ({ revoked }) => revoked.length === 0],
  [/still valid/, ({ revoked }) => revoked.length === 0],
  [/Both tokens work/, ({ revoked, step, isLive }) => revoked.length === 0 && isLive(step.outputs.accessToken)],
  [/is verified and stored/, ({ stored, isLive }) => isLive(stored)],
  [/was not changed/, ({ stored }) => stored === undefined],
]

/** Checks that what a step reports is true. @returns the wordings of its claims, or `success` */
function expectTruthfulReport(rotation: Rotation, revokes: boolean): string[] {
  const { step, stored, isLive } = rotation
  const reported = step.errors.join('\n')
  if (step.code === 0) {
    expect(reported).toBe('')
    expect(step.outputs).toMatchObject({ status: 'accepted', accessToken: stored })
    expect(isLive(oldToken)).toBe(!revokes)
    return ['success']
  }
  expect(step.outputs.status).toBe('failed')
  const made = claims.filter(([wording]) => wording.test(reported))
  for (const [wording, isTrue] of made) expect(isTrue(rotation), `${wording}`).toBe(true)
  return made.map(([wording]) => `${wording}`)
}

test('a successful rotation makes the requests that the tests below rely on, in this order', async () => {
  const rotation = await rotate({ isProcess: true })
  expectLiveCredential(rotation)
  expect(rotation.step).toMatchObject({ code: 0, errors: [] })
  expect(rotation.calls).toEqual(sequence)
})

describe('a step that is killed leaves a live credential', () => {
  async function check(call: number, moment: Moment, isProcess: boolean): Promise<void> {
    const rotation = await rotate({ kill: { call, moment }, isProcess })
    expectLiveCredential(rotation)
    const { step, isKilled, issued, stored, revoked } = rotation
    expect(isKilled).toBe(true)
    // The step may have received the last response and completed.
    if (moment !== 'answered') {
      if (isProcess) expect(step.code).toBe(null)
      expect(rotation.calls).toEqual(sequence.slice(0, call))
    }
    const isDone = (name: string) => {
      const last = sequence.lastIndexOf(name) + 1
      return moment === 'arrived' ? call > last : call >= last
    }
    expect(issued.length).toBe(isDone('Vercel: rotateInstallationCredential') ? 1 : 0)
    expect(stored !== undefined).toBe(isDone('GitHub: PUT'))
    expect(revoked).toEqual(isDone('Vercel: revokeInstallationCredential') ? [oldToken] : [])
  }
  const calls = sequence.map((_, index) => index + 1)

  test.each(moments)('when a request has %s, in process', async (moment) => {
    skipWaits()
    await runConcurrently(calls, (call) => check(call, moment, false))
  })

  test('at each request, as a process', async () => {
    const momentOf = (call: number) => moments[call % moments.length] as Moment
    await runConcurrently(calls, (call) => check(call, momentOf(call), true))
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
      () => (random() < 0.6 ? { type: 'cut' } : { type: random() < 0.5 ? 'stall' : 'halt' }),
    ])()
  }

  /** @param timeOut  ends the wait for a response that does not come */
  function scenarioOf(seed: number, timeOut: () => void): { scenario: Scenario; revokes: boolean } {
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
      vercel() {
        const fault = isFailing() ? vercelFault(random) : undefined
        if (fault?.type === 'stall' || fault?.type === 'halt') timeOut()
        return fault
      },
      github() {
        const fault = isFailing()
          ? pick<GitHubFault>(random, [...refusals, 'reset', 'reset after', 'stall'])
          : undefined
        if (fault === 'stall') timeOut()
        return fault
      },
      with: { ...place, 'revoke-previous': String(revokes) },
    }
    return { scenario, revokes }
  }

  test('the installation keeps a live credential, and the step reports it correctly: 120 rotations', async () => {
    skipWaits()
    const timeOut = holdTimeouts()
    const seeds = [1000, 2000, 3000, 4000].flatMap((first) => Array.from({ length: 30 }, (_, index) => first + index))
    // It is rare among the random ones.
    const refusedRevocation: Scenario = {
      vercel: ({ operation }) =>
        operation === 'revokeInstallationCredential' ? { type: 'answer', status: 403 } : undefined,
    }
    let kills = 0
    const reported = new Set<string>()
    const check = async ({ scenario, revokes }: ReturnType<typeof scenarioOf>) => {
      const rotation = await rotate(scenario)
      expectLiveCredential(rotation)
      if (!revokes) expect(rotation.revoked).toEqual([])
      if (rotation.isKilled) kills++
      // It may have been killed with its last response.
      if (rotation.isKilled && rotation.step.code !== 0) return
      for (const claim of expectTruthfulReport(rotation, revokes)) reported.add(claim)
    }
    for (const seed of seeds) {
      await check(scenarioOf(seed, timeOut)).catch((error: Error) => {
        throw new Error(`seed ${seed}: ${error.message}`, { cause: error })
      })
    }
    await check({ scenario: refusedRevocation, revokes: true })
    expect(kills).toBeGreaterThan(0)
    expect([...reported].sort()).toEqual(['success', ...claims.map(([wording]) => `${wording}`)].sort())
  })
})
