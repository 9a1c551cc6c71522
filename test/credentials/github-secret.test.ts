// The calls to GitHub that store a secret, over a transport of the test: which are made, which are repeated, and what a
// failure says.

import sodium from 'libsodium-wrappers'
import { beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { openSecret, type SecretOptions, type SecretPlace } from '../../src/credentials/github-secret.ts'
import { fail, type Planned, plannedTransport, respond as respondPlainly, WaitlessClock } from '../delivery/planned.ts'

beforeAll(() => sodium.ready)

const base64 = sodium.base64_variants

/** A response as GitHub sends it. */
const respond = (status: number, body?: unknown, headers: Record<string, string> = {}) =>
  respondPlainly(status, body, { 'content-type': 'application/json; charset=utf-8', ...headers })

/** A public key of GitHub's, and what opens the values that are sealed with it. */
function newKey(key_id: string) {
  const { publicKey, privateKey } = sodium.crypto_box_keypair()
  const open = (sealed: string) =>
    sodium.to_string(sodium.crypto_box_seal_open(sodium.from_base64(sealed, base64.ORIGINAL), publicKey, privateKey))
  return { answer: respond(200, { key: sodium.to_base64(publicKey, base64.ORIGINAL), key_id }), open }
}

/** A secret, with the answers of GitHub in the order of the calls. */
function open(plan: readonly Planned[], place: Partial<SecretPlace> = {}, change: Partial<SecretOptions> = {}) {
  const clock = new WaitlessClock()
  const { transport, sent } = plannedTransport(clock, plan, () => {})
  const lines: string[] = []
  const never = new AbortController().signal
  const secret = openSecret({
    place: {
      name: 'TOKEN',
      repository: 'octo-org/octo-repo',
      environment: undefined,
      organization: undefined,
      ...place,
    },
    token: 'github-token-1',
    apiUrl: 'https://api.github.example',
    transport,
    limits: { maxAttempts: 3, attemptTimeoutMs: 4000, retryTimeoutMs: 600_000 },
    clock,
    random: () => 1,
    signal: never,
    abort: never,
    log: { info: (line) => void lines.push(line) },
    ...change,
  })
  const calls = () => sent.map(({ request: { method, url } }) => `${method} ${url.pathname}${url.search}`)
  const bodies = () => sent.map(({ request }) => (request.body === undefined ? undefined : JSON.parse(request.body)))
  return { secret, sent, calls, bodies, lines, waits: clock.waits }
}

const repositorySecrets = '/repos/octo-org/octo-repo/actions/secrets'
const created = respond(201, {})
const missing = respond(404, { message: 'Not Found' })

describe('a secret is stored sealed', () => {
  test('with the key that GitHub has when it is stored, not the one that access was verified with', async () => {
    const [first, second] = [newKey('key-1'), newKey('key-2')]
    const { secret, calls, bodies } = open([first.answer, second.answer, created])
    await secret.verifyAccess()
    await secret.save('vct_new')
    const publicKey = `GET ${repositorySecrets}/public-key`
    expect(calls()).toEqual([publicKey, publicKey, `PUT ${repositorySecrets}/TOKEN`])
    const { encrypted_value, ...rest } = bodies()[2]
    expect(rest).toEqual({ key_id: 'key-2' })
    expect(second.open(encrypted_value)).toBe('vct_new')
    expect(() => first.open(encrypted_value)).toThrow()
  })

  test.each<[place: Partial<SecretPlace>, path: string, label: string]>([
    [{}, repositorySecrets, 'octo-org/octo-repo'],
    [
      { environment: 'prod/eu' },
      '/repos/octo-org/octo-repo/environments/prod%2Feu/secrets',
      'the environment prod/eu of octo-org/octo-repo',
    ],
    [{ repository: 'octo org/a?b' }, '/repos/octo%20org/a%3Fb/actions/secrets', 'octo org/a?b'],
  ])('in %j', async (place, path, label) => {
    const { secret, calls } = open([newKey('key-1').answer, created], place)
    await secret.save('vct_new')
    expect(calls()).toEqual([`GET ${path}/public-key`, `PUT ${path}/TOKEN`])
    expect(secret.label).toBe(`the secret TOKEN of ${label}`)
    expect(secret.recoveryHint).toBe('Store the output accessToken by hand, or run the step again')
  })

  test.each<[what: string, response: Planned]>([
    ['a page of a proxy', respondPlainly(200, '<html>Sign in</html>', { 'content-type': 'text/html' })],
    ['nothing', respond(200, null)],
    ['no key', respond(200, { key_id: 'key-1' })],
    ['no id of the key', respond(200, { key: Buffer.alloc(32).toString('base64') })],
    ['a part of a key', respond(200, { key: 'YWJj', key_id: 'key-1' })],
  ])('only if the key can be read: a response with %s is refused before anything else', async (_, response) => {
    const { secret, calls } = open([response])
    await expect(secret.verifyAccess()).rejects.toMatchObject({
      code: 'github_refused',
      message: `The response to GET ${repositorySecrets}/public-key has no public key, so it is not one of GitHub's API`,
      hint: "Check the proxy and the address of GitHub's API (GITHUB_API_URL), then run the step again",
    })
    expect(calls()).toHaveLength(1)
  })

  test('without a word in the log of the process, also if GitHub deprecates the call', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    onTestFinished(() => warn.mockRestore())
    const { key, key_id } = JSON.parse(newKey('key-1').answer.text)
    const { secret } = open([respond(200, { key, key_id }, { deprecation: 'Sat, 01 Jan 2028 00:00:00 GMT' })])
    await secret.verifyAccess()
    expect(warn).not.toHaveBeenCalled()
  })

  test('with the token of the step, and within the limits of an attempt', async () => {
    const abort = new AbortController().signal
    const { secret, sent } = open([newKey('key-1').answer], {}, { abort })
    await secret.verifyAccess()
    expect(sent[0]?.request.headers.authorization).toBe('token github-token-1')
    expect(sent[0]?.options).toEqual({ timeoutMs: 4000, signal: abort })
  })
})

