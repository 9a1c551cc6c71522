// A process that sends an invoice again and again, and prints how long each part of an exchange took: the transport,
// the SDK around it, and the delivery loop around that. For the first exchange and the median of the others, in ms.

import { deliver } from '../src/delivery/deliver.ts'
import { openNetwork } from '../src/http/network.ts'
import { findOperation, type Operation } from '../src/operations/catalogue.ts'
import { systemClock } from '../src/runtime.ts'
import { invoice } from './invoice.ts'
import { spreadOf } from './report.ts'

const [, , url = ''] = process.argv
// A step loads it as well, and that is no part of an exchange.
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
  let answered = 0
  const send: typeof network.send = async (wire, options) => {
    sent = performance.now()
    const answer = await network.send(wire, options)
    answered = performance.now()
    return answer
  }
  // The loop looks at its clock right before it calls the SDK, and right after.
  let called = 0
  let returned = 0
  const clock = () => {
    const now = performance.now()
    if (answered === 0) called = now
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
  if (response?.status !== 200) throw new Error(`${response?.status}`)
  const transport = answered - sent
  return { transport, sdk: returned - called - transport, loop: ended - started - (returned - called) }
}

const first = await exchange()
const others: (typeof first)[] = []
while (others.length < 500) others.push(await exchange())
network.close()
const middle = (part: keyof typeof first) => spreadOf(others.map((times) => times[part])).median
const later = { transport: middle('transport'), sdk: middle('sdk'), loop: middle('loop') }
console.log(JSON.stringify({ first, later }))
