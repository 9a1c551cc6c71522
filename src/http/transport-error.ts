// Why an exchange failed, and whether its request can have reached the server.

import type { ProxyName } from './proxy.ts'

/**
 * - `connect`: the connection (with its TLS, and a proxy's tunnel) never opened
 * - `timeout`: no complete response came in time
 * - `reset`: the connection broke
 * - `protocol`: the response was not HTTP
 * - `cancelled`: the action stopped
 * - `throttled`: a rate limit lasts too long
 */
export type TransportFailure = 'connect' | 'timeout' | 'reset' | 'protocol' | 'cancelled' | 'throttled'

/** An exchange without a complete response. */
export class TransportError extends Error {
  override readonly name = 'TransportError'
  readonly failure: TransportFailure
  /** Whether the request can have reached the server: false as long as no connection (and its TLS) had opened. */
  readonly mayHaveArrived: boolean
  /** Node's code, such as `ECONNREFUSED`. */
  readonly code: string | undefined
  /** The status of a response that was cut off. */
  readonly status: number | undefined
  /** When a rate limit that lasts too long ends. */
  readonly until: Date | undefined

  constructor(
    failure: TransportFailure,
    message: string,
    facts: {
      mayHaveArrived: boolean
      code?: string | undefined
      status?: number | undefined
      until?: Date
    },
  ) {
    super(message)
    this.failure = failure
    this.mayHaveArrived = facts.mayHaveArrived
    this.code = facts.code
    this.status = facts.status
    this.until = facts.until
  }
}

/** A connection that a proxy did not open. The message names the proxy and never its credentials. */
export class ProxyError extends Error {
  override readonly name = 'ProxyError'
  /** Node's code, if the connection to the proxy failed. */
  readonly code: string | undefined

  constructor(message: string, code?: string) {
    super(message)
    this.code = code
  }
}

/**
 * Why a connection did not open, and what to check: a clause.
 *
 * @param proxies  `to`: the connection was to this proxy; `through`: it was to the host, in a tunnel of this proxy
 */
export function connectFailureReason(
  { code = '', message }: NodeJS.ErrnoException,
  { to, through }: { readonly to?: ProxyName | undefined; readonly through?: ProxyName | undefined } = {},
): string {
  if (code === 'EMFILE' || code === 'ENFILE') {
    return `the runner has no free file descriptors (${code}): raise their limit (\`ulimit -n\` on Linux and macOS), or lower \`concurrency\``
  }
  if (code === 'EADDRNOTAVAIL' || code === 'ENOBUFS') {
    return `the runner has no free ports or buffers for a connection (${code}): lower \`concurrency\``
  }
  const server = to ? `the proxy ${to.address}` : 'the host'
  const way = to ? ` to the proxy ${to.address}` : through ? ` through the proxy ${through.address}` : ''
  const check = (what: string) => `: check ${(to ?? through)?.variable ?? what}`
  const tls = `TLS${way} failed`
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return `the name of ${server} could not be resolved (${code})${check('its spelling, and the DNS of the runner')}`
  }
  if (code === 'ECONNREFUSED') return `${server} refused the connection (${code})${check('its address and port')}`
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return `${tls}: the certificate is for another host (${code})`
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') {
    return `${tls}: the certificate is out of date, or the clock here is (${code})`
  }
  if (/CERT|SIGNATURE|^INVALID_(CA|PURPOSE)$/.test(code) && !code.startsWith('ERR_SSL')) {
    return `${tls}: the certificate is not trusted (${code}); set NODE_EXTRA_CA_CERTS to a file with that of its authority, such as an intercepting proxy's own`
  }
  if (/^EPROTO$|TLS|SSL/.test(code)) return `${tls} (${code}): check that https is spoken there`
  return `the connection${way} could not be opened (${code || message})${check('the network of the runner')}`
}
