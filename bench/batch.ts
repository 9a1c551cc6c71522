// A batch through the built action: against a server that takes its time, and, beside what people write today, against
// one that answers at once. `npm run bench:batch -- RECORDS ROUNDS`

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { invoice } from './invoice.ts'
import { inTurn, median, type Program } from './processes.ts'

const records = Number(process.argv[2] ?? 20_000)
const rounds = Number(process.argv[3] ?? 3)
const installations = 2000
const root = join(import.meta.dirname, '..')
const folder = mkdtempSync(join(tmpdir(), 'bench-'))
const servers: ChildProcess[] = []

async function serve(delay: number): Promise<string> {
  const server = spawn(process.execPath, [join(import.meta.dirname, 'server.mjs'), String(delay)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  servers.push(server)
  const [port] = await once(server.stdout, 'data')
  return `http://127.0.0.1:${String(port).trim()}`
}

/** A file of different invoices, one installation after another. */
function batchOf(count: number): string {
  const path = join(folder, `${count}.ndjson`)
  const file = openSync(path, 'w')
  for (let index = 0; index < count; index++) {
    const record = {
      integrationConfigurationId: `icfg_${index % installations}`,
      ...invoice,
      externalId: `bench-${index}`,
    }
    writeSync(file, `${JSON.stringify(record)}\n`)
  }
  closeSync(file)
  return path
}

let runs = 0

function action(name: string, url: string, batch: string, concurrency: number): Program {
  const summary = join(folder, 'summary')
  const output = join(folder, 'output')
  for (const file of [summary, output]) writeFileSync(file, '')
  return {
    name,
    args: [join(root, 'dist/index.js')],
    get env() {
      return {
        GITHUB_OUTPUT: output,
        GITHUB_STEP_SUMMARY: summary,
        GITHUB_WORKSPACE: folder,
        RUNNER_TEMP: folder,
        INPUT_OPERATION: 'submitInvoice',
        INPUT_TOKEN: 'bench-token',
        'INPUT_API-URL': url,
        'INPUT_BATCH-FILE': batch,
        'INPUT_JOURNAL-FILE': join(folder, `journal-${++runs}`),
        INPUT_CONCURRENCY: String(concurrency),
      }
    },
  }
}

/** Arrivals a second between the first tenth and the last. */
async function rateAt(url: string): Promise<number> {
  const arrivals = (await (await fetch(`${url}/arrivals`)).json()) as number[]
  const [from, to] = [Math.floor(arrivals.length * 0.1), Math.floor(arrivals.length * 0.9)]
  return ((to - from) * 1000) / ((arrivals[to] ?? 0) - (arrivals[from] ?? 0))
}

try {
  const batch = batchOf(records)
  const slow = await serve(50)
  await inTurn([action('slow', slow, batch, 64)], 1)
  await fetch(`${slow}/arrivals`)
  await inTurn([action('slow', slow, batch, 64)], 0)
  const rate = await rateAt(slow)
  const possible = 64 / 0.05
  console.log(
    `50 ms an answer, 64 in flight: ${rate.toFixed(0)}/s, ${((rate / possible) * 100).toFixed(1)} % of ${possible}/s`,
  )

  const fast = await serve(0)
  const programs: Program[] = [
    { name: 'SDK loop', args: [join(import.meta.dirname, 'sdk-loop.mjs'), fast, batch, '64'], env: {} },
    action('action', fast, batch, 64),
  ]
  const measured = await inTurn(programs, rounds)
  const figures = programs.map(({ name }) => {
    const each = measured.get(name) ?? []
    return {
      name,
      rate: records / (median(each.map(({ wall }) => wall)) / 1000),
      memory: median(each.map(({ memory }) => memory)),
    }
  })
  const [base] = figures
  for (const { name, rate, memory } of figures) {
    const ratio = (value: number, of: number) => `${(value / of).toFixed(2)} ×`
    console.log(
      `${name.padEnd(10)} ${rate.toFixed(0).padStart(6)}/s ${ratio(rate, base?.rate ?? 1)}  ${memory.toFixed(1).padStart(7)} MiB ${ratio(memory, base?.memory ?? 1)}`,
    )
  }
} finally {
  for (const server of servers) server.kill()
  rmSync(folder, { recursive: true, force: true })
}
