// What delivery adds to an exchange with a server that answers at once. A step makes one: the first counts.

import { execFile } from 'node:child_process'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { median } from './processes.ts'

type Times = Record<'transport' | 'sdk' | 'loop', number>

const rounds = Number(process.argv[2] ?? 31)
const server = createServer((incoming, outgoing) => {
  incoming.resume().on('end', () => {
    outgoing.writeHead(200, { 'content-type': 'application/json', 'x-vercel-id': 'bench' }).end('{"invoiceId":"inv_1"}')
  })
})
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
const run = promisify(execFile)

try {
  const runs: Record<'first' | 'later', Times>[] = []
  while (runs.length < rounds) {
    const { stdout } = await run(process.execPath, [join(import.meta.dirname, 'exchanges.ts'), url])
    runs.push(JSON.parse(stdout))
  }
  console.log(`${'an exchange'.padEnd(24)}  first call       later`)
  for (const part of ['transport', 'sdk', 'loop'] as const) {
    const [first, later] = (['first', 'later'] as const).map((which) => median(runs.map((times) => times[which][part])))
    console.log(`${part.padEnd(24)} ${first?.toFixed(3).padStart(8)} ms ${later?.toFixed(3).padStart(8)} ms`)
  }
} finally {
  server.close()
}
