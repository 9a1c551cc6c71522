// A process that sends the same invoice repeatedly and prints, as JSON, how long each part took: the HTTP exchange, the SDK
// around it, and the retry loop around both. In milliseconds, for the first exchange and as the median of the others.

import { deliver } from '../src/delivery/deliver.ts'
import { openNetwork } from '../src/http/network.ts'
import { findOperation, type Operation } from '../src/operations/catalogue.ts'
import { systemClock } from '../src/runtime.ts'
import { invoice } from './invoice.ts'
import { spreadOf } from './report.ts'

const [, , url = ''] = process.argv
// Loaded in advance: the time to load the SDK's function is not part of an exchange.
await import('@vercel/sdk/funcs/marketplaceSubmitInvoice.js')
const body = {
  ...invoice,
  invoiceDate: new Date(invoice.invoiceDate),
  period: { start: new Date(invoice.period.start), end: new Date(invoice.period.end) },
}
const params = { integrationConfigurationId: 'icfg_bench' }
const request = { operation: findOperation('submitInvoice') as Operation, params, body, redacted: () => undefined }
const network = openNetwork({ env: {} })
const never = new AbortController().signal

async function exchange() {
  let sent = 0
  let responded = 0
  const send: typeof network.send = async (wire, options) => {
    sent = performance.now()
    const response = await network.send(wire, options)
    responded = performance.now()
    return response
  }
  // The retry loop reads its clock immediately before and after it calls the SDK.
  let called = 0
  let returned = 0
  const clock = () => {
    const now = performance.now()
    if (responded === 0) called = now
    else returned ||= now
    return now
  }
  const started = performance.now()
  const { response } = await deliver({
    request,
    endpoint: { baseUrl: url, token: 'bench-token', transport: { ...network, send } },
    limits: { maxAttempts: 5, attemptTimeoutMs: 30_000, retryTimeoutMs: 300_000 },
    clock: { ...systemClock, monotonic: clock },
    random: Math.random,
    signal: never,
    abort: never,
    log: { info: () => {} },
  })
  const ended = performance.now()
  if (response?.status !== 200) throw new Error(`The server responded with ${response?.status}`)
  const transport = responded - sent
  return { transport, sdk: returned - called - transport, loop: ended - started - (returned - called) }
}

const first = await exchange()
const others: (typeof first)[] = []
while (others.length < 500) others.push(await exchange())
network.close()
const medianOf = (part: keyof typeof first) => spreadOf(others.map((times) => times[part])).median
const later = { transport: medianOf('transport'), sdk: medianOf('sdk'), loop: medianOf('loop') }
console.log(JSON.stringify({ first, later }))
