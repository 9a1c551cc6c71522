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

/** Each is loaded once: a batch calls one of them for each of its records. */
const loaded = new Map<OperationName, SdkFunction>()

async function load({ name, sdkFunction }: Operation): Promise<SdkFunction> {
  const call = await sdkFunction()
  loaded.set(name, call)
  return call
}

export interface CallOptions {
  readonly request: MarketplaceRequest
  readonly baseUrl: string
  readonly token: string | undefined
  /** @throws whatever a transport throws */
  readonly send: (request: HttpRequest) => Promise<HttpResponse>
}

export interface CallResult {
  readonly response: HttpResponse
  /** Why the SDK could not read a 2xx response, where it could not. */
  readonly unreadable?: string
}

export const userAgent = 'vercel-marketplace-action'

/**
 * Makes one call through the SDK: one request, no retry.
 *
 * The SDK builds the request and reads the response. The body travels beside its `Request`, whose streams and clones
 * would otherwise be most of the work, and gets back what the SDK's types have no room for: a `null` that clears.
 *
 * @throws whatever `send` throws; an Error without values where the SDK refuses what our own check has let through
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
        return sdkResponse(request, response)
      } catch (error) {
        failure = { error }
        throw error
      }
    },
  })
  // `hooks` is an option that the SDK reads and its types leave out.
  const options = { serverURL: baseUrl, bearerToken: token ?? '', userAgent, httpClient, hooks }

  let refusal: unknown
  try {
    const result = await call(new VercelCore(options), sdkRequest(request, body))
    if (!result.ok) refusal = result.error
  } catch (error) {
    // A body that is no JSON is thrown, not returned.
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
  // The SDK sets a cookie header even where there are no cookies.
  const sent = Object.fromEntries([...headers].filter(([name, value]) => name !== 'cookie' || value !== ''))
  return { method, url: new URL(url), headers: sent, body }
}

/**
 * The response as the SDK reads it: status, headers, text. A real `Response` would bring the web's streams along, which
 * are the larger part of reading a short response.
 */
function sdkResponse({ operation }: MarketplaceRequest, { status, headers, text }: HttpResponse): Response {
  const body = operation.method === 'HEAD' ? '' : text
  return { status, headers: new Headers(headers), text: async () => body } as Response
}

/** Whether the SDK made something of a 2xx. To HEAD there is nothing to read, and what is too long was not read. */
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

/** What a Zod error of the SDK says, without the values that it quotes. */
function pathsOf(error: unknown): string {
  const issues = issuesOf(error)
  if (!issues) return error instanceof Error ? error.name : 'unknown reason'
  return issues.map(({ path, code }) => `${path.join('.') || 'body'} (${code})`).join(', ')
}

function issuesOf(error: unknown): { path: unknown[]; code: string }[] | undefined {
  const cause = error instanceof Error ? (error.cause ?? error) : error
  return (cause as { issues?: { path: unknown[]; code: string }[] } | undefined)?.issues
}
