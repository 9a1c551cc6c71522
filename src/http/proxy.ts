// The proxies that the environment names: HTTPS_PROXY, HTTP_PROXY and NO_PROXY.

import { Failure } from '../failure.ts'
import { isLoopback } from './loopback.ts'
import { parseNoProxy } from './no-proxy.ts'

/** What messages say of a proxy. */
export interface ProxyName {
  /** `host:port`. */
  readonly address: string
  /** The variable that names it, as it is spelt in the environment. */
  readonly variable: string
}

export interface ProxyServer {
  readonly name: ProxyName
  /** Whether the connection to the proxy itself is TLS. */
  readonly isTls: boolean
  /** Without brackets. */
  readonly host: string
  readonly port: number
  /** The header `Proxy-Authorization`; undefined if the proxy's URL has no user. */
  readonly authorization: string | undefined
}

/** Shorter users stand in too much that is not a secret. */
const minUserChars = 4

/**
 * Reads the proxies of the environment. `HTTPS_PROXY` is for https, `HTTP_PROXY` for http; of two spellings the lower
 * case takes precedence, as with curl, and an empty variable counts as unset. Without a port, a proxy's is that of its
 * scheme: 80 or 443.
 *
 * @returns the proxy for a URL; undefined if the URL is reached without one, as loopback always is
 * @throws {Failure} if a variable is not the URL of a proxy. The message does not show its value
 */
export function readProxies(env: NodeJS.ProcessEnv): (url: URL) => ProxyServer | undefined {
  const proxies = { 'https:': readProxy('HTTPS_PROXY', env), 'http:': readProxy('HTTP_PROXY', env) }
  const isExcluded = parseNoProxy(setting('NO_PROXY', env)?.text)
  return (url) => {
    const proxy = proxies[url.protocol as keyof typeof proxies]
    return proxy && !isLoopback(url.hostname) && !isExcluded(url) ? proxy : undefined
  }
}

/** A variable in either case, and the spelling that is set. */
function setting(name: string, env: NodeJS.ProcessEnv): { variable: string; text: string } | undefined {
  for (const variable of [name.toLowerCase(), name]) {
    const text = env[variable]?.trim()
    if (text) return { variable, text }
  }
  return undefined
}

/** The parts of a proxy's URL, also of one that is not valid. */
function splitProxy(text: string) {
  const [prefix = ''] = /^(https?:[\\/]*|[a-z][a-z\d+.-]*:[\\/]{2,})/i.exec(text) ?? []
  const rest = text.slice(prefix.length)
  const at = rest.lastIndexOf('@')
  return {
    scheme: prefix === '' ? 'http' : prefix.slice(0, prefix.indexOf(':')).toLowerCase(),
    credentials: at < 0 ? '' : rest.slice(0, at),
    /** Host and port. */
    authority: rest.slice(at + 1).split(/[/\\?#]/, 1)[0] ?? '',
  }
}

function readProxy(name: string, env: NodeJS.ProcessEnv): ProxyServer | undefined {
  const set = setting(name, env)
  if (!set) return undefined
  const { variable, text } = set
  const { scheme, credentials, authority } = splitProxy(text)
  const refuse = (problem: string) => {
    const message = `${variable} ${problem}`
    return new Failure('invalid_input', message, { diagnostics: [{ message }] })
  }
  if (scheme !== 'http' && scheme !== 'https') {
    const kind = /^socks/.test(scheme) ? 'names a SOCKS proxy' : 'has a scheme other than http:// and https://'
    throw refuse(`${kind}, which is not supported: set it to a proxy such as http://proxy.example.com:3128`)
  }
  if (/[/\\?#\s]/.test(credentials)) {
    throw refuse('has a reserved character in its user or password: percent-encode it, such as # as %23 and / as %2F')
  }
  const [user, password] = splitCredentials(credentials).map(decodeStrictly)
  if (user === undefined || password === undefined) {
    throw refuse('has a % in its user or password that does not begin a percent-encoded character: write % as %25')
  }
  const port = /:([^:\]]*)$/.exec(authority)?.[1]
  if (port && !(/^\d{1,5}$/.test(port) && Number(port) >= 1 && Number(port) <= 65535)) {
    throw refuse('has a port that cannot be used: set it to a number from 1 to 65535')
  }
  const url = `${scheme}://${authority}`
  if (!URL.canParse(url)) {
    throw refuse('is not the URL of a proxy: set it to one such as http://proxy.example.com:3128')
  }
  const { hostname } = new URL(url)
  const usedPort = Number(port) || (scheme === 'https' ? 443 : 80)
  return {
    name: { address: `${hostname}:${usedPort}`, variable },
    isTls: scheme === 'https',
    host: hostname.replace(/[[\]]/g, ''),
    port: usedPort,
    authorization: credentials === '' ? undefined : `Basic ${base64(`${user}:${password}`)}`,
  }
}

/** User and password, as they are written. */
function splitCredentials(credentials: string): [user: string, password: string] {
  const colon = credentials.indexOf(':')
  return colon < 0 ? [credentials, ''] : [credentials.slice(0, colon), credentials.slice(colon + 1)]
}

/**
 * The users and passwords of all proxies in the environment, in every spelling in which they may be repeated: as written,
 * percent-decoded, percent-encoded, as `user:password`, and that in base64. They are found in values that are not valid
 * URLs too. Users of less than 4 characters are left out.
 */
export function proxyPasswords(env: NodeJS.ProcessEnv): string[] {
  const variables = ['https_proxy', 'HTTPS_PROXY', 'http_proxy', 'HTTP_PROXY']
  const secrets = variables.flatMap((variable) => credentialForms(splitProxy(env[variable]?.trim() ?? '').credentials))
  return [...new Set(secrets)]
}

function credentialForms(credentials: string): string[] {
  const [user, password] = splitCredentials(credentials)
  const users = spellings(user).filter((form) => form.length >= minUserChars)
  if (password === '') return users
  const pairs = [`${user}:${password}`, `${decodeLeniently(user)}:${decodeLeniently(password)}`]
  return [...spellings(password), ...users, ...pairs, ...pairs.map(base64)]
}

/** A part of a URL as it is written, decoded, and as URL parsers encode it. */
function spellings(part: string): string[] {
  const url = new URL('http://host')
  url.password = part
  const decoded = decodeLeniently(part)
  return [part, decoded, url.password, ...(decoded.isWellFormed() ? [encodeURIComponent(decoded)] : [])]
}

const base64 = (text: string) => Buffer.from(text).toString('base64')

function decodeStrictly(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

/** Decodes what can be decoded, and leaves the rest as it is. */
const decodeLeniently = (text: string) =>
  text.replace(/(%[\da-f]{2})+/gi, (encoded) => decodeStrictly(encoded) ?? encoded)
