// Tokens: issuing, revoking and exchanging them.

import { expect, test } from 'vitest'
import { client, icfg, openTestSandbox } from './sandbox.ts'

const account = `${icfg}/account`
const sso = '/v1/integrations/sso/token'

function opened() {
  const sandbox = openTestSandbox()
  const rotate = async (by: string): Promise<string> =>
    (await sandbox.ask('POST', `${icfg}/credentials/rotate`, { token: by, body: client })).body.access_token
  const revoke = (token: string, by: string) =>
    sandbox.ask('POST', `${icfg}/credentials/revoke`, { token: by, body: { token, ...client } })
  const works = async (token: string) => (await sandbox.ask('GET', account, { token })).status
  return { ...sandbox, rotate, revoke, works }
}

test('rotation issues a new token, and the previous one still works', async () => {
  const { rotate, works } = opened()
  const fresh = await rotate('old')
  expect(fresh).not.toBe('old')
  expect([await works('old'), await works(fresh)]).toEqual([200, 200])
})

test('a revoked token is refused only in its installation', async () => {
  const { ask, rotate, revoke, works } = opened()
  const fresh = await rotate('old')
  const answer = await revoke('old', fresh)
  expect([answer.status, answer.body]).toEqual([200, { revoked: true, already_revoked: false }])
  const refused = await ask('GET', account, { token: 'old' })
  expect([refused.status, refused.body.error.code]).toEqual([403, 'forbidden'])
  expect(await works(fresh)).toBe(200)
  expect((await ask('GET', account.replace('icfg_1', 'icfg_2'), { token: 'old' })).status).toBe(200)
})

test('revoking a token again changes nothing', async () => {
  const { rotate, revoke } = opened()
  const fresh = await rotate('old')
  await revoke('old', fresh)
  expect((await revoke('old', fresh)).body).toEqual({ revoked: true, already_revoked: true })
})

test('the last live token cannot be revoked', async () => {
  const { rotate, revoke, works } = opened()
  expect(await revoke('only', 'only')).toMatchObject({ status: 409, body: { error: { code: 'conflict' } } })
  const fresh = await rotate('only')
  await revoke('only', fresh)
  expect((await revoke(fresh, fresh)).status).toBe(409)
  expect(await works(fresh)).toBe(200)
})

test('a token that was issued before the sandbox started can be revoked', async () => {
  const { revoke, works } = opened()
  expect((await revoke('leaked', 'current')).body).toEqual({ revoked: true, already_revoked: false })
  expect(await works('leaked')).toBe(403)
})

test('an SSO code is valid for one exchange, a refresh token for many', async () => {
  const { ask } = opened()
  const code = { code: 'sso-code-1', grant_type: 'authorization_code', redirect_uri: 'https://a.example/cb', ...client }
  const first = await ask('POST', sso, { token: null, body: code })
  expect(first).toMatchObject({ status: 200, body: { token_type: 'Bearer', expires_in: 3600 } })
  expect(await ask('POST', sso, { token: null, body: code })).toMatchObject({ status: 400 })
  const refresh = { refresh_token: first.body.refresh_token, grant_type: 'refresh_token', ...client }
  for (const use of [1, 2])
    expect([use, (await ask('POST', sso, { token: null, body: refresh })).status]).toEqual([use, 200])
})

test('an ID token names its client, and expires', async () => {
  const { ask, clock } = opened()
  const body = { code: 'c', grant_type: 'authorization_code', ...client }
  const [, claims = ''] = (await ask('POST', sso, { token: null, body })).body.id_token.split('.')
  expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).toMatchObject({
    aud: 'oac_1',
    exp: clock.now.getTime() / 1000 + 3600,
  })
})
