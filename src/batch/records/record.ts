// One line of a batch file: a request with its token and, optionally, its own id.

import { tokenProblem } from '../../credentials/access-token.ts'
import type { Tokens } from '../../credentials/tokens.ts'
import { keyProblem } from '../../delivery/idempotency-key.ts'
import { formatCount, quote } from '../../format.ts'
import { quickRequest } from '../../operations/quick-request.ts'
import { buildRequest, type MarketplaceRequest, type RequestShape } from '../../operations/request.ts'
import type { Check } from '../../payload/check.ts'
import { contentDigest } from '../../payload/content-digest.ts'
import { kindOf } from '../../payload/kinds.ts'
import { isReference, type ReferenceSources, resolve } from '../../payload/references.ts'
import { isObject } from '../../payload/schema.ts'
import { expressionProblem } from '../../payload/text-problems.ts'

export interface BatchRecord {
  /** Line of the batch file, 1-based. */
  readonly line: number
  /** The field `id`. */
  readonly ownId: string | undefined
  readonly installation: string
  readonly token: string
  /** As the file has it, without `id` and `token`. */
  readonly payload: unknown
  readonly request: MarketplaceRequest
  /** Where its references are read from. */
  readonly referenceSources: ReferenceSources
  /** The values of its secret fields. */
  readonly secrets: readonly string[]
}

/** Of an id. Every journal line of the record contains it. */
const maxIdLength = 1000

/** What the records of a batch have in common. */
export interface RecordContext {
  /** Skips the operation's rules, because the checking pass has applied them to this payload. */
  readonly alreadyChecked?: boolean
  readonly shape: RequestShape
  readonly tokens: Tokens
  /** For installations that `tokens` does not have. */
  readonly defaultToken: string | undefined
  /** The input `external-id`. */
  readonly externalId: string
}

/**
 * Reads a record.
 *
 * @param value  the line's JSON
 * @param check  collects every problem. A problem without a path is a whole sentence about the record
 * @returns undefined if there are errors
 */
export function readRecord(
  line: number,
  value: unknown,
  context: RecordContext,
  check: Check,
): BatchRecord | undefined {
  const { shape, tokens, defaultToken, externalId, alreadyChecked = false } = context
  const addError = (path: readonly string[], message: string, at?: 'key') =>
    void check.errors.push({ path, message, ...(at && { at }) })
  if (!isObject(value)) {
    addError([], `the record must be an object with the fields of the request, not ${kindOf(value)}`)
    return undefined
  }
  const { id: ownId, token: ownToken } = value
  const payload = withoutOwnFields(value)
  const ownIdProblem = idProblem(ownId)
  if (ownIdProblem) addError(['id'], ownIdProblem)
  const expression = typeof ownId === 'string' && expressionProblem(ownId)
  if (expression) addError(['id'], expression)
  const quick = quickRequest(shape, payload, check, alreadyChecked)
  const request =
    quick === 'refused' ? undefined : (quick ?? buildRequest(shape, payload, undefined, check, alreadyChecked))
  // In the flat spelling `token` is the record's token, so the body of revokeInstallationCredential lacks its own.
  if (ownToken !== undefined && check.errors.some(({ path: [name] = [] }) => name === 'token')) {
    addError(['token'], 'at the top of a record is its access token; put the body inside `requestBody`', 'key')
  }
  const recordToken = ownToken === undefined ? undefined : readToken(ownToken, check)
  if (!request) return undefined
  const { integrationConfigurationId: installation = '' } = request.params
  if (installation.length > maxIdLength) {
    addError(['integrationConfigurationId'], `must be an id of ${tooLong(installation)}`)
  }
  const token = ownToken === undefined ? (tokens.get(installation) ?? defaultToken) : recordToken
  if (token === undefined && ownToken === undefined) {
    addError(
      [],
      `installation ${quote(installation)} has no token: add it to \`tokens\` or \`tokens-file\`, or set \`token\` for all records`,
    )
  }
  const externalIdProblem = request.operation.retry === 'idempotency-key' && keyProblem(request, externalId)
  if (externalIdProblem) addError(['externalId'], externalIdProblem)
  if (check.errors.length > 0 || token === undefined) return undefined
  return {
    line,
    ownId: ownId as string | undefined,
    installation,
    token,
    payload,
    request,
    referenceSources: check,
    secrets: check.secrets,
  }
}

/** The request's part of a record. Copying is slow, so a record without fields of its own is returned as it is. */
function withoutOwnFields(value: Record<string, unknown>): Record<string, unknown> {
  if (!Object.hasOwn(value, 'id') && !Object.hasOwn(value, 'token')) return value
  const { id: _, token: __, ...payload } = value
  return payload
}

function idProblem(id: unknown): string | undefined {
  if (id === undefined) return undefined
  if (typeof id !== 'string') return `must be text, because the journal identifies the record by it, not ${kindOf(id)}`
  if (id === '') return 'must be text, because the journal identifies the record by it; it is empty'
  return id.length > maxIdLength ? `must be text of ${tooLong(id)}` : undefined
}

const tooLong = (id: string) => `${formatCount(maxIdLength)} characters at most, not ${formatCount(id.length)}`

/** How a journal identifies a record. */
export interface Identity {
  /** The record's own id, or the digest of its content. */
  readonly id: string
  /** The digest of its content, if it has its own id. */
  readonly digest?: string
}

/**
 * Identifies a record by its own id and its content. The digest is the first 128 bits of a SHA-256 over the payload as
 * written, in any order of its fields. It also covers secrets and the text of references; the token is then part of the
 * input, so that nobody who reads a digest can guess those values.
 */
export function identify({ ownId, payload, secrets, token, referenceSources }: BatchRecord): Identity {
  const digest = contentDigest({ payload, secrets, token, sources: referenceSources }).slice(0, 32)
  return ownId === undefined ? { id: digest } : { id: ownId, digest }
}

/**
 * Identity of a record across runs, as one text: id plus content digest. A record whose content changed is a different
 * record.
 */
export const recordKey = ({ id, digest = id }: Identity): string => `${id}\n${digest}`

/** The redacted fields of a record, with its path parameters. */
export const redactedRecord = ({ request }: BatchRecord): unknown => ({
  ...request.params,
  ...(request.redacted() as object),
})

/** Reads the field `token`: text or a reference. @returns undefined after a problem was reported */
function readToken(value: unknown, check: Check): string | undefined {
  const result = isReference(value) ? resolve(value, check) : { text: value }
  let problem: string | undefined
  if ('problem' in result) problem = result.problem
  else if (typeof result.text === 'string') problem = tokenProblem(result.text)
  else problem = `must be text or a reference, not ${kindOf(result.text)}`
  if (problem !== undefined) check.errors.push({ path: ['token'], message: problem })
  return problem === undefined && 'text' in result ? (result.text as string) : undefined
}
