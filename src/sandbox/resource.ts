// A resource of the sandbox.

import { Refusal } from './answer.ts'
import type { Call } from './handler.ts'

/** A stored resource. */
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
  /** Only names: the sandbox does not need the values. */
  readonly secretNames: readonly string[]
}

/**
 * The resource of a request.
 *
 * @throws {Refusal} 404 if it was not imported
 */
export function findResource({ records, params: { resourceId = '' } }: Call): Resource {
  const resource = records.get<Resource>('resource', resourceId)
  if (resource) return resource
  throw new Refusal(404, `Resource ${resourceId} not found. The sandbox starts empty: create it with importResource`)
}
