// The digest of what a step sends: what a dry run shows, and `expect-digest` approves.

import { createHash } from 'node:crypto'
import type { Operation } from './catalogue.ts'

export interface DigestSubject {
  readonly operation: Operation
  /** The base URL of the API; undefined for the sandbox. */
  readonly baseUrl: string | undefined
  /** The input `external-id`, which decides about keys. */
  readonly externalId: string
}

/**
 * @param contents  the content digest of every record, in the order of the file
 * @returns `sha256:` and 64 hexadecimal digits
 */
export function requestDigest(subject: DigestSubject, contents: Iterable<string>): string {
  const { operation, baseUrl, externalId } = subject
  const mode = operation.retry === 'idempotency-key' ? externalId : undefined
  const digest = createHash('sha256').update(JSON.stringify([operation.name, apiOf(baseUrl), mode]))
  for (const content of contents) digest.update(`\n${content}`)
  return `sha256:${digest.digest('hex')}`
}

/** Origin and base path of an API, without a closing slash; `sandbox` for the sandbox. */
export function apiOf(baseUrl: string | undefined): string {
  if (baseUrl === undefined) return 'sandbox'
  const { origin, pathname } = new URL(baseUrl)
  return origin + pathname.replace(/\/+$/, '')
}
