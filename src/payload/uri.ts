// URIs by RFC 3986: https://www.rfc-editor.org/rfc/rfc3986

import { isIPv6 } from 'node:net'

/** Splits a URI into its components, as in appendix B. Nothing repeats inside a repetition, so matching is linear. */
const components =
  /^(?<scheme>[A-Za-z][A-Za-z0-9+.-]*):(?:\/\/(?<authority>[^/?#]*))?(?<path>[^?#]*)(?:\?(?<query>[^#]*))?(?:#(?<fragment>.*))?$/s

/** User information, a host in brackets or by name, and a port. */
const authorityParts = /^(?:(?<user>[^@]*)@)?(?:\[(?<address>[^\]]*)\]|(?<name>[^:]*))(?::[0-9]*)?$/

/** The characters of each component (appendix A); `%` stands for an escape, which is checked for the whole text. */
const userChars = /^[A-Za-z0-9._~!$&'()*+,;=:%-]*$/
const nameChars = /^[A-Za-z0-9._~!$&'()*+,;=%-]*$/
const pathChars = /^[A-Za-z0-9._~!$&'()*+,;=:@/%-]*$/
const queryChars = /^[A-Za-z0-9._~!$&'()*+,;=:@/?%-]*$/
const futureAddress = /^v[0-9A-F]+\.[A-Z0-9._~!$&'()*+,;=:-]+$/i

const brokenEscape = /%(?![0-9A-Fa-f]{2})/

/**
 * Whether a text is a URI with a scheme. One of http or https must also have a host, as RFC 9110 requires:
 * https://www.rfc-editor.org/rfc/rfc9110#section-4.2
 */
export function isUri(text: string): boolean {
  if (brokenEscape.test(text)) return false
  const { scheme, authority, path = '', query = '', fragment = '' } = components.exec(text)?.groups ?? {}
  if (scheme === undefined) return false
  if (!pathChars.test(path) || !queryChars.test(query) || !queryChars.test(fragment)) return false
  const host = authority === undefined ? '' : hostOf(authority)
  return host !== undefined && (host !== '' || !/^https?$/i.test(scheme))
}

/** The host of an authority, which may be empty; undefined if the authority is invalid. */
function hostOf(authority: string): string | undefined {
  const { user = '', address, name = '' } = authorityParts.exec(authority)?.groups ?? { address: '' }
  if (!userChars.test(user)) return undefined
  if (address === undefined) return nameChars.test(name) ? name : undefined
  // `isIPv6` also accepts a zone, which RFC 3986 does not.
  const isAddress = futureAddress.test(address) || (isIPv6(address) && !address.includes('%'))
  return isAddress ? address : undefined
}
