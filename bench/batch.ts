// Measures a batch of the built action: its rate against a server with a delay, its throughput compared with alternatives
// against a server that responds at once, and its memory. The batch does all its work: it checks, journals and orders.

import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { Bench, inFlight } from './bench.ts'
import { type Program, type Run, run, runAlternately } from './processes.ts'
import { type Row, spreadOf, type Table } from './report.ts'

/** Fewer than records of the other programs, because starting a process for each takes long. */
const curlCount = 1000

/**
 * Reads the rate at which requests arrived at a server, without the first and the last tenth of them, and the highest rate
 * that its response time allows. Both are in requests per second.
 */
async function ratesAt(url: string): Promise<{ rate: number; maximum: number }> {
  const response = await fetch(`${url}/arrivals`)
  const { arrivals, meanResponseMs } = (await response.json()) as { arrivals: number[]; meanResponseMs: number }
  const [from, to] = [Math.floor(arrivals.length * 0.1), Math.floor(arrivals.length * 0.9)]
  const rate = ((to - from) * 1000) / ((arrivals[to] ?? 0) - (arrivals[from] ?? 0))
  return { rate, maximum: (inFlight * 1000) / meanResponseMs }
}

/** Measures how much of the rate that the network allows the action reaches. */
export async function measureRate(records = 20_000, rounds = 3): Promise<Table> {
  const bench = new Bench()
  try {
    const url = await bench.serve(50)
    const programs: Program[] = [
      {
        name: 'a loop over `node:http`',
        args: [join(import.meta.dirname, 'http-loop.mjs'), url, String(records), String(inFlight)],
        env: {},
      },
      bench.action(url, bench.batchOf(records)),
    ]
    const rates = new Map<string, number[]>(programs.map(({ name }) => [name, []]))
    const maxima: number[] = []
    for (let round = 0; round < rounds; round++) {
      for (const program of programs) {
        await run(program)
        const { rate, maximum } = await ratesAt(url)
        rates.get(program.name)?.push(rate)
        maxima.push(maximum)
      }
    }
    return {
      title: 'A batch over a network',
      method: `${records.toLocaleString('en')} invoices of 2,000 installations to a server that responds after 50 ms, ${inFlight} in flight: requests per second as they arrive there, without the first and the last tenth. The maximum is ${inFlight} divided by the measured response time, which exceeds 50 ms because timers fire late; ${inFlight} ÷ 50 ms would be ${((inFlight * 1000) / 50).toLocaleString('en')}/s. The loop sends the same body each time.`,
      columns: [{ title: 'rate', unit: '/s', isRatio: true }],
      rows: [
        { name: 'maximum', cells: [spreadOf(maxima)] },
        ...programs.map(({ name }) => ({ name, cells: [spreadOf(rates.get(name) ?? [])] })),
      ],
    }
  } finally {
    bench.close()
  }
}

/** Compares the throughput with a loop over the SDK's calls, and with curl. */
export async function measureBatch(records = 20_000, rounds = 5): Promise<Table> {
  const bench = new Bench()
  try {
    const url = await bench.serve(0)
    const batch = bench.batchOf(records)
    const programs: Program[] = [
      {
        name: 'loop over the SDK',
        args: [join(import.meta.dirname, 'sdk-loop.mjs'), url, batch, String(inFlight)],
        env: {},
      },
      bench.action(url, batch),
      {
        ...bench.action(url, batch, { 'report-file': 'report.csv' }),
        name: 'this action, with a report',
      },
      {
        name: 'xargs -P16 curl',
        command: 'xargs',
        args: [
          ...['-a', bench.filesOf(curlCount, url), '-P', '16', '-n', '3'],
          ...['curl', '-sSf', '-o', '/dev/null', '-H', 'authorization: Bearer bench-token'],
          ...['-H', 'content-type: application/json'],
        ],
        env: {},
      },
    ]
    const measured = await runAlternately(programs, rounds)
    return {
      title: 'A batch compared with alternatives',
      method: `${records.toLocaleString('en')} invoices (${curlCount.toLocaleString('en')} for curl) of 2,000 installations to a server on the same machine that responds at once, ${inFlight} in flight; whole processes, including start and exit. The loop and curl do not check, order, retry or record anything.`,
      columns: [
        { title: 'throughput', unit: '/s', isRatio: true },
        { title: 'peak memory', unit: 'MiB', isRatio: true },
      ],
      rows: programs.map(({ name, command }) => {
        const runs = measured.get(name) ?? []
        const count = command ? curlCount : records
        return { name, cells: [spreadOf(runs.map(({ wall }) => (count * 1000) / wall)), memoryOf(runs)] }
      }),
    }
  } finally {
    bench.close()
  }
}

/** Measures the peak memory for batches of different sizes. It takes minutes. */
export async function measureMemory(counts: readonly number[] = [10_000, 100_000, 1_000_000]): Promise<Table> {
  const bench = new Bench()
  try {
    const url = await bench.serve(0)
    const [sent, merged]: [Row[], Row[]] = [[], []]
    const cellsOf = (measured: Run) => [spreadOf([measured.wall / 1000]), memoryOf([measured])]
    for (const count of counts) {
      const batch = bench.batchOf(count)
      const name = `${count.toLocaleString('en')} records`
      sent.push({ name, cells: cellsOf(await run(bench.action(url, batch))) })
      merged.push({ name: `${name}, merged`, cells: cellsOf(await run(bench.merge())) })
      rmSync(batch)
    }
    return {
      title: 'Memory of a batch',
      method: `Invoices of 2,000 installations to a server that responds at once, ${inFlight} in flight; and then mergeJournals with the journal of the batch.`,
      columns: [
        { title: 'wall', unit: 's', digits: 1 },
        { title: 'peak memory', unit: 'MiB', isRatio: true },
      ],
      rows: [...sent, ...merged],
    }
  } finally {
    bench.close()
  }
}

/** The peak memory in MiB; undefined if it was not measured. */
function memoryOf(runs: readonly Run[]) {
  const peaks = runs.flatMap(({ memory }) => (memory === undefined ? [] : [memory]))
  return peaks.length === 0 ? undefined : spreadOf(peaks)
}
