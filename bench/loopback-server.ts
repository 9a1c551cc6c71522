// HTTP servers on loopback that run in the benchmark's own process.

import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface LoopbackServer {
  readonly url: string
  readonly close: () => void
}

/** Starts a server on a free port. */
export async function startServer(listener: RequestListener): Promise<LoopbackServer> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => server.close(),
  }
}

/** Starts a server that accepts every invoice at once. */
export const startInvoiceServer = (): Promise<LoopbackServer> =>
  startServer((incoming, outgoing) => {
    incoming.resume().on('end', () => {
      const headers = { 'content-type': 'application/json', 'x-vercel-id': 'bench' }
      outgoing.writeHead(200, headers).end('{"invoiceId":"inv_1"}')
    })
  })
