// The digest of what a step sends: what a dry run shows, and `expect-digest` approves.

import { createHash, type Hash } from 'node:crypto'
import type { Operation } from './operation.ts'

export interface DigestSubject {
  readonly operation: Operation
  /** The base URL of the API; undefined for the sandbox. */
  readonly baseUrl: string | undefined
  /** The input `external-id`, which decides about keys. */
  readonly externalId: string
}

/** How many contents are hashed at once, because each call of a hash takes time. */
const contentsPerUpdate = 256

/** The digest of a request or a batch: add the content of every record, in the order of the file. */
export class RequestDigest {
  readonly #digest: Hash
  #pending: string[] = []

  constructor({ operation, baseUrl, externalId }: DigestSubject) {
    const mode = operation.retry === 'idempotency-key' ? externalId : undefined
    this.#digest = createHash('sha256').update(JSON.stringify([operation.name, apiOf(baseUrl), mode]))
  }

  /** @param content  what identifies a record: one line, such as a content digest */
  add(content: string): void {
    this.#pending.push(content)
    if (this.#pending.length >= contentsPerUpdate) this.#update()
  }

  /** @returns `sha256:` and 64 hexadecimal digits. Nothing can be added afterwards */
  finish(): string {
    this.#update()
    return `sha256:${this.#digest.digest('hex')}`
  }

  #update(): void {
    if (this.#pending.length > 0) this.#digest.update(`\n${this.#pending.join('\n')}`)
    this.#pending = []
  }
}

/** The digest of a single request. @param content  its content digest */
export function requestDigest(subject: DigestSubject, content: string): string {
  const digest = new RequestDigest(subject)
  digest.add(content)
  return digest.finish()
}

/** Origin and base path of an API, without a closing slash; `sandbox` for the sandbox. */
export function apiOf(baseUrl: string | undefined): string {
  if (baseUrl === undefined) return 'sandbox'
  const { origin, pathname } = new URL(baseUrl)
  return origin + pathname.replace(/\/+$/, '')
}
