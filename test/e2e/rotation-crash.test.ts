// Rotations that are killed at every point of their chain, and that meet whatever else can go wrong: the user is never
// left without a credential, and nothing is lost that was stored.

import type { ChildProcess } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { fingerprint, recordsOf } from '../../src/sandbox/records.ts'
import { type Arrival, type Fault, startSandboxServer } from '../../src/sandbox/server.ts'
import { openStore } from '../../src/sandbox/store.ts'
import { randomFrom } from './batches.ts'
import { type GitHubCall, type GitHubFault, startGitHub } from './github.ts'
import { sideBySide } from './side-by-side.ts'
import { type StepResult, startStep } from './step.ts'

const installation = 'icfg_rotation'
const old = 'old-token-of-the-installation'

/** The calls of a rotation in which nothing goes wrong. */
const chain = [
  'GitHub: GET',
  'Vercel: rotateInstallationCredential',
  'Vercel: getAccountInfo',
  'GitHub: GET',
  'GitHub: PUT',
  'Vercel: revokeInstallationCredential',
]

/** When a process ends, seen from a call that it makes: before the server has worked, after that, or once it is answered. */
const moments = ['arrived', 'worked', 'answered'] as const
type Moment = (typeof moments)[number]

interface Course {
  /** Which call the process does not outlive. */
  readonly kill?: { readonly call: number; readonly moment: Moment } | undefined
  readonly vercel?: (arrival: Arrival) => Fault | undefined
  readonly github?: (call: GitHubCall) => GitHubFault
  readonly with?: Record<string, string>
}

interface Rotation {
  readonly step: StepResult
  /** What arrived where, in the order in which it did. */
  readonly calls: readonly string[]
  /** What Vercel has revoked. */
  readonly revoked: readonly string[]
  readonly issued: readonly string[]
  readonly stored: string | undefined
  readonly isLive: (token: string | undefined) => boolean
}

