// A batch written with the SDK alone: a loop with a fixed number of calls at once. It checks nothing and records nothing.
// `node sdk-loop.mjs URL FILE CONCURRENCY`

import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { VercelCore } from '@vercel/sdk/core.js'
import { marketplaceSubmitInvoice } from '@vercel/sdk/funcs/marketplaceSubmitInvoice.js'

const [, , url, file, concurrency] = process.argv
const client = new VercelCore({ serverURL: url, bearerToken: 'bench-token' })
const lines = createInterface({ input: createReadStream(file) })[Symbol.asyncIterator]()

async function worker() {
  for (;;) {
    const { value, done } = await lines.next()
    if (done) return
    const { integrationConfigurationId, ...body } = JSON.parse(value)
    const period = { start: new Date(body.period.start), end: new Date(body.period.end) }
    const requestBody = { ...body, invoiceDate: new Date(body.invoiceDate), period }
    const result = await marketplaceSubmitInvoice(client, { integrationConfigurationId, requestBody })
    if (!result.ok) throw result.error
  }
}

await Promise.all(Array.from({ length: Number(concurrency) }, worker))
