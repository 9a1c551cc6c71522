// Stores a token in a GitHub Actions secret: of a repository, of an environment, or of an organisation.
// See https://docs.github.com/rest/actions/secrets

import { getOctokit } from '@actions/github'
import sodium from 'libsodium-wrappers'
import { requestedWait } from '../delivery/backoff.ts'
import { truncate } from '../delivery/error-response.ts'
import { type Limits, retry } from '../delivery/retry.ts'
import { Failure } from '../failure.ts'
import type { HttpRequest, Transport } from '../http/transport.ts'
import { TransportError } from '../http/transport-error.ts'
import { isObject } from '../payload/schema.ts'
import type { Clock } from '../runtime.ts'
import type { TokenStore } from './complete-rotation.ts'
import { publicKeyIn } from './public-key.ts'

/** Which secret. Without an environment and an organisation it is a repository secret. */
export interface SecretPlace {
  readonly name: string
  /** `owner/name`. */
  readonly repository: string
  readonly environment: string | undefined
  readonly organization: string | undefined
}

export interface SecretOptions {
  readonly place: SecretPlace
  /** A token that may write the secret. */
  readonly token: string
  /** The base URL of GitHub's API. */
  readonly apiUrl: string
  readonly transport: Transport
  readonly limits: Limits
  readonly clock: Clock
  /** From 0 to 1. */
  readonly random: () => number
  /** Ends a wait, and starts no new attempt. */
  readonly signal: AbortSignal
  /** Aborts requests in flight. */
  readonly abort: AbortSignal
  readonly log: { readonly info: (line: string) => void }
}

export interface GitHubSecret extends TokenStore {
  /**
   * Reads the secret's public key, which needs the same permission as writing the secret.
   *
   * @throws {Failure} if the token cannot access it, or the response has no key
   */
  readonly verifyAccess: () => Promise<void>
}

/** How much of GitHub's own message is shown. */
const maxShownChars = 300

/** Opens a secret. It sends no request until `verifyAccess` or `save` is called. */
export function openSecret(options: SecretOptions): GitHubSecret {
  const { place } = options
  const call = gitHubClient(options)
  const { path, owner, permission } = secretEndpoint(place)
  const route = `GET ${path}/public-key`
  const readPublicKey = async () => publicKeyIn(await call(route, permission), route)
  return {
    label: `the secret ${place.name} of ${owner}`,
    recoveryHint: 'Store the output accessToken by hand, or run the step again',
    async verifyAccess() {
      await readPublicKey()
    },
    async save(token) {
      // The key may have changed since access was verified.
      const { key, key_id } = await readPublicKey()
      await sodium.ready
      const sealed = sodium.crypto_box_seal(token, sodium.from_base64(key, sodium.base64_variants.ORIGINAL))
      const encrypted_value = sodium.to_base64(sealed, sodium.base64_variants.ORIGINAL)
      const visibility =
        place.organization === undefined ? {} : await readVisibility(`${path}/${place.name}`, call, permission)
      await call(`PUT ${path}/${place.name}`, permission, { encrypted_value, key_id, ...visibility })
    },
  }
}

/**
 * Calls GitHub's API.
 *
 * @param route       method and path
 * @param permission  that the call needs, for the failure's hint
 * @returns the response body; undefined after a 404 if the resource `may be missing`
 * @throws {Failure} if GitHub refuses the call or does not respond
 */
type GitHubCall = (route: string, permission: string, body?: object, onMissing?: 'may be missing') => Promise<unknown>

/** The API path of the secrets, who owns them, and the permission that writing them needs. */
function secretEndpoint({ repository, environment, organization }: SecretPlace) {
  if (organization !== undefined) {
    return {
      path: `/orgs/${encodeURIComponent(organization)}/actions/secrets`,
      owner: `the organisation ${organization}`,
      permission: 'Organization secrets: write',
    }
  }
  const base = `/repos/${repository.split('/').map(encodeURIComponent).join('/')}`
  return environment === undefined
    ? { path: `${base}/actions/secrets`, owner: repository, permission: 'Secrets: write' }
    : {
        path: `${base}/environments/${encodeURIComponent(environment)}/secrets`,
        owner: `the environment ${environment} of ${repository}`,
        permission: 'Environments: write',
      }
}

/** An existing secret of an organisation keeps its visibility; a new one is visible to private repositories. */
async function readVisibility(path: string, call: GitHubCall, permission: string): Promise<object> {
  const existing = await call(`GET ${path}`, permission, undefined, 'may be missing')
  if (!isObject(existing)) return { visibility: 'private' }
  if (existing.visibility !== 'selected') return { visibility: existing.visibility }
  const ids: number[] = []
  for (let page = 1; ; page++) {
    const response = (await call(`GET ${path}/repositories?per_page=100&page=${page}`, permission)) as {
      repositories: { id: number }[]
    }
    ids.push(...response.repositories.map(({ id }) => id))
    if (response.repositories.length < 100) return { visibility: 'selected', selected_repository_ids: ids }
  }
}

