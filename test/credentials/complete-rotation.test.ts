// The steps after a rotation: verify, store, revoke. Each failure says which token works, and what was done.

import { describe, expect, test } from 'vitest'
import { completeRotation, type RotationOptions } from '../../src/credentials/complete-rotation.ts'
import { Failure } from '../../src/failure.ts'
import { fail, type Planned, planDelivery, refuse, respond } from '../delivery/planned.ts'
import { requestOf } from '../delivery/requests.ts'

const account = respond(200, { name: 'Acme' })
const revoked = respond(200, { revoked: true })

/** Completes a rotation with the answers of Vercel, in order. */
async function complete(plan: readonly Planned[], change: Partial<RotationOptions> & { body?: object } = {}) {
  const { body = {}, ...options } = change
  const stored: string[] = []
  const request = await requestOf('rotateInstallationCredential', { integrationConfigurationId: 'icfg_1' }, body)
  const { options: rotation, sent, lines } = planDelivery(request, plan)
  const result = await completeRotation({
    rotation,
    token: 'new-token',
    store: {
      label: 'the secret TOKEN',
      recoveryHint: 'Store it by hand',
      save: async (token) => void stored.push(token),
    },
    revokesPrevious: false,
    ...options,
  }).catch((error: unknown) => error)
  const calls = sent.map(
    ({ request: { method, url, headers } }) => `${method} ${url.pathname} ${headers.authorization}`,
  )
  return { result, stored, calls, lines, sent, request }
}

const verification = 'GET /v1/installations/icfg_1/account Bearer new-token'
const unchanged = 'The current token still works, and the secret TOKEN was not changed'

test.each<[token: string | undefined, message: string]>([
  [undefined, 'Vercel accepted the rotation, but the response contains no token'],
  ['', 'Vercel accepted the rotation, but the response contains no token'],
  ['test-token', 'Vercel answered the rotation with the previous token'],
])('the token %j is not a new one: nothing is stored', async (token, message) => {
  const { result, stored, calls } = await complete([], { token, revokesPrevious: true })
  expect(result).toMatchObject({ code: 'no_token', message, hint: unchanged })
  expect({ stored, calls }).toEqual({ stored: [], calls: [] })
})

test('a token is verified with a request of its own, then stored; the previous one stays', async () => {
  const { result, stored, calls, lines } = await complete([account])
  expect(result).toEqual({ storedIn: 'the secret TOKEN', previousRevoked: false })
  expect(stored).toEqual(['new-token'])
  expect(calls).toEqual([verification])
  expect(lines.filter((line) => !/^[<>]/.test(line))).toEqual([
    'verifying the new token',
    'storing the new token as the secret TOKEN',
  ])
})

test.each([
  [
    { clientId: 'oac_1', clientSecret: 's3cret' },
    { client_id: 'oac_1', client_secret: 's3cret' },
  ],
  [{ clientId: undefined, clientSecret: 's3cret' }, { client_secret: 's3cret' }],
])('the previous token is revoked last, with the new one and the client of the rotation', async (body, client) => {
  const { result, calls, sent, lines } = await complete([account, revoked], { revokesPrevious: true, body })
  expect(result).toEqual({ storedIn: 'the secret TOKEN', previousRevoked: true })
  expect(calls).toEqual([verification, expect.stringMatching(/^POST .*\/icfg_1\/.*revoke Bearer new-token$/)])
  expect(JSON.parse(sent[1]?.request.body ?? '')).toEqual({ token: 'test-token', ...client })
  expect(lines).toContain('revoking the previous token')
})

test('a token that cannot be verified is not stored, and the message says which one works', async () => {
  const { result, stored, calls } = await complete([refuse(403, 'forbidden', 'No')], { revokesPrevious: true })
  expect(result).toMatchObject({
    code: 'http_403',
    message:
      'The new token was issued, but could not be verified: Vercel refused getAccountInfo with 403 forbidden: No',
    hint: expect.stringMatching(
      new RegExp(`^${unchanged}\\. Run the step again, and let the token that was issued expire\\. .*access_token`),
    ),
  })
  expect({ stored, calls }).toEqual({ stored: [], calls: [verification] })
})

describe('a token that cannot be stored', () => {
  const store = (error: Error): RotationOptions['store'] => ({
    label: 'the secret TOKEN',
    recoveryHint: 'Store it by hand',
    save: async () => {
      throw error
    },
  })

  test('is not followed by a revocation, and the message says what to do', async () => {
    const { result, calls } = await complete([account], { store: store(new Error('EIO')), revokesPrevious: true })
    expect(result).toMatchObject({
      code: 'store_failed',
      message: 'The new token was verified, but could not be stored as the secret TOKEN: EIO',
      hint: 'Both tokens work, and nothing was revoked. Store it by hand',
    })
    expect(calls).toEqual([verification])
  })

  test('keeps the code and the hint of the failure', async () => {
    const refused = new Failure('github_refused', 'GitHub refused', { hint: 'Give it the permission' })
    const { result } = await complete([account], { store: store(refused) })
    expect(result).toMatchObject({
      code: 'github_refused',
      message: 'The new token was verified, but could not be stored as the secret TOKEN: GitHub refused',
      hint: 'Both tokens work, and nothing was revoked. Store it by hand. Give it the permission',
    })
  })
})

describe('a revocation that fails', () => {
  const message =
    /^The new token is verified and stored as the secret TOKEN, but the previous one could not be revoked: /
  const lost = fail('reset')

  test.each<[what: string, plan: Planned[], state: string]>([
    ['is refused', [refuse(403, 'forbidden', 'No')], 'is still valid'],
    ['gets no answer', [lost, lost, lost], 'may still be valid'],
  ])('because it %s says so, and that the new token works', async (_, plan, state) => {
    const { result, stored } = await complete([account, ...plan], { revokesPrevious: true })
    expect(stored).toEqual(['new-token'])
    expect(result).toMatchObject({
      message: expect.stringMatching(message),
      hint: expect.stringMatching(
        new RegExp(`^The new token works; the previous one ${state}: revoke it with revokeInstallationCredential`),
      ),
    })
  })
})
