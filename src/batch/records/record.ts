// One line of a batch: a payload with the token that it is sent with and, where it has one, an id of its own.

import { hash } from 'node:crypto'
import { tokenProblem } from '../../credentials/access-token.ts'
import type { Tokens } from '../../credentials/tokens.ts'
import { keyProblem } from '../../delivery/idempotency-key.ts'
import { formatCount, quote } from '../../format.ts'
import { buildRequest, type MarketplaceRequest, type RequestShape } from '../../operations/request.ts'
import type { Check } from '../../payload/check.ts'
import { kindOf } from '../../payload/kinds.ts'
import { isReference, type ReferenceSources, resolve } from '../../payload/references.ts'
import { isObject } from '../../payload/schema.ts'
import { expressionProblem } from '../../payload/text-problems.ts'

export interface BatchRecord {
  /** Of the batch file, 1-based. */
  readonly line: number
  readonly ownId: string | undefined
  readonly installation: string
  readonly token: string
  /** As it is written, without id and token. */
  readonly payload: unknown
  readonly request: MarketplaceRequest
  /** What its references are read from. */
  readonly surroundings: ReferenceSources
  /** The values of its secret fields. */
  readonly secrets: readonly string[]
}

/** Of an id: the journal has it in every line of the record. */
const maxIdLength = 1000

export interface RecordContext {
  /** The lines have been checked before. */
  readonly alreadyChecked?: boolean
  readonly shape: RequestShape
  readonly tokens: Tokens
  /** For installations that no list has. */
  readonly defaultToken: string | undefined
  /** The input `external-id`. */
  readonly externalId: string
}

/**
 * Reads a record.
 *
 * @param value    the line's JSON
 * @param context  takes every problem; the record is undefined where there are errors
 */
export function readRecord(
  line: number,
  value: unknown,
  { shape, tokens, defaultToken: fallback, externalId, alreadyChecked: again = false }: RecordContext,
  context: Check,
): BatchRecord | undefined {
  if (!isObject(value)) {
    context.errors.push({ path: [], message: `must be an object with the fields of the request, not ${kindOf(value)}` })
    return undefined
  }
  const { id: ownId, token: ownToken, ...payload } = value
  if (ownId !== undefined && (typeof ownId !== 'string' || ownId === '')) {
    const kind = ownId === '' ? 'an empty one' : kindOf(ownId)
    context.errors.push({ path: ['id'], message: `must be text, by which the journal knows the record, not ${kind}` })
  }
  const expression = typeof ownId === 'string' && expressionProblem(ownId)
  if (expression) context.errors.push({ path: ['id'], message: expression })
  if (typeof ownId === 'string' && ownId.length > maxIdLength) {
    const message = `must be text of ${formatCount(maxIdLength)} characters at most, not ${formatCount(ownId.length)}`
    context.errors.push({ path: ['id'], message })
  }
  const request = buildRequest(shape, payload, {}, context, again)
  // The flat spelling of an operation whose body has a field of that name.
  if (ownToken !== undefined && context.errors.some(({ path: [name] = [] }) => name === 'token')) {
    const message = 'beside the fields of a record is what it is sent with; put the body inside `requestBody`'
    context.errors.push({ path: ['token'], message, at: 'key' })
  }
  const own = ownToken === undefined ? undefined : readToken(ownToken, context)
  if (!request) return undefined
  const { integrationConfigurationId: installation = '' } = request.params
  if (installation.length > maxIdLength) {
    const message = `must be an id of ${formatCount(maxIdLength)} characters at most, not ${formatCount(installation.length)}`
    context.errors.push({ path: ['integrationConfigurationId'], message })
  }
  const token = ownToken === undefined ? (tokens.get(installation) ?? fallback) : own
  if (token === undefined && ownToken === undefined) {
    const message = `there is no token for ${quote(installation)}: give it in the record, in \`tokens\` or \`tokens-file\`, or for all as \`token\``
    context.errors.push({ path: [], message })
  }
  const problem = request.operation.retry === 'idempotency-key' && keyProblem(request, externalId)
  if (problem) context.errors.push({ path: ['externalId'], message: problem })
  if (context.errors.length > 0 || token === undefined) return undefined
  const facts = { line, ownId: ownId as string | undefined, installation, token, payload, request }
  return { ...facts, secrets: context.secrets, surroundings: context }
}

/** By what a journal knows a record. */
export interface Identity {
  /** The record's own, or the digest. */
  readonly id: string
  /** Of its content, beside an id of its own. */
  readonly digest?: string
}

/**
 * Identifies a record by its own id or its content: 128 bits over the payload as it is written, in any order of its
 * fields. Where it holds secrets they count too, and so does what references stand for, under the token as a key: whoever
 * reads a digest cannot try values out.
 */
export function identify({ ownId, payload, secrets, token, surroundings }: BatchRecord): Identity {
  const hidden = [...secrets]
  const text = canonicalPayload(payload, (reference) => {
    const resolved = resolve(reference, surroundings)
    hidden.push('text' in resolved ? resolved.text : '')
  })
  const content = hidden.length === 0 ? text : hash('sha256', JSON.stringify([token, text, hidden]))
  const digest = hash('sha256', content).slice(0, 32)
  return ownId === undefined ? { id: digest } : { id: ownId, digest }
}

/** By what a record is known again: its id, and its content, so that a changed one is another. */
export const recordKey = ({ id, digest = id }: { readonly id: string; readonly digest?: string }): string =>
  `${id}\n${digest}`

/** A record as it may be shown, with the ids of its path. */
export const redactedRecord = ({ request }: BatchRecord): unknown => ({
  ...request.params,
  ...(request.redacted() as object),
})

function readToken(value: unknown, context: Check): string | undefined {
  const refuse = (message: string) => {
    context.errors.push({ path: ['token'], message })
    return undefined
  }
  let text = value
  if (isReference(value)) {
    const resolved = resolve(value, context)
    if ('problem' in resolved) return refuse(resolved.problem)
    text = resolved.text
  }
  if (typeof text !== 'string') return refuse(`must be text or a reference, not ${kindOf(text)}`)
  const problem = tokenProblem(text)
  return problem ? refuse(problem) : text
}

/** JSON with its keys in order. */
function canonicalPayload(value: unknown, refer: (reference: Record<string, unknown>) => void): string {
  if (Array.isArray(value)) return `[${value.map((entry) => canonicalPayload(entry, refer)).join(',')}]`
  if (!isObject(value)) return JSON.stringify(value)
  if (isReference(value)) refer(value)
  const fields = Object.keys(value).sort()
  return `{${fields.map((name) => `${JSON.stringify(name)}:${canonicalPayload(value[name], refer)}`).join(',')}}`
}
