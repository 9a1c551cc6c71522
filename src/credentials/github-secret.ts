// A GitHub Actions secret of a repository, one of its environments, or an organisation.
// See https://docs.github.com/rest/actions/secrets

import { getOctokit } from '@actions/github'
import sodium from 'libsodium-wrappers'
import { requestedWait } from '../delivery/backoff.ts'
import { truncate } from '../delivery/response.ts'
import { type Limits, retry } from '../delivery/retry.ts'
import { Failure } from '../failure.ts'
import { type HttpRequest, type Transport, TransportError } from '../http/transport.ts'
import { isObject } from '../payload/schema.ts'
import type { Clock } from '../runtime.ts'
import type { TokenStore } from './complete-rotation.ts'

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
  readonly transport: Transport
  readonly limits: Limits
  readonly clock: Clock
  /** From 0 to 1. */
  readonly random: () => number
  readonly signal: AbortSignal
  readonly abort: AbortSignal
  readonly log: { readonly info: (line: string) => void }
}

export interface GitHubSecret extends TokenStore {
  /** @throws {Failure} where the secret is out of the token's reach */
  readonly verifyAccess: () => Promise<void>
}

interface PublicKey {
  readonly key: string
  readonly key_id: string
}

export function openSecret(options: SecretOptions): GitHubSecret {
  const { place } = options
  const call = caller(options)
  const { path, where, permission } = secretEndpoint(place)
  const readKey = async () => (await call(`GET ${path}/public-key`, permission)) as PublicKey
  return {
    label: `the secret ${place.name} of ${where}`,
    recoveryHint: 'Store the output accessToken by hand, or run the step again',
    async verifyAccess() {
      await readKey()
    },
    async save(token) {
      // The key may have changed since access was verified.
      const { key, key_id } = await readKey()
      await sodium.ready
      const sealed = sodium.crypto_box_seal(token, sodium.from_base64(key, sodium.base64_variants.ORIGINAL))
      const encrypted_value = sodium.to_base64(sealed, sodium.base64_variants.ORIGINAL)
      const visibility =
        place.organization === undefined ? {} : await visibilityOf(`${path}/${place.name}`, call, permission)
      await call(`PUT ${path}/${place.name}`, permission, { encrypted_value, key_id, ...visibility })
    },
  }
}

type GitHubCall = (route: string, permission: string, body?: object, missing?: 'may be missing') => Promise<unknown>

function secretEndpoint({ repository, environment, organization }: SecretPlace) {
  if (organization !== undefined) {
    return {
      path: `/orgs/${encodeURIComponent(organization)}/actions/secrets`,
      where: `the organisation ${organization}`,
      permission: 'Organization secrets: write',
    }
  }
  const base = `/repos/${repository.split('/').map(encodeURIComponent).join('/')}`
  return environment === undefined
    ? { path: `${base}/actions/secrets`, where: repository, permission: 'Secrets: write' }
    : {
        path: `${base}/environments/${encodeURIComponent(environment)}/secrets`,
        where: `the environment ${environment} of ${repository}`,
        permission: 'Environments: write',
      }
}

/** An existing secret of an organisation keeps its visibility; a new one is visible to private repositories. */
async function visibilityOf(path: string, call: GitHubCall, permission: string): Promise<object> {
  const present = await call(`GET ${path}`, permission, undefined, 'may be missing')
  if (!isObject(present)) return { visibility: 'private' }
  if (present.visibility !== 'selected') return { visibility: present.visibility }
  const ids: number[] = []
  for (let page = 1; ; page++) {
    const response = (await call(`GET ${path}/repositories?per_page=100&page=${page}`, permission)) as {
      repositories: { id: number }[]
    }
    ids.push(...response.repositories.map(({ id }) => id))
    if (response.repositories.length < 100) return { visibility: 'selected', selected_repository_ids: ids }
  }
}

/** Calls GitHub's API within the step's delivery limits. All calls made here are safe to repeat. */
function caller({ token, transport, limits, clock, random, signal, abort, log }: SecretOptions): GitHubCall {
  const silent = { debug() {}, info() {}, warn() {}, error() {} }
  const fetch = fetchOver(transport, { timeoutMs: limits.attemptTimeoutMs, signal: abort })
  const octokit = getOctokit(token, { log: silent, request: { fetch } })
  return async (route, permission, body, missing) => {
    const { result } = await retry<GitHubResult>({
      attempt: () => call(octokit, route, body),
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
    if (missing && result.response?.status === 404) return undefined
    throw githubFailure(route, result.error, result.response, permission)
  }
}

type GitHubResult =
  | { readonly data: unknown; readonly response?: undefined }
  | { readonly error: unknown; readonly response: GitHubResponse | undefined }

async function call(
  octokit: ReturnType<typeof getOctokit>,
  route: string,
  body: object | undefined,
): Promise<GitHubResult> {
  try {
    const { data, status, headers } = await octokit.request(route, { ...body })
    if (status >= 300) throw redirected(route, headers.location)
    return { data }
  } catch (error) {
    if (error instanceof Failure) throw error
    return { error, response: responseOf(error) }
  }
}

/**
 * What Octokit uses of `fetch`, over a transport: proxies, certificates and time-outs are those of every other request,
 * and no second HTTP client comes along (see scripts/build.ts).
 */
function fetchOver(transport: Transport, options: { timeoutMs: number; signal: AbortSignal }) {
  return async (url: string, { method, headers, body }: Pick<HttpRequest, 'method' | 'headers' | 'body'>) => {
    const response = await transport.send({ method, url: new URL(url), headers, body }, options)
    return { ...response, url, headers: new Map(Object.entries(response.headers)), text: async () => response.text }
  }
}

const redirected = (route: string, to = 'another address') =>
  new Failure('github_refused', `GitHub redirected ${route} to ${to}, which is not followed`, {
    hint: 'Was the repository renamed? Run the workflow again, so that it knows the new name',
  })

interface GitHubResponse {
  readonly status: number
  readonly headers: Record<string, string>
  readonly text: string
}

/** The response in an error of Octokit's. */
function responseOf(error: unknown): GitHubResponse | undefined {
  const { response } = error as { response?: { status: number; headers: Record<string, string>; data: unknown } }
  if (!response) return undefined
  const { status, headers, data } = response
  const message = isObject(data) && typeof data.message === 'string' ? data.message : ''
  return { status: isThrottled(status, headers) ? 429 : status, headers, text: message }
}

/** GitHub throttles with 403 as well. */
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
  const said = response.text === '' ? '' : `: ${truncate(response.text, 300)}`
  const hint = [401, 403, 404].includes(response.status)
    ? `\`github-token\` must have the permission "${permission}", such as a fine-grained token or the token of a GitHub App; the workflow's own GITHUB_TOKEN cannot have it`
    : undefined
  return new Failure('github_refused', `GitHub refused ${route} with ${response.status}${said}`, { hint, cause: error })
}