/** A client of GitHub's API that keeps to the step's delivery limits. All calls made here are safe to repeat. */
function gitHubClient({
  token,
  apiUrl,
  transport,
  limits,
  clock,
  random,
  signal,
  abort,
  log,
}: SecretOptions): GitHubCall {
  // Octokit would print GitHub's notices on deprecated calls, which belong to the developers of this action.
  const silentLog = { warn() {} }
  const fetch = fetchThrough(transport, { timeoutMs: limits.attemptTimeoutMs, signal: abort })
  const octokit = getOctokit(token, { baseUrl: apiUrl, request: { fetch, log: silentLog } })
  return async (route, permission, body, onMissing) => {
    const { result } = await retry<GitHubResult>({
      attempt: () => sendOnce(octokit, route, body),
      judge(result) {
        const { response } = result
        return {
          shouldRetry: 'error' in result && isTransient(response),
          requestedWaitMs: response && requestedWait(response, clock.now()),
          reason: response ? `${response.status}` : 'no response',
        }
      },
      limits,
      clock,
      random,
      signal,
      log,
      server: 'GitHub',
    })
    if (!('error' in result)) return result.data
    if (onMissing && result.response?.status === 404) return undefined
    throw githubFailure(route, result.error, result.response, permission)
  }
}

type GitHubResult =
  | { readonly data: unknown; readonly response?: undefined }
  | { readonly error: unknown; readonly response: GitHubResponse | undefined }

/** Makes one attempt. @throws {Failure} after a redirect */
async function sendOnce(
  octokit: ReturnType<typeof getOctokit>,
  route: string,
  body: object | undefined,
): Promise<GitHubResult> {
  try {
    const { data, status, headers } = await octokit.request(route, { ...body })
    if (status >= 300) throw redirectFailure(route, headers.location)
    return { data }
  } catch (error) {
    if (error instanceof Failure) throw error
    return { error, response: responseOf(error) }
  }
}

/**
 * The part of `fetch` that Octokit uses, on top of a transport: calls to GitHub use the same proxies, certificates and
 * time-outs as all other requests, and dist/ contains no second HTTP client (see scripts/build.ts).
 */
function fetchThrough(transport: Transport, options: { timeoutMs: number; signal: AbortSignal }) {
  return async (url: string, { method, headers, body }: Pick<HttpRequest, 'method' | 'headers' | 'body'>) => {
    const response = await transport.send({ method, url: new URL(url), headers, body }, options)
    return { ...response, url, headers: new Map(Object.entries(response.headers)), text: async () => response.text }
  }
}

const redirectFailure = (route: string, target = 'another address') =>
  new Failure('github_refused', `GitHub redirected ${route} to ${target}, and redirects are not followed`, {
    hint: 'If the repository was renamed, run the workflow again so that it uses the new name',
  })

interface GitHubResponse {
  readonly status: number
  readonly headers: Record<string, string>
  readonly text: string
}

/** The response in an error of Octokit; undefined if there was none. */
function responseOf(error: unknown): GitHubResponse | undefined {
  const { response } = error as { response?: { status: number; headers: Record<string, string>; data: unknown } }
  if (!response) return undefined
  const { status, headers, data } = response
  const message = isObject(data) && typeof data.message === 'string' ? data.message : ''
  return { status: isThrottled(status, headers) ? 429 : status, headers, text: message }
}

/**
 * GitHub also throttles with 403.
 * See https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api
 */
const isThrottled = (status: number, headers: Record<string, string>) =>
  status === 403 && (headers['retry-after'] !== undefined || headers['x-ratelimit-remaining'] === '0')

const isTransient = (response: GitHubResponse | undefined) =>
  response === undefined || [429, 500, 502, 503, 504].includes(response.status)

function githubFailure(
  route: string,
  error: unknown,
  response: GitHubResponse | undefined,
  permission: string,
): Failure {
  if (!response) {
    const { cause } = error as Error
    const reason = cause instanceof TransportError ? cause.message : 'the connection failed'
    return new Failure('github_unreachable', `GitHub gave no response to ${route}: ${reason}`, { cause: error })
  }
  const detail = response.text === '' ? '' : `: ${truncate(response.text, maxShownChars)}`
  const hint = [401, 403, 404].includes(response.status)
    ? `\`github-token\` must have the permission "${permission}", such as a fine-grained token or the token of a GitHub App; the workflow's own GITHUB_TOKEN cannot have it`
    : undefined
  return new Failure('github_refused', `GitHub refused ${route} with ${response.status}${detail}`, {
    hint,
    cause: error,
  })
}
