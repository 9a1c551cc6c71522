// What an answer says about the thing that was operated on: the output `status`, ids and issued tokens.

import { isObject } from '../payload/schema.ts'
import type { MarketplaceRequest } from './request.ts'

export interface RequestOutcome {
  readonly status: string
  readonly invoiceId?: string
  readonly externalId?: string
  readonly idToken?: string
  readonly accessToken?: string
  readonly refreshToken?: string
}

/**
 * Reads a 2xx answer.
 *
 * @param result  its body, parsed; undefined where it has none
 */
export function outcomeOf(request: MarketplaceRequest, result: unknown): RequestOutcome {
  const answer = isObject(result) ? result : {}
  const text = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined)
  const outputs = {
    ...invoiceIds(request),
    ...(request.operation.hasInvoice && {
      invoiceId: text(answer.invoiceId) ?? request.params.invoiceId,
      externalId: text(answer.externalId) ?? text(request.body?.externalId),
    }),
    // Only what the API documents as issued: a resource may have a field of the same name.
    ...(request.operation.issues && {
      idToken: text(answer.id_token),
      accessToken: text(answer.access_token),
      refreshToken: text(answer.refresh_token),
    }),
  }
  const given = Object.entries(outputs).filter(([, value]) => value !== undefined)
  return { status: responseStatus(request, answer), ...Object.fromEntries(given) }
}

/** What is known of the subject before there is an answer, and where there is none. */
export function invoiceIds({ operation, params, body }: MarketplaceRequest): Omit<RequestOutcome, 'status'> {
  if (!operation.hasInvoice) return {}
  return {
    ...(params.invoiceId !== undefined && { invoiceId: params.invoiceId }),
    ...(typeof body?.externalId === 'string' && { externalId: body.externalId }),
  }
}

/** The tokens among what an operation answers, which nobody else may read. */
export const issuedTokens = ({ accessToken, idToken, refreshToken }: Partial<RequestOutcome>): string[] =>
  [accessToken, idToken, refreshToken].filter((token) => token !== undefined)

function responseStatus({ operation, body }: MarketplaceRequest, response: Record<string, unknown>): string {
  const state = operation.statusField && response[operation.statusField.name]
  if (typeof state === 'string' && state !== '') return state
  return operation.statusOf?.(body ?? {}) ?? 'accepted'
}
