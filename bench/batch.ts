// A batch through the built action: against a server that takes its time, and, beside what people write today, against
// one that answers at once. Everything is checked, journaled and sent in order.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { invoice } from './invoice.ts'
import { inTurn, type Program, type Run, run } from './processes.ts'
import { spreadOf, type Table } from './report.ts'

const installations = 2000
/** As many as a shell's loop takes some seconds for. */
const curls = 1000
const inFlight = 64
const root = join(import.meta.dirname, '..')

/** A folder and servers for the time of a measurement. */
class Bench {
  readonly folder = mkdtempSync(join(tmpdir(), 'bench-'))
  readonly #servers: ReturnType<typeof spawn>[] = []
  #runs = 0

  async serve(delay: number): Promise<string> {
    const server = spawn(process.execPath, [join(import.meta.dirname, 'server.mjs'), String(delay)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    this.#servers.push(server)
    const [port] = await once(server.stdout, 'data')
    return `http://127.0.0.1:${String(port).trim()}`
  }

  /** A file of different invoices, one installation after another. */
  batchOf(count: number): string {
    const path = join(this.folder, `${count}.ndjson`)
    const file = openSync(path, 'w')
    for (let index = 0; index < count; index++) {
      const integrationConfigurationId = installationOf(index)
      writeSync(file, `${JSON.stringify({ integrationConfigurationId, ...billOf(index) })}\n`)
    }
    closeSync(file)
    return path
  }

  /** The same invoices a file each, and a list of them as `xargs` hands it to `curl`. */
  filesOf(count: number, url: string): string {
    const folder = join(this.folder, 'invoices')
    mkdirSync(folder)
    const lines: string[] = []
    for (let index = 0; index < count; index++) {
      const path = join(folder, `${index}.json`)
      writeFileSync(path, JSON.stringify(billOf(index)))
      lines.push(`${url}/v1/installations/${installationOf(index)}/billing/invoices -d @${path}`)
    }
    const list = join(this.folder, 'list')
    writeFileSync(list, `${lines.join('\n')}\n`)
    return list
  }

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

const installationOf = (index: number) => `icfg_${index % installations}`
const billOf = (index: number) => ({ ...invoice, externalId: `bench-${index}` })

/** Arrivals a second between the first tenth and the last, and what the server allowed, by the time that it took. */
async function ratesAt(url: string): Promise<{ rate: number; possible: number }> {
  const seen = (await (await fetch(`${url}/arrivals`)).json()) as { arrivals: number[]; taken: number }
  const { arrivals, taken } = seen
  const [from, to] = [Math.floor(arrivals.length * 0.1), Math.floor(arrivals.length * 0.9)]
  const rate = ((to - from) * 1000) / ((arrivals[to] ?? 0) - (arrivals[from] ?? 0))
  return { rate, possible: (inFlight * 1000) / taken }
}

/** How much of what the network allows arrives at the server. */
export async function measureRate(records = 20_000, rounds = 3): Promise<Table> {
  const bench = new Bench()
  try {
    const url = await bench.serve(50)
    const programs: Program[] = [
      {
        name: 'a bare loop over `node:http`',
        args: [join(import.meta.dirname, 'http-loop.mjs'), url, String(records), String(inFlight)],
        env: {},
      },
      bench.action(url, bench.batchOf(records)),
    ]
    const rates = new Map<string, number[]>(programs.map(({ name }) => [name, []]))
    const allowed: number[] = []
    for (let round = 0; round < rounds; round++) {
      for (const program of programs) {
        await run(program)
        const { rate, possible } = await ratesAt(url)
        rates.get(program.name)?.push(rate)
        allowed.push(possible)
      }
    }
    return {
      title: 'A batch over a network',
      method: `${records.toLocaleString('en')} invoices of 2,000 installations to a server that waits for 50 ms before it answers, ${inFlight} in flight: requests a second as they arrive there, between the first tenth and the last. Possible is ${inFlight} by the time that it has taken in truth, since timers are late; ${inFlight} ÷ 50 ms would be ${((inFlight * 1000) / 50).toLocaleString('en')}/s. The loop sends the same text again and again.`,
      columns: [{ title: 'rate', unit: '/s', isRatio: true }],
      rows: [
        { name: 'possible', cells: [spreadOf(allowed)] },
        ...programs.map(({ name }) => ({ name, cells: [spreadOf(rates.get(name) ?? [])] })),
      ],
    }
  } finally {
    bench.close()
  }
}

/** Beside a loop over the SDK's own calls, and beside curl. */
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
          ...['-a', bench.filesOf(curls, url), '-P', '16', '-n', '3'],
          ...['curl', '-sSf', '-o', '/dev/null', '-H', 'authorization: Bearer bench-token'],
          ...['-H', 'content-type: application/json'],
        ],
        env: {},
      },
    ]
    const measured = await inTurn(programs, rounds)
    return {
      title: 'A batch beside what else there is',
      method: `${records.toLocaleString('en')} invoices (${curls.toLocaleString('en')} for curl) of 2,000 installations to a server on the same machine that answers at once, ${inFlight} in flight; whole processes, start and end included. The loop and curl check, order, retry and record nothing.`,
      columns: [
        { title: 'throughput', unit: '/s', isRatio: true },
        { title: 'peak memory', unit: 'MiB', isRatio: true },
      ],
      rows: programs.map(({ name, command }) => {
        const runs = measured.get(name) ?? []
        const count = command ? curls : records
        return { name, cells: [spreadOf(runs.map(({ wall }) => (count * 1000) / wall)), memoryOf(runs)] }
      }),
    }
  } finally {
    bench.close()
  }
}

/** Memory by the number of records. It takes minutes. */
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
      method: `Invoices of 2,000 installations to a server that answers at once, ${inFlight} in flight.`,
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

function memoryOf(runs: readonly Run[]) {
  const peaks = runs.flatMap(({ memory }) => (memory === undefined ? [] : [memory]))
  return peaks.length === 0 ? undefined : spreadOf(peaks)
}
