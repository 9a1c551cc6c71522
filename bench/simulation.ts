// Simulates batches: the action's own scheduler and limiter run on a virtual clock, against simulated servers. `npm run
// bench:simulation` prints the figures of docs/scaling.md: how long a batch takes, and how well it uses a rate limit.

import { rateLimitRows, type Simulation, simulate } from './rate-limits.ts'

const formatLimit = (value: number) => (Number.isFinite(value) ? value.toLocaleString('en') : 'no limit')
const maxInstallations = Number(process.argv[2] ?? 1_000_000)

console.log('| installations | requests per minute | shards | minutes, 16 at once | minutes, 64 at once |')
console.log('| ---: | ---: | ---: | ---: | ---: |')
for (const [installations, perMinute, shards] of [
  [10_000, Number.POSITIVE_INFINITY, 1],
  [10_000, 6000, 1],
  [100_000, Number.POSITIVE_INFINITY, 1],
  [100_000, Number.POSITIVE_INFINITY, 4],
  [100_000, 60_000, 4],
  [1_000_000, Number.POSITIVE_INFINITY, 4],
  [1_000_000, Number.POSITIVE_INFINITY, 16],
  [1_000_000, 60_000, 4],
] as const) {
  if (installations > maxInstallations) continue
  const limit = { kind: 'window', requests: perMinute, periodMs: 60_000, hints: 'X-RateLimit-Reset' } as const
  const plan: Simulation = {
    records: installations,
    installations,
    shards,
    ...(Number.isFinite(perMinute) && { limit }),
  }
  const minutes: string[] = []
  for (const concurrency of [16, 64]) minutes.push(((await simulate({ ...plan, concurrency })).ms / 60_000).toFixed(1))
  console.log(`| ${formatLimit(installations)} | ${formatLimit(perMinute)} | ${shards} | ${minutes.join(' | ')} |`)
}

const percent = (share: number) => `${(share * 100).toFixed(1)} %`
console.log('\n| the limit | what it tells | of the limit used | 429s |')
console.log('| --- | --- | ---: | ---: |')
for (const { name, plan } of rateLimitRows) {
  const { goodput, throttledShare } = await simulate(plan)
  // The last window is used at its beginning, so that a batch can end before the time that the limit allows on average.
  const used = Math.min(1, goodput ?? 0)
  console.log(`| ${name} | ${plan.limit.hints} | ${percent(used)} | ${percent(throttledShare)} |`)
}
