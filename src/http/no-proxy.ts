// NO_PROXY: the hosts that are reached without a proxy.

import { BlockList, isIP } from 'node:net'

/**
 * Reads a list of hosts, separated by commas or blanks. An entry is `*` for every host, a host name that stands for its
 * subdomains too (with or without `.` or `*.` before it), an IP address, or an address range such as `10.0.0.0/8`; all
 * but the range may have a port. Any other entry matches nothing. See https://curl.se/docs/manpage.html
 *
 * @param text  undefined if there is no list
 * @returns whether a URL is to be reached without a proxy
 */
export function parseNoProxy(text: string | undefined): (url: URL) => boolean {
  const matchers = text?.split(/[\s,]/).map((entry) => parseEntry(entry.toLowerCase())) ?? []
  return (url) => {
    const target = targetOf(url)
    return matchers.some((matches) => matches(target))
  }
}

interface Target {
  /** Without brackets, and without a dot at its end. */
  readonly host: string
  readonly port: number
}

type Matcher = (target: Target) => boolean

function targetOf({ hostname, port, protocol }: URL): Target {
  const host = hostname.replace(/[[\]]/g, '').replace(/\.$/, '')
  return { host, port: Number(port) || (protocol === 'https:' ? 443 : 80) }
}

function parseEntry(entry: string): Matcher {
  if (entry === '*') return () => true
  const [, network, prefix] = /^\[?([^[\]/]+)\]?\/(\d{1,3})$/.exec(entry) ?? []
  if (network !== undefined) return inNetwork(network, Number(prefix))
  // An IPv6 address without brackets has no port.
  const [, bracketed, plain, port] = /^(?:\[(.*)\]|([^:]*))(?::(\d+))?$/.exec(entry) ?? []
  const name = bracketed ?? plain ?? entry
  const matchesHost = isIP(name) ? inNetwork(name, isIP(name) === 4 ? 32 : 128) : inDomain(name)
  return (target) => matchesHost(target) && (port === undefined || Number(port) === target.port)
}

function inNetwork(network: string, prefix: number): Matcher {
  const version = isIP(network)
  if (version === 0 || prefix > (version === 4 ? 32 : 128)) return () => false
  const addresses = new BlockList()
  addresses.addSubnet(network, prefix, version === 4 ? 'ipv4' : 'ipv6')
  return ({ host }) => isIP(host) !== 0 && addresses.check(host, isIP(host) === 4 ? 'ipv4' : 'ipv6')
}

function inDomain(name: string): Matcher {
  const domain = name.replace(/^\*?\./, '').replace(/\.$/, '')
  if (domain === '') return () => false
  return ({ host }) => host === domain || (isIP(host) === 0 && host.endsWith(`.${domain}`))
}