describe('a secret of an organisation', () => {
  const organization = 'octo/org'
  const path = '/orgs/octo%2Forg/actions/secrets'
  const repositories = (from: number, count: number) =>
    respond(200, { repositories: Array.from({ length: count }, (_, index) => ({ id: from + index })) })
  const ids = (count: number) => Array.from({ length: count }, (_, index) => index + 1)

  /** Stores a secret that GitHub answers in this way about. */
  async function save(...about: Planned[]) {
    const { secret, calls, bodies } = open([newKey('key-1').answer, ...about, created], { organization })
    await secret.save('vct_new')
    const { encrypted_value: _, key_id: __, ...visibility } = bodies().at(-1)
    return { visibility, label: secret.label, calls: calls().slice(1, -1) }
  }

  test('that is new is visible to private repositories', async () => {
    expect(await save(missing)).toEqual({
      visibility: { visibility: 'private' },
      label: 'the secret TOKEN of the organisation octo/org',
      calls: [`GET ${path}/TOKEN`],
    })
  })

  test.each(['all', 'private'])('keeps its visibility: %s', async (visibility) => {
    expect((await save(respond(200, { visibility }))).visibility).toEqual({ visibility })
  })

  test.each<[count: number, pages: Planned[]]>([
    [0, [repositories(1, 0)]],
    [99, [repositories(1, 99)]],
    [100, [repositories(1, 100), repositories(101, 0)]],
    [101, [repositories(1, 100), repositories(101, 1)]],
    [250, [repositories(1, 100), repositories(101, 100), repositories(201, 50)]],
  ])('keeps its %i selected repositories', async (count, pages) => {
    const { visibility, calls } = await save(respond(200, { visibility: 'selected' }), ...pages)
    expect(visibility).toEqual({ visibility: 'selected', selected_repository_ids: ids(count) })
    expect(calls.slice(1)).toEqual(
      pages.map((_, index) => `GET ${path}/TOKEN/repositories?per_page=100&page=${index + 1}`),
    )
  })

  test('whose visibility is not answered is not stored', async () => {
    const lost = fail('reset', 'the connection broke')
    const { secret } = open([newKey('key-1').answer, lost, lost, lost], { organization })
    await expect(secret.save('vct_new')).rejects.toMatchObject({
      code: 'github_unreachable',
      message: 'GitHub gave no response to GET /orgs/octo%2Forg/actions/secrets/TOKEN: the connection broke',
      cause: expect.any(Error),
    })
  })

  test('whose visibility cannot be read is not stored', async () => {
    const { secret, calls } = open([newKey('key-1').answer, respond(403, { message: 'No' })], { organization })
    await expect(secret.save('vct_new')).rejects.toMatchObject({
      code: 'github_refused',
      message: 'GitHub refused GET /orgs/octo%2Forg/actions/secrets/TOKEN with 403: No',
      hint: expect.stringContaining('must have the permission "Organization secrets: write"'),
    })
    expect(calls()).toHaveLength(2)
  })
})

