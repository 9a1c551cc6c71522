// The outputs that a response gives: `status`, ids and issued tokens.

import { isObject } from '../payload/schema.ts'
import type { MarketplaceRequest } from './request.ts'

/** Outputs of a request that succeeded. */
export interface RequestOutcome {
  readonly status: string
  readonly invoiceId?: string
  readonly externalId?: string
  readonly idToken?: string
  readonly accessToken?: string
  readonly refreshToken?: string
}

/**
 * Reads the outputs from a 2xx response.
 *
 * @param result  the parsed body; undefined if it is empty
 */
export function outcomeOf(request: MarketplaceRequest, result: unknown): RequestOutcome {
  const response = isObject(result) ? result : {}
  const text = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined)
  // The API documents text; a number is an id all the same.
  const idText = (value: unknown) => text(typeof value === 'number' ? String(value) : value)
  const outputs = {
    ...invoiceIds(request),
    ...(request.operation.hasInvoice && {
      invoiceId: idText(response.invoiceId) ?? request.params.invoiceId,
      externalId: text(response.externalId) ?? text(request.body?.externalId),
    }),
    // Only operations that issue tokens: a resource may have a field of the same name.
    ...(request.operation.issues && {
      idToken: text(response.id_token),
      accessToken: text(response.access_token),
      refreshToken: text(response.refresh_token),
    }),
  }
  const given = Object.entries(outputs).filter(([, value]) => value !== undefined)
  return { status: responseStatus(request, response), ...Object.fromEntries(given) }
}

/** The ids that the request itself has, for when there is no response. */
export function invoiceIds({ operation, params, body }: MarketplaceRequest): Omit<RequestOutcome, 'status'> {
  if (!operation.hasInvoice) return {}
  return {
    ...(params.invoiceId !== undefined && { invoiceId: params.invoiceId }),
    ...(typeof body?.externalId === 'string' && { externalId: body.externalId }),
  }
}

/** The tokens that a response issued, which must be masked. */
export const issuedTokens = ({ accessToken, idToken, refreshToken }: Partial<RequestOutcome>): string[] =>
  [accessToken, idToken, refreshToken].filter((token) => token !== undefined)

function responseStatus({ operation, body }: MarketplaceRequest, response: Record<string, unknown>): string {
  const state = operation.statusField && response[operation.statusField.name]
  if (typeof state === 'string' && state !== '') return state
  return operation.statusOf?.(body ?? {}) ?? 'accepted'
}
