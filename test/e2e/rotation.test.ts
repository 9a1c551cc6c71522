// Rotating an installation's credential: what is live, what is stored, and what a failure leaves behind.

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { type SandboxServer, startSandboxServer } from '../../src/sandbox/server.ts'
import { type GitHub, startGitHub } from './github.ts'
import { runStep, type StepResult } from './step.ts'

const installation = 'icfg_rotation'
const old = 'old-token-of-the-installation'
const client = { clientId: 'oac_1', clientSecret: 'client-secret-1' }
const path = '/repos/octo-org/octo-repo/actions/secrets/INSTALLATION_TOKEN'

interface Scene {
  readonly vercel: SandboxServer
  readonly github: GitHub
  readonly rotate: (inputs?: Record<string, string>, env?: Record<string, string>) => Promise<StepResult>
  /** Whether a token is live at Vercel. */
  readonly isLive: (token: string | undefined) => Promise<boolean>
}

async function scene(): Promise<Scene> {
  const vercel = await startSandboxServer()
  onTestFinished(vercel.close)
  const github = await startGitHub()
  return {
    vercel,
    github,
    rotate: (inputs = {}, env = {}) =>
      runStep({
        with: {
          operation: 'rotateInstallationCredential',
          'installation-id': installation,
          token: old,
          'api-url': vercel.url,
          payload: JSON.stringify(client),
          'store-secret': 'INSTALLATION_TOKEN',
          'github-token': 'github-token-1',
          'max-attempts': '2',
          'attempt-timeout': '1',
          'retry-timeout': '4',
          ...inputs,
        },
        env: { GITHUB_API_URL: github.url, ...env },
      }),
    async isLive(token) {
      const faults = vercel.faults
      vercel.faults = () => undefined
      const { status } = await fetch(`${vercel.url}/v1/installations/${installation}/account`, {
        headers: { authorization: `Bearer ${token}` },
      })
      vercel.faults = faults
      return status === 200
    },
  }
}

const operations = ({ vercel }: Scene) => vercel.arrivals.map(({ operation }) => operation)

test('a new token is proven, stored in the repository, and the previous one goes on working', async () => {
  const here = await scene()
  const step = await here.rotate()
  expect(step).toMatchObject({ code: 0, errors: [], outputs: { status: 'accepted', attempts: '1' } })
  const token = step.outputs.accessToken
  expect(operations(here)).toEqual(['rotateInstallationCredential', 'getAccountInfo'])
  expect(here.vercel.arrivals[1]?.headers.authorization).toBe(`Bearer ${token}`)
  expect([...here.github.secrets]).toEqual([[path, token]])
  expect(await here.isLive(old)).toBe(true)
  expect(await here.isLive(token)).toBe(true)
  expect(step.summary).toContain(
    `stored as the secret INSTALLATION_TOKEN of octo-org/octo-repo. The previous one goes on`,
  )
})

test('with revoke-previous the previous one is revoked last, with the new one', async () => {
  const here = await scene()
  const step = await here.rotate({ 'revoke-previous': 'true' })
  expect(step).toMatchObject({ code: 0, errors: [] })
  const token = step.outputs.accessToken
  expect(operations(here)).toEqual(['rotateInstallationCredential', 'getAccountInfo', 'revokeInstallationCredential'])
  expect(here.vercel.arrivals[2]).toMatchObject({
    headers: { authorization: `Bearer ${token}` },
    body: { token: old, client_id: 'oac_1', client_secret: 'client-secret-1' },
  })
  expect(await here.isLive(old)).toBe(false)
  expect(await here.isLive(token)).toBe(true)
  expect(step.summary).toContain('The previous one is revoked.')
})

test.each([
  [
    'an environment',
    { 'store-secret-environment': 'prod/eu' },
    '/repos/octo-org/octo-repo/environments/prod%2Feu/secrets/INSTALLATION_TOKEN',
  ],
  ['an organisation', { 'store-secret-organization': 'octo-org' }, '/orgs/octo-org/actions/secrets/INSTALLATION_TOKEN'],
])('a secret of %s', async (_, inputs, stored) => {
  const here = await scene()
  const step = await here.rotate(inputs)
  expect(step).toMatchObject({ code: 0, errors: [] })
  expect([...here.github.secrets]).toEqual([[stored, step.outputs.accessToken]])
})

test.each([
  ['a new organisation secret is private', undefined, { visibility: 'private' }],
  ['one for all stays one for all', 'all', { visibility: 'all' }],
  ['one for some keeps them', 'selected', { visibility: 'selected', selected_repository_ids: [7, 9] }],
])('%s', async (_, present, visibility) => {
  const here = await scene()
  if (present) here.github.visibilities.set('INSTALLATION_TOKEN', present)
  const step = await here.rotate({ 'store-secret-organization': 'octo-org' })
  expect(step).toMatchObject({ code: 0, errors: [] })
  expect(here.github.calls.at(-1)?.body).toMatchObject(visibility)
})

test('a github-token that cannot reach the secret shows before anything is rotated', async () => {
  const here = await scene()
  here.github.faults = () => 403
  const step = await here.rotate()
  expect(step.code).toBe(1)
  expect(step.errors[0]).toContain('"Secrets: write"')
  expect(here.vercel.arrivals).toEqual([])
})

