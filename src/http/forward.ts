// http through a proxy, which gets the whole URL and forwards the request (RFC 9112 §3.2.2).

import { Agent as HttpAgent, request as httpRequest } from 'node:http'
import { isIP } from 'node:net'
import type { Client, PoolOptions } from './exchange.ts'
import type { ProxyServer } from './proxy.ts'

/** A client for http URLs behind a proxy. */
export async function openForwardClient(proxy: ProxyServer, pool: PoolOptions): Promise<Client> {
  const { name, host, port, authorization } = proxy
  const { Agent, request } = proxy.isTls ? await import('node:https') : { Agent: HttpAgent, request: httpRequest }
  const agent = new Agent({ keepAlive: pool.keepAlive, maxSockets: pool.sockets, maxFreeSockets: pool.sockets })
  return {
    proxy: name,
    start: ({ host: target, pathname, search }, { method, headers }) =>
      request({
        agent,
        method,
        host,
        port,
        // Node would take the name in `Host` for the proxy's.
        servername: isIP(host) ? '' : host,
        path: `http://${target}${pathname}${search}`,
        headers: { ...headers, host: target, ...(authorization && { 'proxy-authorization': authorization }) },
      }),
    close: () => agent.destroy(),
  }
}
