// Servers of the benchmarks, on loopback and in this process.

import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Listening {
  readonly url: string
  readonly close: () => void
}

export async function listen(listener: RequestListener): Promise<Listening> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => server.close(),
  }
}

/** A Marketplace that says yes to an invoice at once. */
export const answerInvoices = (): Promise<Listening> =>
  listen((incoming, outgoing) => {
    incoming.resume().on('end', () => {
      const headers = { 'content-type': 'application/json', 'x-vercel-id': 'bench' }
      outgoing.writeHead(200, headers).end('{"invoiceId":"inv_1"}')
    })
  })
