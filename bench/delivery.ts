// What delivery adds to an exchange with a server that answers at once. A step makes one: the first counts.

import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { answerInvoices } from './listen.ts'
import { spreadOf, type Table } from './report.ts'

type Times = Record<'transport' | 'sdk' | 'loop', number>

const run = promisify(execFile)
const parts = [
  ['transport', 'the request on the wire'],
  ['sdk', 'the SDK around it'],
  ['loop', 'attempts, classes and limits around that'],
] as const

export async function measureDelivery(rounds = 31): Promise<Table> {
  const server = await answerInvoices()
  try {
    const runs: Record<'first' | 'later', Times>[] = []
    while (runs.length < rounds) {
      const { stdout } = await run(process.execPath, [join(import.meta.dirname, 'exchanges.ts'), server.url])
      runs.push(JSON.parse(stdout))
    }
    return {
      title: 'An exchange',
      method:
        'Where the time of one request goes, within the process: of the first, as in a step, and of those after it, as in a batch.',
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
