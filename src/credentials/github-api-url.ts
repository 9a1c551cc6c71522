// The base URL of GitHub's API.

import { Failure } from '../failure.ts'
import { isLoopback } from '../http/loopback.ts'

/**
 * The base URL of GitHub's API: `GITHUB_API_URL`, which the runner sets, or https://api.github.com.
 * See https://docs.github.com/actions/reference/variables-reference#default-environment-variables
 *
 * @returns the URL without a slash at its end
 * @throws {Failure} if it is neither https nor http on loopback, because the token would travel unencrypted
 */
export function gitHubApiUrl(env: NodeJS.ProcessEnv): string {
  const text = env.GITHUB_API_URL || 'https://api.github.com'
  const url = URL.parse(text)
  const isSafe = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url.hostname))
  if (!isSafe || url.username || url.password || url.search || url.hash) {
    const message =
      'GITHUB_API_URL must be a host and a path that start with https:// (http:// is for loopback only, because `github-token` would travel unencrypted): set it to https://api.github.com, or to the API of your GitHub Enterprise Server'
    throw new Failure('invalid_input', message, { diagnostics: [{ message }] })
  }
  return text.replace(/\/+$/, '')
}
