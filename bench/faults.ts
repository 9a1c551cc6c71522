// Measures the built action against servers that throttle, or that are away for some seconds.

import { Bench, inFlight } from './bench.ts'
import type { ServerFault, ServerReport } from './faulty-server.ts'
import { run } from './processes.ts'
import type { ServerLimit } from './rate-limits.ts'
import { type Row, spreadOf, type Table } from './report.ts'

interface FaultyRun {
  /** In seconds. */
  readonly wall: number
  readonly report: ServerReport
  /** How many records failed. */
  readonly failed: number
}

/** Runs a batch against a faulty server. @param exitCode  the expected one */
async function runAgainst(
  fault: ServerFault,
  { records, installations, exitCode = 0 }: { records: number; installations: number; exitCode?: number },
): Promise<FaultyRun> {
  const bench = new Bench()
  try {
    const url = await bench.start('faulty-server.ts', JSON.stringify(fault))
    const { wall } = await run({ ...bench.action(url, bench.batchOf(records, installations)), exitCode })
    const report = (await (await fetch(`${url}/report`)).json()) as ServerReport
    return { wall: wall / 1000, report, failed: Number(bench.output('failed')) }
  } finally {
    bench.close()
  }
}

const perSecond = { kind: 'window', requests: 100, periodMs: 1000 } as const
const limits: readonly (readonly [name: string, limit: ServerLimit])[] = [
  ['100 per second, `Retry-After`', { ...perSecond, hints: 'Retry-After' }],
  ['100 per second, `X-RateLimit-Remaining`', { ...perSecond, hints: 'X-RateLimit-Remaining' }],
  [
    'bucket of 20, 100 per second, `Retry-After`',
    { kind: 'bucket', requests: 100, periodMs: 1000, burst: 20, hints: 'Retry-After' },
  ],
  [
    '5 per second for each of 40 installations, `Retry-After`',
    { ...perSecond, requests: 5, perInstallation: true, hints: 'Retry-After' },
  ],
]

/** Measures how much of a rate limit the action uses. */
export async function measureLimits(seconds = 50): Promise<Table> {
  const rows: Row[] = []
  for (const [name, limit] of limits) {
    const installations = limit.perInstallation ? 40 : 200
    const records = (seconds * 1000 * limit.requests * (limit.perInstallation ? installations : 1)) / limit.periodMs
    const { report } = await runAgainst({ limit }, { records, installations })
    const { accepted, throttled, ms } = report
    const perMs = (limit.requests * (limit.perInstallation ? installations : 1)) / limit.periodMs
    // The last window is used at its beginning.
    const used = Math.min(1, (accepted - limit.requests) / (ms * perMs))
    rows.push({ name, cells: [spreadOf([used * 100]), spreadOf([(throttled * 100) / (accepted + throttled)])] })
  }
  return {
    title: 'A batch under rate limits',
    method: `As many invoices as the limit allows in ${seconds} s, ${inFlight} in flight, to a server that responds after 100 ms: how much of the limit is used, and how many responses are a 429. One run each. [Scaling](scaling.md) has more limits, simulated.`,
    columns: [
      { title: 'of the limit used', unit: '%', digits: 1 },
      { title: '429s', unit: '%', digits: 1 },
    ],
    rows,
  }
}

/** Measures what a throttled installation, and an outage, cost the rest of a batch. */
export async function measureFaults(records = 6000): Promise<Table> {
  const plan = { records, installations: 200 }
  const throttledInstallation = { id: 'icfg_7', retryAfter: 3600 }
  const runs: readonly (readonly [name: string, run: FaultyRun])[] = [
    ['no fault', await runAgainst({}, plan)],
    [
      'one of 200 installations is throttled for an hour',
      await runAgainst({ throttledInstallation }, { ...plan, exitCode: 1 }),
    ],
    ['the port is closed for 5 s', await runAgainst({ outage: { afterRequests: records / 2, ms: 5000 } }, plan)],
  ]
  return {
    title: 'Faults during a batch',
    method: `${records.toLocaleString('en')} invoices of 200 installations, ${inFlight} in flight, to a server that responds after 100 ms. Whole processes, one run each. The records of the throttled installation fail, and no others do.`,
    columns: [
      { title: 'wall', unit: 's', digits: 1 },
      { title: 'failed', unit: 'records' },
    ],
    rows: runs.map(([name, { wall, failed }]) => ({ name, cells: [spreadOf([wall]), spreadOf([failed])] })),
  }
}
