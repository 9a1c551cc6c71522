// A server that accepts every invoice after a delay in milliseconds, and records the arrivals: `node server.mjs DELAY`.
// GET /arrivals returns them, with the mean response time, and clears them.

import { createServer } from 'node:http'

const delayMs = Number(process.argv[2])
let count = 0
/** When each of the first million requests arrived, in milliseconds. */
const arrivals = new Float64Array(1_000_000)
/** The sum of the measured response times, in milliseconds. They exceed the delay, because timers fire late. */
let responseMs = 0
const headers = { 'content-type': 'application/json', 'x-vercel-id': 'bench' }

createServer((incoming, outgoing) => {
  if (incoming.url === '/arrivals') {
    outgoing.end(
      JSON.stringify({ arrivals: Array.from(arrivals.subarray(0, count)), meanResponseMs: responseMs / count }),
    )
    count = 0
    responseMs = 0
    return
  }
  const arrived = performance.now()
  arrivals[count++] = arrived
  incoming.resume().on('end', () => {
    const respond = () => {
      responseMs += performance.now() - arrived
      outgoing.writeHead(200, headers).end('{"invoiceId":"inv_1"}')
    }
    if (delayMs > 0) setTimeout(respond, delayMs)
    else respond()
  })
}).listen(0, '127.0.0.1', function () {
  console.log(this.address().port)
})