/** Takes a rotation through its course. What may not happen on the way is held against it as it happens. */
async function rotate(course: Course): Promise<Rotation> {
  const store = openStore()
  const records = recordsOf(store, installation)
  const isLive = (token: string | undefined) =>
    token !== undefined && records.get('credential', fingerprint(token)) === 'live'
  records.put('live', 'credential', fingerprint(old))
  const calls: string[] = []
  const wrong: string[] = []
  const proven = new Set<string>()
  const revoked: string[] = []
  let child: ChildProcess | undefined
  const isFatal = (moment: Moment, call = calls.length) => course.kill?.call === call && course.kill.moment === moment
  /** Whether the call ends the process, and if so, whether it does its work. */
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
    return course.github?.(call)
  }
  github.onAnswer = () => {
    if (isFatal('answered')) child?.kill('SIGKILL')
  }
  github.onStore = (token) => {
    if (!proven.has(token)) wrong.push(`${token} was stored unproven`)
  }
  const vercel = await startSandboxServer({
    store,
    faults(arrival) {
      const killed = killedAt(`Vercel: ${arrival.operation}`)
      if (arrival.operation === 'revokeInstallationCredential') {
        const { token } = arrival.body as { token: string }
        revoked.push(token)
        if (arrival.headers.authorization !== `Bearer ${stored()}`) wrong.push('revoked before the new one was stored')
        if (token !== old) wrong.push(`revoked ${token}`)
      }
      if (killed) return { type: 'drop', work: killed === 'after' }
      return course.vercel?.(arrival)
    },
    onAnswer({ operation, headers, status = 0 }) {
      const [, token = ''] = /^Bearer (.*)$/.exec(headers.authorization ?? '') ?? []
      if (operation === 'getAccountInfo' && status < 300) proven.add(token)
      if (isFatal('answered')) child?.kill('SIGKILL')
    },
  })
  try {
    const started = startStep({
      with: {
        operation: 'rotateInstallationCredential',
        'installation-id': installation,
        token: old,
        'api-url': vercel.url,
        payload: '{"clientId":"oac_1","clientSecret":"client-secret-1"}',
        'store-secret': 'INSTALLATION_TOKEN',
        'github-token': 'github-token-1',
        'revoke-previous': 'true',
        'max-attempts': '2',
        'attempt-timeout': '1',
        'retry-timeout': '4',
        ...course.with,
      },
      env: { GITHUB_API_URL: github.url },
    })
    child = started.child
    const step = await started.done
    expect(wrong).toEqual([])
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

/** What holds of every rotation, however it went. */
function holds({ step, revoked, issued, stored, isLive }: Rotation): void {
  expect(issued.length).toBeLessThanOrEqual(1)
  expect(isLive(old)).toBe(revoked.length === 0)
  if (stored !== undefined) expect(isLive(stored)).toBe(true)
  if (revoked.length > 0) expect(isLive(stored)).toBe(true)
  const { accessToken } = step.outputs
  expect([old, stored, accessToken].some(isLive)).toBe(true)
  if (accessToken !== undefined && accessToken !== old) expect(isLive(accessToken)).toBe(true)
}

/** Of a step that came to its end: it says what is the case. */
function tells({ step, revoked, stored, isLive }: Rotation, revokes: boolean): void {
  const said = step.errors.join('\n')
  if (step.code === 0) {
    expect(said).toBe('')
    expect(step.outputs).toMatchObject({ status: 'accepted', accessToken: stored })
    expect(isLive(old)).toBe(!revokes)
    return
  }
  expect(step.outputs.status).toBe('failed')
  if (/(?:current token still works|Both tokens work|still valid)/.test(said)) expect(revoked).toEqual([])
  if (/is verified and stored/.test(said)) expect(isLive(stored)).toBe(true)
  if (/was not touched/.test(said)) expect(stored).toBeUndefined()
  if (/Both tokens work/.test(said)) expect(isLive(step.outputs.accessToken)).toBe(true)
}

test('the chain is as these tests take it to be', async () => {
  const rotation = await rotate({})
  holds(rotation)
  expect(rotation.step).toMatchObject({ code: 0, errors: [] })
  expect(rotation.calls).toEqual(chain)
})

test.each(moments)('killed at each call of the chain when it has %s', async (moment) => {
  const calls = chain.map((_, index) => index + 1)
  await sideBySide(calls, async (call) => {
    const rotation = await rotate({ kill: { call, moment } })
    holds(rotation)
    const { step, issued, stored, revoked } = rotation
    // The last answer may have got through, and the step to its end.
    if (moment !== 'answered') {
      expect(step.code).toBe(null)
      expect(rotation.calls).toEqual(chain.slice(0, call))
    }
    const isDone = (name: string) => {
      const last = chain.lastIndexOf(name) + 1
      return moment === 'arrived' ? call > last : call >= last
    }
    expect(issued.length).toBe(isDone('Vercel: rotateInstallationCredential') ? 1 : 0)
    expect(stored !== undefined).toBe(isDone('GitHub: PUT'))
    expect(revoked).toEqual(isDone('Vercel: revokeInstallationCredential') ? [old] : [])
  })
})

describe('at random', () => {
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
      // A second for each of them, until the attempt times out.
      () => (random() < 0.6 ? { type: 'cut' } : { type: random() < 0.5 ? 'stall' : 'halt' }),
    ])()
  }

  function courseOf(seed: number): { course: Course; revokes: boolean } {
    const random = randomFrom(seed)
    const trouble = pick(random, [0, 0.2, 0.4])
    const isTroubled = () => random() < trouble
    const revokes = random() < 0.7
    const kill =
      random() < 0.4
        ? { call: 1 + Math.floor(random() * (chain.length + 1)), moment: pick(random, moments) }
        : undefined
    const place = pick(random, [
      {},
      { 'store-secret-environment': 'prod' },
      { 'store-secret-organization': 'octo-org' },
    ])
    const course: Course = {
      kill,
      vercel: () => (isTroubled() ? vercelFault(random) : undefined),
      github: () =>
        isTroubled() ? pick<GitHubFault>(random, [...refusals, 'reset', 'reset after', 'stall']) : undefined,
      with: { ...place, 'revoke-previous': String(revokes) },
    }
    return { course, revokes }
  }

  const groups = [1000, 2000, 3000, 4000]
  test.each(groups)('fifty rotations, seeds from %i', async (first) => {
    const seeds = Array.from({ length: 50 }, (_, index) => first + index)
    await sideBySide(seeds, async (seed) => {
      const { course, revokes } = courseOf(seed)
      const rotation = await rotate(course)
      holds(rotation)
      if (!revokes) expect(rotation.revoked).toEqual([])
      if (rotation.step.code !== null) tells(rotation, revokes)
    })
  })
})
