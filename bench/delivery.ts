// What delivery adds to an exchange with a server that answers at once. A step makes one: the first counts.

import { execFile } from 'node:child_process'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { spreadOf, type Table } from './report.ts'

type Times = Record<'transport' | 'sdk' | 'loop', number>

const run = promisify(execFile)
const parts = [
  ['transport', 'the request on the wire'],
  ['sdk', 'the SDK around it'],
  ['loop', 'attempts, classes and limits around that'],
] as const

export async function measureDelivery(rounds = 31): Promise<Table> {
  const server = createServer((incoming, outgoing) => {
    incoming.resume().on('end', () => {
      const headers = { 'content-type': 'application/json', 'x-vercel-id': 'bench' }
      outgoing.writeHead(200, headers).end('{"invoiceId":"inv_1"}')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  try {
    const runs: Record<'first' | 'later', Times>[] = []
    while (runs.length < rounds) {
      const { stdout } = await run(process.execPath, [join(import.meta.dirname, 'exchanges.ts'), url])
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
