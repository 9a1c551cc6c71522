// A resource, as the sandbox remembers it.

import { Refusal } from './answer.ts'
import type { Call } from './handler.ts'

export interface Resource {
  readonly id: string
  readonly internalId: string
  /** Milliseconds since 1970. */
  readonly importedAt: number
  readonly name: string
  readonly status: string
  readonly productId: string
  readonly metadata?: Readonly<Record<string, unknown>>
  readonly billingPlan?: { readonly id: string }
  readonly notification?: unknown
  /** Names alone: a sandbox has no use for the values. */
  readonly secretNames: readonly string[]
}

/** @throws {Refusal} where there is none */
export function findResource({ records, params: { resourceId = '' } }: Call): Resource {
  const resource = records.get<Resource>('resource', resourceId)
  if (resource) return resource
  throw new Refusal(404, `Resource ${resourceId} not found. The sandbox starts empty: importResource makes one`)
}
