// A GitHub Actions secret of a repository, one of its environments, or an organisation.
// See https://docs.github.com/rest/actions/secrets

import { getOctokit } from '@actions/github'
import sodium from 'libsodium-wrappers'
import { backoff, requestedWait } from '../delivery/backoff.ts'
import type { Limits } from '../delivery/deliver.ts'
import { Failure } from '../failure.ts'
import { formatDuration } from '../format.ts'
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
  const { path, where, right } = secretEndpoint(place)
  const readKey = async () => (await call(`GET ${path}/public-key`, right)) as PublicKey
  return {
    label: `the secret ${place.name} of ${where}`,
    recoveryHint: 'Store the output accessToken by hand, or run the step again',
    async verifyAccess() {
      await readKey()
    },
    async save(token) {
      // The key of the moment: it may have been changed since it was looked at.
      const { key, key_id } = await readKey()
      await sodium.ready
      const sealed = sodium.crypto_box_seal(token, sodium.from_base64(key, sodium.base64_variants.ORIGINAL))
      const encrypted_value = sodium.to_base64(sealed, sodium.base64_variants.ORIGINAL)
      const visibility =
        place.organization === undefined ? {} : await visibilityOf(`${path}/${place.name}`, call, right)
      await call(`PUT ${path}/${place.name}`, right, { encrypted_value, key_id, ...visibility })
    },
  }
}

type GitHubCall = (route: string, right: string, body?: object, missing?: 'may be missing') => Promise<unknown>

function secretEndpoint({ repository, environment, organization }: SecretPlace) {
  if (organization !== undefined) {
    return {
      path: `/orgs/${encodeURIComponent(organization)}/actions/secrets`,
      where: `the organisation ${organization}`,
      right: 'Organization secrets: write',
    }
  }
  const base = `/repos/${repository.split('/').map(encodeURIComponent).join('/')}`
  return environment === undefined
    ? { path: `${base}/actions/secrets`, where: repository, right: 'Secrets: write' }
    : {
        path: `${base}/environments/${encodeURIComponent(environment)}/secrets`,
        where: `the environment ${environment} of ${repository}`,
        right: 'Environments: write',
      }
}

/** An organisation's secret is seen by whom it was seen by; a new one by private repositories. */
async function visibilityOf(path: string, call: GitHubCall, right: string): Promise<object> {
  const present = await call(`GET ${path}`, right, undefined, 'may be missing')
  if (!isObject(present)) return { visibility: 'private' }
  if (present.visibility !== 'selected') return { visibility: present.visibility }
  const ids: number[] = []
  for (let page = 1; ; page++) {
    const response = (await call(`GET ${path}/repositories?per_page=100&page=${page}`, right)) as {
      repositories: { id: number }[]
    }
    ids.push(...response.repositories.map(({ id }) => id))
    if (response.repositories.length < 100) return { visibility: 'selected', selected_repository_ids: ids }
  }
}

/** Makes calls of GitHub's API within the step's delivery limits. All that are made here may be made again. */
function caller({ token, transport, limits, clock, random, signal, abort, log }: SecretOptions): GitHubCall {
  const silent = { debug() {}, info() {}, warn() {}, error() {} }
  const fetch = fetchOver(transport, { timeoutMs: limits.attemptTimeoutMs, signal: abort })
  const octokit = getOctokit(token, { log: silent, request: { fetch } })
  return async (route, right, body, missing) => {
    const deadline = clock.monotonic() + limits.retryTimeoutMs
    for (let attempt = 1; ; attempt++) {
      try {
        const { data, status, headers } = await octokit.request(route, { ...body })
        if (status >= 300) throw redirected(route, headers.location)
        return data
      } catch (error) {
        if (error instanceof Failure) throw error
        const response = answerOf(error)
        if (missing && response?.status === 404) return undefined
        const wait = (response && requestedWait(response, clock.now())) ?? backoff(attempt, random())
        const late = clock.monotonic() + wait >= deadline
        if (!isPassing(response) || attempt >= limits.maxAttempts || late || signal.aborted) {
          throw githubFailure(route, error, response, right)
        }
        log.info(
          `retrying GitHub in ${formatDuration(wait)} (attempt ${attempt + 1} of ${limits.maxAttempts}): ${response ? `${response.status}` : 'no response'}`,
        )
        await clock.sleep(wait, signal)
      }
    }
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
    hint: 'Was the repository renamed? Run the workflow anew, so that it knows the new name',
  })

interface GitHubResponse {
  readonly status: number
  readonly headers: Record<string, string>
  readonly text: string
}

/** Octokit throws what it was answered. */
function answerOf(error: unknown): GitHubResponse | undefined {
  const { response } = error as { response?: { status: number; headers: Record<string, string>; data: unknown } }
  if (!response) return undefined
  const { status, headers, data } = response
  const message = isObject(data) && typeof data.message === 'string' ? data.message : ''
  return { status: isThrottled(status, headers) ? 429 : status, headers, text: message }
}

/** GitHub throttles with 403 as well. */
const isThrottled = (status: number, headers: Record<string, string>) =>
  status === 403 && (headers['retry-after'] !== undefined || headers['x-ratelimit-remaining'] === '0')

const isPassing = (response: GitHubResponse | undefined) =>
  response === undefined || [429, 500, 502, 503, 504].includes(response.status)

function githubFailure(route: string, error: unknown, response: GitHubResponse | undefined, right: string): Failure {
  if (!response) {
    const { cause } = error as Error
    const reason = cause instanceof TransportError ? cause.message : 'the connection failed'
    return new Failure('github_unreachable', `GitHub gave no response to ${route}: ${reason}`, { cause: error })
  }
  const said = response.text === '' ? '' : `: ${response.text.slice(0, 300)}`
  const hint = [401, 403, 404].includes(response.status)
    ? `\`github-token\` must be one with the right "${right}", such as a fine-grained token or that of a GitHub App; the workflow's own GITHUB_TOKEN cannot have it`
    : undefined
  return new Failure('github_refused', `GitHub refused ${route} with ${response.status}${said}`, { hint, cause: error })
}
