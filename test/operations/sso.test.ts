import { describe, expect, test } from 'vitest'
import { checkBody } from './check-body.ts'

const client = { clientId: 'oac_1', clientSecret: 'client-secret' }
const exchange = (body: unknown) => checkBody('exchangeSsoToken', body)

describe('the grant type', () => {
  test.each([
    ['a code', { code: 'the-code', state: 'x', redirectUri: 'https://example.com', ...client }, 'authorization_code'],
    ['a refresh token', { refreshToken: 'the-token', ...client }, 'refresh_token'],
  ])('is filled in from %s', async (_, body, grantType) => {
    for (const given of [body, { ...body, grantType }]) {
      expect(await exchange(given)).toMatchObject({ value: { ...body, grantType }, errors: [] })
    }
  })

  test.each<[body: unknown, errors: string[]]>([
    [
      { code: 'c', grantType: 'refresh_token', ...client },
      ['grantType must be `authorization_code`, not "refresh_token"'],
    ],
    [
      { refreshToken: 't', grantType: 'authorization_code', ...client },
      ['grantType must be `refresh_token`, not "authorization_code"'],
    ],
    [{ grantType: 'refresh_token', ...client }, ['refreshToken is missing']],
    [client, ['code is missing']],
    [{ code: 'c', refreshToken: 't', ...client }, [expect.stringMatching(/^refreshToken is not a known field/)]],
    [{ code: 'c' }, ['clientId is missing', 'clientSecret is missing']],
    ['the-code', ['must be an object, not text']],
    [null, ['must be an object, not null']],
  ])('must match the exchange: %j', async (body, errors) => expect((await exchange(body)).errors).toEqual(errors))
})

test('codes, refresh tokens and client secrets are secret', async () => {
  expect((await exchange({ code: 'the-code', ...client })).secrets).toEqual(['the-code', 'client-secret'])
  expect((await exchange({ refreshToken: 'the-token', ...client })).secrets).toEqual(['the-token', 'client-secret'])
})
