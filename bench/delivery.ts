// Measures what the delivery of a request adds to the HTTP exchange, with a server that responds at once. A step makes a
// single request, so the first exchange of a process matters as much as the later ones.

import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { startInvoiceServer } from './loopback-server.ts'
import { spreadOf, type Table } from './report.ts'

type Times = Record<'transport' | 'sdk' | 'loop', number>

const run = promisify(execFile)
const parts = [
  ['transport', 'the HTTP exchange'],
  ['sdk', 'the SDK'],
  ['loop', 'the retry loop around them'],
] as const

/** @param rounds  the number of processes to run */
export async function measureDelivery(rounds = 31): Promise<Table> {
  const server = await startInvoiceServer()
  try {
    const runs: Record<'first' | 'later', Times>[] = []
    while (runs.length < rounds) {
      const { stdout } = await run(process.execPath, [join(import.meta.dirname, 'exchange-process.ts'), server.url])
      runs.push(JSON.parse(stdout))
    }
    return {
      title: 'An exchange',
      method:
        'The time of each part of a request, measured within the process: for the first request, as in a step, and for later ones, as in a batch.',
      columns: [
        { title: 'first', unit: 'ms', digits: 3 },
        { title: 'later', unit: 'ms', digits: 3 },
      ],
      rows: parts.map(([part, name]) => ({
        name,
        cells: (['first', 'later'] as const).map((which) => spreadOf(runs.map((times) => times[which][part]))),
      })),
    }
  } finally {
    server.close()
  }
}
