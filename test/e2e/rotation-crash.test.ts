// A rotation that is killed, refused or cut off at any point: which credentials are live, and which the user holds.

import type { ChildProcess } from 'node:child_process'
import { expect, test } from 'vitest'
import { fingerprint, recordsOf } from '../../src/sandbox/records.ts'
import type { Fault } from '../../src/sandbox/server.ts'
import { openStore } from '../../src/sandbox/store.ts'
import { installationOf, listening, randomFrom } from './batches.ts'
import { type GitHubCall, type GitHubFault, startGitHub } from './github.ts'
import { type StepResult, startStep } from './step.ts'

/** The calls of the chain, in their order. */
const chain = ['reach', 'rotate', 'prove', 'key', 'store', 'revoke'] as const
type Call = (typeof chain)[number]
const atVercel: Partial<Record<string, Call>> = {
  rotateInstallationCredential: 'rotate',
  getAccountInfo: 'prove',
  revokeInstallationCredential: 'revoke',
}

/** What becomes of one request. `kill` ends the step as it arrives, `kill after` once the work is done. */
type Fate = 'pass' | 'refuse' | 'fail' | 'reset' | 'reset after' | 'stall' | 'kill' | 'kill after'
type Fates = (call: Call) => Fate

const vercelFaults: Record<Fate, Fault | undefined> = {
  pass: undefined,
  refuse: { type: 'answer', status: 403 },
  fail: { type: 'answer', status: 503 },
  reset: { type: 'drop', work: false },
  'reset after': { type: 'drop', work: true },
  stall: { type: 'stall' },
  kill: { type: 'drop', work: false },
  'kill after': { type: 'drop', work: true },
}
const githubFaults: Record<Fate, GitHubFault> = {
  pass: undefined,
  refuse: 403,
  fail: 503,
  reset: 'reset',
  'reset after': 'reset after',
  stall: 'stall',
  kill: 'reset',
  'kill after': 'reset after',
}

interface Ended {
  readonly step: StepResult
  readonly isKilled: boolean
  /** What arrived, in its order. */
  readonly trace: readonly Call[]
  readonly isLive: (token: string) => boolean
  readonly stored: string | undefined
  readonly old: string
  /** The same once more, and nothing goes wrong. */
  readonly again: () => Promise<Ended>
}

interface Run {
  readonly trace: Call[]
  readonly child: () => ChildProcess
  readonly fates: Fates
}

/** A Vercel and a GitHub for many rotations at once, each of an installation and an environment of its own. */
async function scene() {
  const store = openStore()
  const runs = new Map<string, Run>()
  const strike = (name: string, call: Call): Fate => {
    const { trace, child, fates } = runs.get(name) as Run
    trace.push(call)
    const fate = fates(call)
    if (fate.startsWith('kill')) child().kill('SIGKILL')
    return fate
  }
  const vercel = await listening({
    store,
    faults: (arrival) => vercelFaults[strike(installationOf(arrival), atVercel[arrival.operation ?? ''] as Call)],
  })
  const github = await startGitHub()
  const environmentOf = ({ path }: GitHubCall) => path.split('/')[5] ?? ''
  github.faults = (call) => {
    const name = environmentOf(call)
    const reading = runs.get(name)?.trace.includes('rotate') ? 'key' : 'reach'
    return githubFaults[strike(name, call.method === 'PUT' ? 'store' : reading)]
  }

  async function rotate(name: string, fates: Fates, token = `old-token-of-${name}`): Promise<Ended> {
    const trace: Call[] = []
    const credentials = recordsOf(store, name)
    // As Vercel handed it out.
    if (credentials.list('credential').size === 0) {
      credentials.put('live', 'credential', fingerprint(token))
    }
    const { child, done } = startStep({
      with: {
        operation: 'rotateInstallationCredential',
        'installation-id': name,
        token,
        'api-url': vercel.url,
        payload: JSON.stringify({ clientId: 'oac_1', clientSecret: 'client-secret-1' }),
        'store-secret': 'INSTALLATION_TOKEN',
        'store-secret-environment': name,
        'github-token': 'github-token-1',
        'revoke-previous': 'true',
        'max-attempts': '2',
        'attempt-timeout': '1',
        'retry-timeout': '3',
      },
      env: { GITHUB_API_URL: github.url },
    })
    runs.set(name, { trace, child: () => child, fates })
    const step = await done
    const stored = github.secrets.get(`/repos/octo-org/octo-repo/environments/${name}/secrets/INSTALLATION_TOKEN`)
    return {
      step,
      isKilled: child.signalCode === 'SIGKILL',
      trace,
      isLive: (one) => credentials.get('credential', fingerprint(one)) === 'live',
      stored,
      old: token,
      again: () => rotate(name, () => 'pass', stored ?? token),
    }
  }
  return { rotate }
}

