// A server that accepts invoices after 100 ms, unless a fault stands in the way: `node faulty-server.ts FAULT`, where FAULT
// is the JSON of a `ServerFault`. GET /report returns what arrived, and clears it.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Allowance, type ServerLimit } from './rate-limits.ts'

export interface ServerFault {
  /** A rate limit, of the server or of each installation. */
  readonly limit?: ServerLimit
  /** An installation that gets 429 with this `Retry-After`, in seconds. */
  readonly throttledInstallation?: { readonly id: string; readonly retryAfter: number }
  /** After so many requests, the port is closed for a time. */
  readonly outage?: { readonly afterRequests: number; readonly ms: number }
}

export interface ServerReport {
  readonly accepted: number
  readonly throttled: number
  /** From the first accepted request to the last one. */
  readonly ms: number
}

const responseMs = 100
const fault: ServerFault = JSON.parse(process.argv[2] ?? '{}')
const allowances = new Map<string, Allowance>()
let report = { accepted: 0, throttled: 0, first: 0, last: 0 }
let requests = 0

/** The status and the headers of the response to a request. */
function decide(installation: string): { readonly status: number; readonly headers: Readonly<Record<string, string>> } {
  const { limit, throttledInstallation } = fault
  if (throttledInstallation?.id === installation) {
    return { status: 429, headers: { 'retry-after': String(throttledInstallation.retryAfter) } }
  }
  if (!limit) return { status: 200, headers: {} }
  const name = limit.perInstallation ? installation : ''
  const allowance = allowances.get(name) ?? new Allowance(limit)
  allowances.set(name, allowance)
  return allowance.take(Date.now())
}

function respond(incoming: IncomingMessage, outgoing: ServerResponse): void {
  if (incoming.url === '/report') {
    const { accepted, throttled, first, last } = report
    outgoing.end(JSON.stringify({ accepted, throttled, ms: last - first } satisfies ServerReport))
    report = { accepted: 0, throttled: 0, first: 0, last: 0 }
    return
  }
  const { status, headers } = decide(incoming.url?.split('/')[3] ?? '')
  if (status === 429) report.throttled++
  else {
    report.last = performance.now()
    report.first ||= report.last
    report.accepted++
  }
  if (++requests === fault.outage?.afterRequests) closeFor(fault.outage.ms)
  const body = status === 429 ? '{"error":{"code":"rate_limited","message":"Slow down"}}' : '{"invoiceId":"inv_1"}'
  incoming.resume().on('end', () => {
    setTimeout(
      () => outgoing.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body),
      responseMs,
    )
  })
}

const server = createServer(respond)

/** Closes the port and all connections for a time. */
function closeFor(ms: number): void {
  const { port } = server.address() as AddressInfo
  server.close()
  server.closeAllConnections()
  setTimeout(() => server.listen(port, '127.0.0.1'), ms)
}

server.once('listening', () => console.log((server.address() as AddressInfo).port))
server.listen(0, '127.0.0.1')
