// The response to an operation that issues tokens: a token may be in any field, so only known fields are shown.

import { mask } from '../secrets.ts'
import type { Operation } from './operation.ts'

/**
 * Fields that hold no token, in the API's spelling or the SDK's: those of https://openapi.vercel.sh, and usual ones of
 * OAuth and of Vercel's ids.
 */
const publicFields = [
  ...['token_type', 'expires_in', 'expires_at', 'created_at', 'updated_at', 'issued_at', 'scope', 'scopes'],
  ...['installation_id', 'integration_configuration_id', 'configuration_id', 'integration_id', 'client_id'],
  ...['team_id', 'user_id', 'account_id'],
]

/** Fields in which a response that is not a success says what is wrong. */
const errorFields = ['error', 'code', 'message', 'error_description', 'hint', 'status']

/** Texts that are shorter are not tokens, and masking them would make the log unreadable. */
const minTokenChars = 6

/** The runner compares each line of the log with each mask. */
const maxMasks = 1000

interface Body {
  readonly operation: Pick<Operation, 'issues'> | undefined
  /** The status code of the response. */
  readonly status: number
  /** The parsed body. */
  readonly value: unknown
}

/**
 * Returns a body with `***` for each text under a field that is not known to be public, if the operation issues
 * tokens. In a text that is not JSON any part can be a token.
 */
export function redactIssued({ operation, status, value }: Body): unknown {
  return operation?.issues ? redactTexts(value, namesFor(status), () => {}) : value
}

/** The texts that `redactIssued` replaces and that can be tokens, so that the runner masks them. */
export function issuedTexts({ operation, status, value }: Body): string[] {
  const texts = new Set<string>()
  if (!operation?.issues || typeof value !== 'object') return []
  redactTexts(value, namesFor(status), (text) => {
    if (text.length >= minTokenChars && texts.size < maxMasks) texts.add(text)
  })
  return [...texts]
}

const namesFor = (status: number): ReadonlySet<string> =>
  new Set((status >= 200 && status <= 299 ? publicFields : [...publicFields, ...errorFields]).map(spelling))

const spelling = (name: string) => name.replaceAll('_', '').toLowerCase()

function redactTexts(value: unknown, shown: ReadonlySet<string>, onText: (text: string) => void, name = ''): unknown {
  if (typeof value === 'string') {
    if (shown.has(spelling(name))) return value
    onText(value)
    return mask
  }
  if (Array.isArray(value)) return value.map((entry) => redactTexts(entry, shown, onText, name))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, redactTexts(entry, shown, onText, key)]))
}
