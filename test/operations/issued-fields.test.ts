// What may be shown of the response to an operation that issues tokens.

import { describe, expect, test } from 'vitest'
import { operationNamed } from '../../src/operations/catalogue.ts'
import { issuedTexts, redactIssued } from '../../src/operations/issued-fields.ts'

const rotation = operationNamed('rotateInstallationCredential')
const account = operationNamed('getAccountInfo')

test.each<[value: unknown, shown: unknown]>([
  ['the token is vct_1, {"access_token":"vct_1"}', '***'],
  ['"{\\"access_token\\":\\"vct_1\\"}"', '***'],
  ['', '***'],
  [
    { access_token: 'vct_1', token_type: 'Bearer' },
    { access_token: '***', token_type: 'Bearer' },
  ],
  [{ credentials: { accessToken: 'vct_1', expiresIn: 60 } }, { credentials: { accessToken: '***', expiresIn: 60 } }],
  [
    ['vct_1', { other: ['vct_2'], scopes: ['read'] }],
    ['***', { other: ['***'], scopes: ['read'] }],
  ],
  [
    { message: 'vct_1', error: 'vct_2', a: null, b: true },
    { message: '***', error: '***', a: null, b: true },
  ],
  [
    { Token_Type: 'Bearer', expiresat: '2026', INSTALLATION_ID: 'icfg_1', token__kind: 'x', '': 'y' },
    { Token_Type: 'Bearer', expiresat: '2026', INSTALLATION_ID: 'icfg_1', token__kind: '***', '': '***' },
  ],
  [undefined, undefined],
  [null, null],
])('of the response %j to a rotation %j is shown', (value, shown) => {
  expect(redactIssued({ operation: rotation, status: 200, value })).toEqual(shown)
})

test('a response that is not a success says what is wrong', () => {
  const value = { error: { code: 'invalid_grant', message: 'No', token: 'vct_1' } }
  const shown = { error: { code: 'invalid_grant', message: 'No', token: '***' } }
  for (const status of [199, 300, 400]) expect(redactIssued({ operation: rotation, status, value })).toEqual(shown)
  const hidden = { error: { code: '***', message: '***', token: '***' } }
  for (const status of [200, 299]) expect(redactIssued({ operation: rotation, status, value })).toEqual(hidden)
})

test('other operations issue no tokens', () => {
  for (const value of ['vct_1', { access_token: 'vct_1' }]) {
    expect(redactIssued({ operation: account, status: 200, value })).toBe(value)
    expect(redactIssued({ operation: undefined, status: 200, value })).toBe(value)
    for (const operation of [account, undefined]) {
      expect(issuedTexts({ operation, status: 200, value: { access_token: 'vct_123' } })).toEqual([])
    }
  }
})

describe('the texts that are masked', () => {
  const textsOf = (value: unknown) => issuedTexts({ operation: rotation, status: 200, value })

  test('are all that can be tokens, once', () => {
    expect(
      textsOf({ access_token: 'vct_123', again: ['vct_123', 'vct_456'], short: 'vct_1', token_type: 'Bearer' }),
    ).toEqual(['vct_123', 'vct_456'])
    expect(textsOf({ six: '123456', five: '12345' })).toEqual(['123456'])
    expect(textsOf('vct_123')).toEqual([])
  })

  test('are a thousand at most', () => {
    expect(textsOf(Array.from({ length: 1200 }, (_, index) => `token-${index}`))).toHaveLength(1000)
  })
})
