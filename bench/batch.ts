// Measures a batch of the built action: its rate against a server with a delay, its throughput compared with alternatives
// against a server that responds at once, and its memory. The batch does all its work: it checks, journals and orders.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { invoice } from './invoice.ts'
import { type Program, type Run, run, runAlternately } from './processes.ts'
import { spreadOf, type Table } from './report.ts'

const installationCount = 2000
/** Fewer than records of the other programs, because starting a process for each takes long. */
const curlCount = 1000
const inFlight = 64
const root = join(import.meta.dirname, '..')

/** The temporary folder and the servers of a measurement. */
class Bench {
  readonly folder = mkdtempSync(join(tmpdir(), 'bench-'))
  readonly #servers: ReturnType<typeof spawn>[] = []
  #runs = 0

  /** Starts a server. @returns its URL */
  async serve(delayMs: number): Promise<string> {
    const server = spawn(process.execPath, [join(import.meta.dirname, 'server.mjs'), String(delayMs)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    this.#servers.push(server)
    const [port] = await once(server.stdout, 'data')
    return `http://127.0.0.1:${String(port).trim()}`
  }

  /** Writes a batch file of distinct invoices, for each installation in turn. @returns its path */
  batchOf(count: number): string {
    const path = join(this.folder, `${count}.ndjson`)
    const file = openSync(path, 'w')
    for (let index = 0; index < count; index++) {
      const integrationConfigurationId = installationOf(index)
      writeSync(file, `${JSON.stringify({ integrationConfigurationId, ...invoiceOf(index) })}\n`)
    }
    closeSync(file)
    return path
  }

  /** Writes the same invoices to one file each. @returns the path of a list with the arguments that `xargs` passes to `curl` */
  filesOf(count: number, url: string): string {
    const folder = join(this.folder, 'invoices')
    mkdirSync(folder)
    const lines: string[] = []
    for (let index = 0; index < count; index++) {
      const path = join(folder, `${index}.json`)
      writeFileSync(path, JSON.stringify(invoiceOf(index)))
      lines.push(`${url}/v1/installations/${installationOf(index)}/billing/invoices -d @${path}`)
    }
    const list = join(this.folder, 'list')
    writeFileSync(list, `${lines.join('\n')}\n`)
    return list
  }

  /** The built action, with a new journal for each run. */
  action(url: string, batch: string): Program {
    const { folder } = this
    const files = { GITHUB_OUTPUT: join(folder, 'output'), GITHUB_STEP_SUMMARY: join(folder, 'summary') }
    const env = {
      ...files,
      GITHUB_WORKSPACE: folder,
      RUNNER_TEMP: folder,
      INPUT_OPERATION: 'submitInvoice',
      INPUT_TOKEN: 'bench-token',
      'INPUT_API-URL': url,
      'INPUT_BATCH-FILE': batch,
      INPUT_CONCURRENCY: String(inFlight),
      'INPUT_JOURNAL-FILE': '',
    }
    return {
      name: 'this action',
      args: [join(root, 'dist/index.js')],
      env,
      prepare: () => {
        for (const file of Object.values(files)) writeFileSync(file, '')
        env['INPUT_JOURNAL-FILE'] = join(folder, `journal-${++this.#runs}`)
      },
    }
  }

  close(): void {
    for (const server of this.#servers) server.kill()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

const installationOf = (index: number) => `icfg_${index % installationCount}`
const invoiceOf = (index: number) => ({ ...invoice, externalId: `bench-${index}` })

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
    const rows = []
    for (const count of counts) {
      const batch = bench.batchOf(count)
      const runs = [await run(bench.action(url, batch))]
      const name = `${count.toLocaleString('en')} records`
      rows.push({ name, cells: [spreadOf(runs.map(({ wall }) => wall / 1000)), memoryOf(runs)] })
      rmSync(batch)
    }
    return {
      title: 'Memory of a batch',
      method: `Invoices of 2,000 installations to a server that responds at once, ${inFlight} in flight.`,
      columns: [
        { title: 'wall', unit: 's', digits: 1 },
        { title: 'peak memory', unit: 'MiB', isRatio: true },
      ],
      rows,
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
