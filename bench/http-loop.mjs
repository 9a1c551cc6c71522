// The baseline of a batch: a loop over Node's HTTP client that sends the same body each time. Its rate is the highest that
// this machine and the server allow. `node http-loop.mjs URL COUNT CONCURRENCY`

import { Agent, request } from 'node:http'

const [url, count, concurrency] = process.argv.slice(2)
const agent = new Agent({ keepAlive: true, maxSockets: Number(concurrency) })
const body = JSON.stringify({ items: ['x'.repeat(400)] })
const headers = { 'content-type': 'application/json', 'content-length': body.length }

const exchange = () =>
  new Promise((resolve, reject) => {
    request(`${url}/v1/installations/icfg_1/billing/invoices`, { agent, method: 'POST', headers }, (incoming) => {
      incoming.resume().once('end', resolve)
    })
      .once('error', reject)
      .end(body)
  })

let left = Number(count)
const worker = async () => {
  while (left-- > 0) await exchange()
}
await Promise.all(Array.from({ length: Number(concurrency) }, worker))
agent.destroy()