/** What holds wherever a rotation stopped. */
function isUsable({ step, isKilled, trace, isLive, stored, old }: Ended, what: string): void {
  const { accessToken } = step.outputs
  const held = [old, stored, accessToken].filter((token) => token !== undefined)
  expect(held.some(isLive), `${what}: a credential is live that the user holds`).toBe(true)
  if (stored !== undefined) expect(isLive(stored), `${what}: the stored one is live`).toBe(true)
  if (!isLive(old)) expect(stored, `${what}: revoked only once another is stored`).toBeDefined()
  expect(new Set(trace), `${what}: in the order of the chain`).toEqual(new Set(chain.slice(0, new Set(trace).size)))
  expect(trace.filter((call) => call === 'rotate').length, `${what}: rotated once at most`).toBeLessThanOrEqual(1)
  const order = trace.map((call) => chain.indexOf(call))
  expect(order, what).toEqual([...order].sort())
  if (isKilled) return
  const { code, errors } = step
  if (code === 0) {
    expect(stored, what).toBe(accessToken)
    expect(isLive(old), what).toBe(false)
  } else if (trace.includes('rotate')) {
    const says = /present token goes on working|Both tokens work|The new token works|outcome is unknown|refused rotate/
    expect(errors.join('\n'), `${what}: says which one works`).toMatch(says)
  }
}

test.each(chain.flatMap((call) => [[call, 'kill'] as const, [call, 'kill after'] as const]))(
  'killed at the call %s (%s), it leaves a credential that the user holds, and the next run succeeds',
  async (at, fate) => {
    const { rotate } = await scene()
    const first = await rotate('icfg_1', (call) => (call === at ? fate : 'pass'))
    expect(first.isKilled).toBe(true)
    expect(first.trace.at(-1)).toBe(at)
    isUsable(first, `${at} ${fate}`)
    const isStored = chain.indexOf(at) > chain.indexOf('store') || (at === 'store' && fate === 'kill after')
    expect(first.stored !== undefined).toBe(isStored)
    const isRevoked = at === 'revoke' && fate === 'kill after'
    expect(first.isLive(first.old)).toBe(!isRevoked)
    const second = await first.again()
    expect(second.step).toMatchObject({ code: 0, errors: [] })
    isUsable(second, 'again')
  },
)

const bad: readonly Fate[] = ['refuse', 'fail', 'reset', 'reset after', 'stall', 'kill', 'kill after']

test.each([1, 2, 3, 4])(
  'fifty rotations to which anything happens, seeds from %i000',
  { timeout: 120_000 },
  async (first) => {
    const { rotate } = await scene()
    const seeds = Array.from({ length: 50 }, (_, index) => first * 1000 + index)
    const ends = { killed: 0, failed: 0, done: 0 }
    async function work(): Promise<void> {
      for (let seed = seeds.shift(); seed !== undefined; seed = seeds.shift()) {
        const random = randomFrom(seed)
        const ended = await rotate(`icfg_${seed}`, () =>
          random() < 0.75 ? 'pass' : (bad[Math.floor(random() * bad.length)] as Fate),
        )
        isUsable(ended, `seed ${seed}: ${ended.trace.join(', ')}\n${ended.step.log}`)
        ends[ended.isKilled ? 'killed' : ended.step.code === 0 ? 'done' : 'failed']++
      }
    }
    await Promise.all(Array.from({ length: 10 }, work))
    expect(Math.min(...Object.values(ends)), JSON.stringify(ends)).toBeGreaterThan(3)
  },
)
