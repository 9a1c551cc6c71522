// One step, as the runner starts it, against a bare script that makes the same POST with `fetch`.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { invoice } from './invoice.ts'
import { inTurn, median, type Program } from './processes.ts'

const rounds = Number(process.argv[2] ?? 31)
const root = join(import.meta.dirname, '..')
const folder = mkdtempSync(join(tmpdir(), 'bench-'))
const server = createServer((incoming, outgoing) => {
  incoming.resume().on('end', () => {
    outgoing.writeHead(200, { 'content-type': 'application/json', 'x-vercel-id': 'bench' }).end('{"invoiceId":"inv_1"}')
  })
})
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

const files = { GITHUB_OUTPUT: join(folder, 'output'), GITHUB_STEP_SUMMARY: join(folder, 'summary') }
for (const file of Object.values(files)) writeFileSync(file, '')
const step = (name: string, inputs: Record<string, string>): Program => ({
  name,
  args: [join(root, 'dist/index.js')],
  env: {
    ...files,
    GITHUB_WORKSPACE: folder,
    INPUT_TOKEN: 'bench-token',
    'INPUT_API-URL': url,
    'INPUT_INSTALLATION-ID': 'icfg_bench',
    ...inputs,
  },
})
const json = JSON.stringify(invoice)
const yaml = `externalId: bench-1
invoiceDate: ${invoice.invoiceDate}
period: { start: '${invoice.period.start}', end: '${invoice.period.end}' }
items:
  - { billingPlanId: pro, name: Storage, price: '1.50', quantity: 2.5, units: GB, total: '3.75' }
`
const floor: Program = {
  name: 'fetch',
  args: [join(import.meta.dirname, 'floor.mjs'), `${url}/v1/installations/icfg_bench/billing/invoices`, json],
  env: {},
}
const programs = [
  floor,
  step('submitInvoice, JSON', { INPUT_OPERATION: 'submitInvoice', INPUT_PAYLOAD: json }),
  step('submitInvoice, YAML', { INPUT_OPERATION: 'submitInvoice', INPUT_PAYLOAD: yaml }),
  step('submitInvoice, dry run', { INPUT_OPERATION: 'submitInvoice', INPUT_PAYLOAD: json, 'INPUT_DRY-RUN': 'true' }),
]

try {
  const runs = await inTurn(programs, rounds)
  const figures = programs.map(({ name }) => {
    const measured = runs.get(name) ?? []
    return {
      name,
      wall: median(measured.map(({ wall }) => wall)),
      memory: median(measured.map(({ memory }) => memory)),
    }
  })
  const [base] = figures
  for (const { name, wall, memory } of figures) {
    const ratio = (value: number, of: number) => `${(value / of).toFixed(2)} ×`
    console.log(
      `${name.padEnd(24)} ${wall.toFixed(1).padStart(7)} ms ${ratio(wall, base?.wall ?? 1)}  ${memory.toFixed(1).padStart(7)} MiB ${ratio(memory, base?.memory ?? 1)}`,
    )
  }
} finally {
  server.close()
  rmSync(folder, { recursive: true, force: true })
}
