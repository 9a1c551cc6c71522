// The network: Node's own client with keep-alive, and the proxies of the environment.

import { type Client, exchange, type PoolOptions } from './exchange.ts'
import { type ProxyServer, readProxies } from './proxy.ts'
import type { Transport } from './transport.ts'

/**
 * Opens the network. Proxies are taken from `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`, in either case.
 *
 * @param sockets  how many connections to one host may be open at once
 * @throws {Failure} if one of the variables does not name a proxy
 */
export function openNetwork({
  env,
  sockets = Number.POSITIVE_INFINITY,
}: {
  env: NodeJS.ProcessEnv
  sockets?: number
}): Transport {
  const proxyFor = readProxies(env)
  const clients = new Map<string, Client>()
  return {
    async send(request, { newConnection = false, ...options }) {
      const { url } = request
      const proxy = proxyFor(url)
      const key = `${url.protocol}${newConnection}${proxy !== undefined}`
      let client = clients.get(key)
      if (!client) {
        const opened = await openClient(url.protocol, proxy, { keepAlive: !newConnection, sockets })
        // Another request may have opened one in the meantime.
        client = clients.get(key) ?? opened
        clients.set(key, client)
      }
      return exchange(request, options, client)
    },
    close() {
      for (const client of clients.values()) client.close()
    },
  }
}

/** Loads what the connection needs: most steps need neither a proxy nor both protocols. */
async function openClient(protocol: string, proxy: ProxyServer | undefined, pool: PoolOptions): Promise<Client> {
  if (proxy && protocol === 'https:') return (await import('./tunnel.ts')).openTunnelClient(proxy, pool)
  if (proxy) return (await import('./forward.ts')).openForwardClient(proxy, pool)
  const { Agent, request } = protocol === 'https:' ? await import('node:https') : await import('node:http')
  const { keepAlive, sockets } = pool
  const agent = new Agent({ keepAlive, maxSockets: sockets, maxFreeSockets: sockets })
  return {
    start: (url, options) => request(url, { ...options, agent }),
    close: () => agent.destroy(),
  }
}
