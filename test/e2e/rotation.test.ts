// The rotation of an installation's credential: which tokens are live and stored after a success and after failures.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { type SandboxServer, startSandboxServer } from '../../src/sandbox/server.ts'
import { examplePayload } from '../example-payloads.ts'
import { serverName, startProxy, startServer } from '../http/proxies.ts'
import { holdTimeouts, skipWaits } from '../waits.ts'
import { type GitHub, startGitHub } from './github.ts'
import { runStep, runStepInProcess, type StepResult, scratch } from './step.ts'

const installation = 'icfg_rotation'
const oldToken = 'old-token-of-the-installation'
const { body: client } = examplePayload('rotateInstallationCredential')
const path = '/repos/octo-org/octo-repo/actions/secrets/INSTALLATION_TOKEN'

interface Setup {
  readonly vercel: SandboxServer
  readonly github: GitHub
  readonly rotate: (inputs?: Record<string, string>, env?: Record<string, string>) => Promise<StepResult>
  /** Whether a token is live at Vercel. */
  readonly isLive: (token: string | undefined) => Promise<boolean>
}

async function setUp(): Promise<Setup> {
  skipWaits()
  const vercel = await startSandboxServer()
  onTestFinished(vercel.close)
  const github = await startGitHub()
  return {
    vercel,
    github,
    rotate(inputs = {}, env = {}) {
      // Node reads certificates when it starts.
      const run = env.NODE_EXTRA_CA_CERTS === undefined ? runStepInProcess : runStep
      return run({
        with: {
          operation: 'rotateInstallationCredential',
          'installation-id': installation,
          token: oldToken,
          'api-url': vercel.url,
          payload: JSON.stringify(client),
          'store-secret': 'INSTALLATION_TOKEN',
          'github-token': 'github-token-1',
          'max-attempts': '2',
          'attempt-timeout': '30',
          'retry-timeout': '4',
          ...inputs,
        },
        env: { GITHUB_API_URL: github.url, ...env },
      })
    },
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

const operations = ({ vercel }: Setup) => vercel.arrivals.map(({ operation }) => operation)

test('the step verifies a new token and stores it as a repository secret; the previous one still works', async () => {
  const setup = await setUp()
  const step = await setup.rotate()
  expect(step).toMatchObject({ code: 0, errors: [], outputs: { status: 'accepted', attempts: '1' } })
  const token = step.outputs.accessToken
  expect(operations(setup)).toEqual(['rotateInstallationCredential', 'getAccountInfo'])
  expect(setup.vercel.arrivals[1]?.headers.authorization).toBe(`Bearer ${token}`)
  expect([...setup.github.secrets]).toEqual([[path, token]])
  expect(await setup.isLive(oldToken)).toBe(true)
  expect(await setup.isLive(token)).toBe(true)
  expect(step.summary).toContain(
    `stored as the secret INSTALLATION_TOKEN of octo-org/octo-repo. The previous one still works`,
  )
})

test('with revoke-previous the step revokes the previous token last, with the new one', async () => {
  const setup = await setUp()
  const step = await setup.rotate({ 'revoke-previous': 'true' })
  expect(step).toMatchObject({ code: 0, errors: [] })
  const token = step.outputs.accessToken
  expect(operations(setup)).toEqual(['rotateInstallationCredential', 'getAccountInfo', 'revokeInstallationCredential'])
  expect(setup.vercel.arrivals[2]).toMatchObject({
    headers: { authorization: `Bearer ${token}` },
    body: { token: oldToken, client_id: client.clientId, client_secret: client.clientSecret },
  })
  expect(await setup.isLive(oldToken)).toBe(false)
  expect(await setup.isLive(token)).toBe(true)
  expect(step.summary).toContain('The previous one is revoked.')
})

test.each([
  [
    'an environment',
    { 'store-secret-environment': 'prod/eu' },
    '/repos/octo-org/octo-repo/environments/prod%2Feu/secrets/INSTALLATION_TOKEN',
  ],
  ['an organisation', { 'store-secret-organization': 'octo-org' }, '/orgs/octo-org/actions/secrets/INSTALLATION_TOKEN'],
])('the step stores the token as a secret of %s', async (_, inputs, stored) => {
  const setup = await setUp()
  const step = await setup.rotate(inputs)
  expect(step).toMatchObject({ code: 0, errors: [] })
  expect([...setup.github.secrets]).toEqual([[stored, step.outputs.accessToken]])
})

test.each([
  ['a new organisation secret is private', undefined, { visibility: 'private' }],
  ['an organisation secret for all repositories stays so', 'all', { visibility: 'all' }],
  [
    'an organisation secret for selected repositories keeps them',
    'selected',
    { visibility: 'selected', selected_repository_ids: [7, 9] },
  ],
])('%s', async (_, present, visibility) => {
  const setup = await setUp()
  if (present) setup.github.visibilities.set('INSTALLATION_TOKEN', present)
  const step = await setup.rotate({ 'store-secret-organization': 'octo-org' })
  expect(step).toMatchObject({ code: 0, errors: [] })
  expect(setup.github.calls.at(-1)?.body).toMatchObject(visibility)
})

test('the step fails before it rotates anything if github-token cannot access the secret', async () => {
  const setup = await setUp()
  setup.github.faults = () => 403
  const step = await setup.rotate()
  expect(step.code).toBe(1)
  expect(step.errors[0]).toContain('"Secrets: write"')
  expect(setup.vercel.arrivals).toEqual([])
})

test.each([
  [
    'Vercel rejects the verification',
    'getAccountInfo',
    { type: 'answer', status: 403 } as const,
    /could not be verified.*current token still works/,
  ],
  [
    'the verification gets no response',
    'getAccountInfo',
    { type: 'drop', work: false } as const,
    /could not be verified/,
  ],
  [
    'Vercel rejects the revocation',
    'revokeInstallationCredential',
    { type: 'answer', status: 403 } as const,
    /could not be revoked.*still valid/,
  ],
  [
    'Vercel rejects the rotation',
    'rotateInstallationCredential',
    { type: 'answer', status: 403 } as const,
    /refused rotateInstallationCredential/,
  ],
  [
    'the rotation gets no response',
    'rotateInstallationCredential',
    { type: 'drop', work: true } as const,
    /outcome is unknown.*current token still works/,
  ],
  [
    'the response to the rotation has no token',
    'rotateInstallationCredential',
    { type: 'replace', body: {} } as const,
    /contains no token/,
  ],
  [
    'the response to the rotation has the old token',
    'rotateInstallationCredential',
    {
      type: 'replace',
      body: { access_token: oldToken, token_type: 'oauth2-token', expires_in: 1, scope: 's' },
    } as const,
    /the rotation with the previous token/,
  ],
])('if %s, the step reports which token works, and that token is live', async (_, operation, fault, error) => {
  const setup = await setUp()
  setup.vercel.faults = (arrival) => (arrival.operation === operation ? fault : undefined)
  const step = await setup.rotate({ 'revoke-previous': 'true' })
  expect(step.code).toBe(1)
  expect(step.errors).toEqual([expect.stringMatching(error)])
  expect(await setup.isLive(oldToken)).toBe(true)
  const stored = setup.github.secrets.get(path)
  if (stored !== undefined) expect(await setup.isLive(stored)).toBe(true)
  expect(operation === 'revokeInstallationCredential').toBe(stored !== undefined)
})

test.each([
  ['is rejected', 403],
  ['is reset', 'reset'],
  ['times out', 'stall'],
  ['is reset after GitHub stored the secret', 'reset after'],
] as const)(
  'if the request to store the secret %s, both tokens work, and the new one is an output',
  async (_, fault) => {
    const setup = await setUp()
    const timeOut = holdTimeouts()
    setup.github.faults = ({ method }) => {
      if (method !== 'PUT') return undefined
      if (fault === 'stall') timeOut()
      return fault
    }
    const step = await setup.rotate({ 'revoke-previous': 'true' })
    expect(step.code).toBe(1)
    expect(step.errors).toEqual([
      expect.stringMatching(
        /could not be stored as the secret INSTALLATION_TOKEN of octo-org\/octo-repo.*Both tokens work.*accessToken/,
      ),
    ])
    expect(step.outputs).toMatchObject({ status: 'failed', accessToken: expect.any(String) })
    expect(await setup.isLive(oldToken)).toBe(true)
    expect(await setup.isLive(step.outputs.accessToken)).toBe(true)
    expect(operations(setup)).not.toContain('revokeInstallationCredential')
  },
)

test('requests to GitHub are retried after a temporary error', async () => {
  const setup = await setUp()
  let calls = 0
  setup.github.faults = () => (calls++ % 2 === 0 ? 502 : undefined)
  const step = await setup.rotate()
  expect(step).toMatchObject({ code: 0, errors: [] })
  expect(setup.github.secrets.get(path)).toBe(step.outputs.accessToken)
})

test('requests to GitHub use the proxy and do not follow redirects', async () => {
  const setup = await setUp()
  const github = await startServer((_, outgoing) =>
    outgoing.writeHead(301, { location: 'https://elsewhere.example.com/' }).end(),
  )
  const proxy = await startProxy('tunnel', github)
  const authority = join(scratch(), 'authority.pem')
  writeFileSync(authority, github.authority)
  const step = await setup.rotate(
    {},
    { HTTPS_PROXY: `http://${proxy.address}`, GITHUB_API_URL: `${github.url}/api/v3/`, NODE_EXTRA_CA_CERTS: authority },
  )
  expect(proxy.heads).toEqual([expect.stringContaining(`CONNECT ${serverName}:${github.port} `)])
  expect(github.requests.map(({ line }) => line)).toEqual([
    `GET /api/v3${path.replace('INSTALLATION_TOKEN', 'public-key')}`,
  ])
  expect(step.outputs).toMatchObject({ status: 'failed', errorCode: 'github_refused' })
  expect(step.errors[0]).toContain('redirected GET')
  expect(operations(setup)).toEqual([])
})

test('a rotation in the sandbox stores nothing at GitHub', async () => {
  const setup = await setUp()
  const step = await setup.rotate({ 'api-url': 'sandbox' })
  expect(step).toMatchObject({ code: 0, errors: [] })
  expect(setup.github.calls).toEqual([])
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
  ['a name with the prefix GITHUB_', { 'store-secret': 'github_x' }, /GITHUB_/],
  ['a name that starts with a digit', { 'store-secret': '1X' }, /digit/],
  [
    'revoke-previous without a place to store the token',
    { 'store-secret': '', 'github-token': '', 'revoke-previous': 'true' },
    /`revoke-previous` is not used.*goes with `store-secret` or `new-tokens-file`/,
  ],
  ['new-tokens-file for one installation', { 'new-tokens-file': 't.json' }, /goes with `batch-file`/],
  [
    'store-secret for another operation',
    { operation: 'getAccountInfo', payload: '' },
    /it is for rotateInstallationCredential/,
  ],
])('with %s the step fails before it sends anything', async (_, inputs, error) => {
  const setup = await setUp()
  const step = await setup.rotate(inputs)
  expect(step.code).toBe(1)
  expect(step.errors.join('\n')).toMatch(error)
  expect(setup.vercel.arrivals).toEqual([])
  expect(setup.github.calls).toEqual([])
})