test.each([
  [
    'the proof is refused',
    'getAccountInfo',
    { type: 'answer', status: 403 } as const,
    /could not be verified.*current token still works/,
  ],
  ['the proof gets no answer', 'getAccountInfo', { type: 'drop', work: false } as const, /could not be verified/],
  [
    'the revocation is refused',
    'revokeInstallationCredential',
    { type: 'answer', status: 403 } as const,
    /could not be revoked.*still valid/,
  ],
  [
    'the rotation is refused',
    'rotateInstallationCredential',
    { type: 'answer', status: 403 } as const,
    /refused rotateInstallationCredential/,
  ],
  [
    'the rotation gets no answer',
    'rotateInstallationCredential',
    { type: 'drop', work: true } as const,
    /outcome is unknown.*current token still works/,
  ],
  [
    'the rotation answers with no token',
    'rotateInstallationCredential',
    { type: 'replace', body: {} } as const,
    /contains no token/,
  ],
  [
    'the rotation answers with the old token',
    'rotateInstallationCredential',
    { type: 'replace', body: { access_token: old, token_type: 'oauth2-token', expires_in: 1, scope: 's' } } as const,
    /the rotation with the previous token/,
  ],
])('where %s the step says which token works, and it does', async (_, operation, fault, error) => {
  const here = await scene()
  here.vercel.faults = (arrival) => (arrival.operation === operation ? fault : undefined)
  const step = await here.rotate({ 'revoke-previous': 'true' })
  expect(step.code).toBe(1)
  expect(step.errors).toEqual([expect.stringMatching(error)])
  expect(await here.isLive(old)).toBe(true)
  const stored = here.github.secrets.get(path)
  if (stored !== undefined) expect(await here.isLive(stored)).toBe(true)
  expect(operation === 'revokeInstallationCredential').toBe(stored !== undefined)
})

test.each([
  ['refused', 403],
  ['reset', 'reset'],
  ['timed out', 'stall'],
  ['reset after it was stored', 'reset after'],
] as const)('where storing is %s both tokens work, and the new one is an output', async (_, fault) => {
  const here = await scene()
  here.github.faults = ({ method }) => (method === 'PUT' ? fault : undefined)
  const step = await here.rotate({ 'revoke-previous': 'true' })
  expect(step.code).toBe(1)
  expect(step.errors).toEqual([
    expect.stringMatching(
      /could not be stored as the secret INSTALLATION_TOKEN of octo-org\/octo-repo.*Both tokens work.*accessToken/,
    ),
  ])
  expect(step.outputs).toMatchObject({ status: 'failed', accessToken: expect.any(String) })
  expect(await here.isLive(old)).toBe(true)
  expect(await here.isLive(step.outputs.accessToken)).toBe(true)
  expect(operations(here)).not.toContain('revokeInstallationCredential')
})

test('what passes by itself at GitHub is tried again', async () => {
  const here = await scene()
  let calls = 0
  here.github.faults = () => (calls++ % 2 === 0 ? 502 : undefined)
  const step = await here.rotate()
  expect(step).toMatchObject({ code: 0, errors: [] })
  expect(here.github.secrets.get(path)).toBe(step.outputs.accessToken)
})

test('GitHub is reached through the proxy that is set, and redirects are not followed', async () => {
  const here = await scene()
  const seen: string[] = []
  const proxy = createServer((incoming, outgoing) => {
    seen.push(`${incoming.method} ${incoming.url}`)
    incoming.resume()
    outgoing.writeHead(301, { location: 'https://elsewhere.example.com/' }).end()
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void proxy.close())
  const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
  const step = await here.rotate({}, { HTTP_PROXY: url })
  expect(seen).toEqual([`GET ${here.github.url}${path.replace('INSTALLATION_TOKEN', 'public-key')}`])
  expect(step.outputs).toMatchObject({ status: 'failed', errorCode: 'github_refused' })
  expect(step.errors[0]).toContain('redirected GET')
  expect(operations(here)).toEqual([])
})

test('in the sandbox nothing is stored at GitHub', async () => {
  const here = await scene()
  const step = await here.rotate({ 'api-url': 'sandbox' })
  expect(step).toMatchObject({ code: 0, errors: [] })
  expect(here.github.calls).toEqual([])
})

test.each<[string, Record<string, string>, RegExp]>([
  [
    'both an environment and an organisation',
    { 'store-secret-environment': 'e', 'store-secret-organization': 'o' },
    /exclude each other/,
  ],
  [
    'an environment without a secret',
    { 'store-secret': '', 'store-secret-environment': 'e', 'github-token': '' },
    /`store-secret-environment` is not used.*goes with `store-secret`/,
  ],
  ['no github-token', { 'github-token': '' }, /`github-token` is missing/],
  ['a name with a dash', { 'store-secret': 'MY-TOKEN' }, /letters, digits and _/],
  ['a name of GitHub', { 'store-secret': 'github_x' }, /GITHUB_/],
  ['a name with a digit first', { 'store-secret': '1X' }, /digit/],
  [
    'revoke-previous with nothing to store in',
    { 'store-secret': '', 'github-token': '', 'revoke-previous': 'true' },
    /`revoke-previous` is not used.*goes with `store-secret` or `new-tokens-file`/,
  ],
  ['new-tokens-file for one installation', { 'new-tokens-file': 't.json' }, /goes with `batch-file`/],
  [
    'store-secret for another operation',
    { operation: 'getAccountInfo', payload: '' },
    /it is for rotateInstallationCredential/,
  ],
])('%s is refused before anything is sent', async (_, inputs, error) => {
  const here = await scene()
  const step = await here.rotate(inputs)
  expect(step.code).toBe(1)
  expect(step.errors.join('\n')).toMatch(error)
  expect(here.vercel.arrivals).toEqual([])
  expect(here.github.calls).toEqual([])
})
