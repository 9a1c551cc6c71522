// The SDK's function for each operation, and one call of it. This is the only place that runs the SDK.

import { VercelCore } from '@vercel/sdk/core.js'
import { SDKHooks } from '@vercel/sdk/hooks/hooks.js'
import { HTTPClient } from '@vercel/sdk/lib/http.js'
import type { HttpRequest, HttpResponse } from '../http/transport.ts'
import type { SdkFunction } from '../operations/definition.ts'
import type { Operation, OperationName } from '../operations/operation.ts'
import type { MarketplaceRequest } from '../operations/request.ts'
import { installFetchShim } from './fetch-shim.ts'

installFetchShim()

/** The functions loaded so far: a batch calls one for each record. */
const loaded = new Map<OperationName, SdkFunction>()

async function load({ name, sdkFunction }: Operation): Promise<SdkFunction> {
  const call = await sdkFunction()
  loaded.set(name, call)
  return call
}

/** Options of a call. */
export interface CallOptions {
  readonly request: MarketplaceRequest
  readonly baseUrl: string
  readonly token: string | undefined
  /** Sends a request. Rejects with the errors of the transport. */
  readonly send: (request: HttpRequest) => Promise<HttpResponse>
}

/** The result of a call. */
export interface CallResult {
  readonly response: HttpResponse
  /** Why the SDK could not read a 2xx response, if so. */
  readonly unreadable?: string
}

/** The `user-agent` of every request. */
export const userAgent = 'vercel-marketplace-action'

/**
 * Makes one call through the SDK: one request, no retry.
 *
 * The SDK builds the request and parses the response. The body bypasses the SDK's `Request`, whose streams and clones
 * would take most of the time, and gets the `null` values that clear a field, which the SDK's types do not allow.
 *
 * @throws the errors of `send`; an Error that contains no values if the SDK refuses a request that our check accepted
 */
export async function callOperation({ request, baseUrl, token, send }: CallOptions): Promise<CallResult> {
  const call = loaded.get(request.operation.name) ?? (await load(request.operation))
  const { body, nulls } = splitNulls(request.body)

  let wireBody: string | undefined
  const hooks = new SDKHooks()
  hooks.registerBeforeCreateRequestHook({
    beforeCreateRequest: (_, input) => {
      if (typeof input.options?.body === 'string') wireBody = input.options.body
      if (nulls) wireBody = JSON.stringify({ ...JSON.parse(wireBody ?? '{}'), ...nulls })
      return { ...input, options: { ...input.options, body: null } }
    },
  })

  let response: HttpResponse | undefined
  let failure: { error: unknown } | undefined
  const httpClient = new HTTPClient({
    fetcher: async (input) => {
      try {
        response = await send(wireRequest(input as Request, wireBody))
        return sdkResponse(response)
      } catch (error) {
        failure = { error }
        throw error
      }
    },
  })
  // The SDK reads the option `hooks`, but its types lack it.
  const options = { serverURL: baseUrl, bearerToken: token ?? '', userAgent, httpClient, hooks }

  let refusal: unknown
  try {
    const result = await call(new VercelCore(options), sdkRequest(request, body))
    if (!result.ok) refusal = result.error
  } catch (error) {
    // For a body that is not JSON the SDK throws instead of returning an error.
    refusal = error
  }
  if (response) return { response, ...unreadable(request, response, refusal) }
  if (failure) throw failure.error
  throw new Error(`@vercel/sdk refused a ${request.operation.sdkName} request: ${pathsOf(refusal)}. Please report this`)
}

/** Splits off the top-level fields that are `null`. */
function splitNulls(body: MarketplaceRequest['body']) {
  const entries = Object.entries(body ?? {})
  if (!entries.some(([, value]) => value === null)) return { body, nulls: undefined }
  return {
    body: Object.fromEntries(entries.filter(([, value]) => value !== null)),
    nulls: Object.fromEntries(entries.filter(([, value]) => value === null)),
  }
}

function sdkRequest({ operation, params }: MarketplaceRequest, body: MarketplaceRequest['body']): unknown {
  if (operation.pathParameters.length === 0) return body
  return body === undefined ? params : { ...params, requestBody: body }
}

function wireRequest({ method, url, headers }: Request, body: string | undefined): HttpRequest {
  // The SDK sets a cookie header even without cookies.
  const sent = Object.fromEntries([...headers].filter(([name]) => name !== 'cookie'))
  return { method, url: new URL(url), headers: sent, body }
}

/**
 * The parts of a response that the SDK reads: status, headers, text. The streams of a real `Response` would take most of the
 * time for a short response.
 */
function sdkResponse({ status, headers, text }: HttpResponse): Response {
  return { status, headers: new Headers(headers), text: async () => text } as Response
}

/** Why the SDK could not read a 2xx response, if so. A HEAD response has no body, and one that is too long was not read. */
function unreadable({ operation }: MarketplaceRequest, response: HttpResponse, refusal: unknown) {
  const { status, tooLong } = response
  if (refusal === undefined || status < 200 || status > 299 || operation.method === 'HEAD' || tooLong) return undefined
  return { unreadable: unreadableReason(refusal, response) }
}

function unreadableReason(refusal: unknown, { status, headers, text }: HttpResponse): string {
  if (text.trim() === '') return `${status} without a body`
  if (issuesOf(refusal)) return `unexpected at ${pathsOf(refusal)}`
  if (refusal instanceof SyntaxError) return 'it is not JSON'
  return `unexpected as ${status} with ${headers['content-type'] ?? 'no content-type'}`
}

/** The paths and codes of a Zod error of the SDK, without the values that it quotes. */
function pathsOf(error: unknown): string {
  const issues = issuesOf(error)
  if (!issues) return error instanceof Error ? error.name : 'unknown reason'
  return issues.map(({ path, code }) => `${path.join('.') || 'body'} (${code})`).join(', ')
}

function issuesOf(error: unknown): { path: unknown[]; code: string }[] | undefined {
  const cause = error instanceof Error ? (error.cause ?? error) : error
  return (cause as { issues?: { path: unknown[]; code: string }[] } | undefined)?.issues
}
