// A Marketplace that takes any invoice, after so many milliseconds, and counts: `node server.mjs DELAY`.

import { createServer } from 'node:http'

const delay = Number(process.argv[2])
let count = 0
/** In milliseconds, of the first million. */
const arrivals = new Float64Array(1_000_000)
/** What it has taken for its answers in truth, in milliseconds: timers are late. */
let taken = 0
const headers = { 'content-type': 'application/json', 'x-vercel-id': 'bench' }

createServer((incoming, outgoing) => {
  if (incoming.url === '/arrivals') {
    outgoing.end(JSON.stringify({ arrivals: Array.from(arrivals.subarray(0, count)), taken: taken / count }))
    count = 0
    taken = 0
    return
  }
  const arrived = performance.now()
  arrivals[count++] = arrived
  incoming.resume().on('end', () => {
    const answer = () => {
      taken += performance.now() - arrived
      outgoing.writeHead(200, headers).end('{"invoiceId":"inv_1"}')
    }
    if (delay > 0) setTimeout(answer, delay)
    else answer()
  })
}).listen(0, '127.0.0.1', function () {
  console.log(this.address().port)
})