describe('a call is repeated', () => {
  test.each([429, 500, 502, 503, 504])('after %i', async (status) => {
    const { secret, waits, lines } = open([respond(status), newKey('key-1').answer])
    await secret.verifyAccess()
    expect(waits).toEqual([500])
    expect(lines).toEqual([`retrying GitHub in 500 ms (attempt 2 of 3): ${status}`])
  })

  test('if no response comes', async () => {
    const { secret, lines } = open([fail('reset', 'the connection broke'), newKey('key-1').answer])
    await secret.verifyAccess()
    expect(lines).toEqual(['retrying GitHub in 500 ms (attempt 2 of 3): no response'])
  })

  test.each<[what: string, headers: Record<string, string>, waitMs: number]>([
    ['retry-after', { 'retry-after': '30' }, 30_000],
    ['an empty quota', { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '1767225645' }, 45_000],
    ['an empty quota without a reset', { 'x-ratelimit-remaining': '0' }, 500],
  ])('after a 403 that throttles, when GitHub says: %s', async (_, headers, waitMs) => {
    const { secret, waits, lines } = open([respond(403, { message: 'rate limit' }, headers), newKey('key-1').answer])
    await secret.verifyAccess()
    expect(waits).toEqual([waitMs])
    expect(lines[0]).toMatch(/: 429$/)
  })

  test('within max-attempts', async () => {
    const { secret, sent } = open([respond(500), respond(500), respond(500, { message: 'oops' })])
    await expect(secret.verifyAccess()).rejects.toMatchObject({
      code: 'github_refused',
      message: `GitHub refused GET ${repositorySecrets}/public-key with 500: oops`,
      hint: undefined,
    })
    expect(sent).toHaveLength(3)
  })

  test.each<[status: number, headers: Record<string, string>]>([
    [400, {}],
    [401, {}],
    [403, {}],
    [403, { 'x-ratelimit-remaining': '1' }],
    [404, { 'retry-after': '1' }],
    [422, {}],
    [501, {}],
  ])('but not after %i %j', async (status, headers) => {
    const { secret, sent } = open([respond(status, { message: 'No' }, headers)])
    await expect(secret.verifyAccess()).rejects.toThrow(
      `GitHub refused GET ${repositorySecrets}/public-key with ${status}: No`,
    )
    expect(sent).toHaveLength(1)
  })

  test('but not once the step is cancelled', async () => {
    const { secret, sent } = open([respond(500)], {}, { signal: AbortSignal.abort() })
    await expect(secret.verifyAccess()).rejects.toThrow('with 500')
    expect(sent).toHaveLength(1)
  })
})

describe('a call that fails', () => {
  test.each<[status: number, place: Partial<SecretPlace>, permission: string]>([
    [401, {}, 'Secrets: write'],
    [403, { environment: 'prod' }, 'Environments: write'],
    [404, { organization: 'octo-org' }, 'Organization secrets: write'],
  ])('with %i names the permission: %j', async (status, place, permission) => {
    const { secret } = open([respond(status)], place)
    await expect(secret.verifyAccess()).rejects.toMatchObject({
      message: expect.stringMatching(new RegExp(`public-key with ${status}$`)),
      hint: `\`github-token\` must have the permission "${permission}", such as a fine-grained token or the token of a GitHub App; the workflow's own GITHUB_TOKEN cannot have it`,
    })
  })

  test('shows what GitHub says, up to 300 characters', async () => {
    const { secret } = open([respond(422, { message: 'x'.repeat(400) })])
    await expect(secret.verifyAccess()).rejects.toMatchObject({
      message: `GitHub refused GET ${repositorySecrets}/public-key with 422: ${'x'.repeat(300)}…`,
      hint: undefined,
      cause: expect.any(Error),
    })
  })

  test.each([{ message: 7 }, ['message'], 'oops'])('with the answer %j says its status', async (body) => {
    const { secret } = open([respond(422, body)])
    await expect(secret.verifyAccess()).rejects.toThrow(/with 422$/)
  })

  test('without a response says why', async () => {
    const lost = fail('timeout', 'no complete response within 4 s')
    const { secret } = open([lost, lost, lost])
    await expect(secret.verifyAccess()).rejects.toMatchObject({
      code: 'github_unreachable',
      message: `GitHub gave no response to GET ${repositorySecrets}/public-key: no complete response within 4 s`,
    })
    const bug = new Error('a bug') as unknown as Planned
    await expect(open([bug, bug, bug]).secret.verifyAccess()).rejects.toMatchObject({
      code: 'github_unreachable',
      message: expect.stringMatching(/: the connection failed$/),
    })
  })

  test.each<[headers: Record<string, string>, target: string, status?: number]>([
    [{}, 'another address', 300],
    [{ location: 'https://api.github.com/repositories/1' }, 'https://api.github.com/repositories/1'],
    [{}, 'another address'],
  ])('with a redirect is not sent there: %j', async (headers, target, status = 301) => {
    const { secret, sent } = open([respond(status, {}, headers)])
    await expect(secret.verifyAccess()).rejects.toMatchObject({
      code: 'github_refused',
      message: `GitHub redirected GET ${repositorySecrets}/public-key to ${target}, and redirects are not followed`,
      hint: 'If the repository was renamed, run the workflow again so that it uses the new name',
    })
    expect(sent).toHaveLength(1)
  })
})
