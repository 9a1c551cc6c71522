// Exchanges an SSO code or a refresh token for tokens.
// See https://vercel.com/docs/integrations/create-integration/marketplace-api

import { choice, defaulted, isObject, object, oneOf, optional, secret, text } from '../payload/schema.ts'
import { operation } from './definition.ts'

const client = {
  clientId: text(),
  clientSecret: secret(),
}

const codeExchange = object({
  code: secret(),
  state: optional(text()),
  ...client,
  redirectUri: optional(text()),
  grantType: defaulted(choice(['authorization_code']), () => 'authorization_code' as const),
})

const refresh = object({
  refreshToken: secret(),
  ...client,
  grantType: defaulted(choice(['refresh_token']), () => 'refresh_token' as const),
})

export const ssoOperations = {
  exchangeSsoToken: operation({
    id: 'exchange-sso-token',
    method: 'POST',
    path: '/v1/integrations/sso/token',
    retry: 'unsafe',
    anonymous: true,
    purpose: 'exchanges an SSO code, or a refresh token, for tokens',
    wireCase: 'snake',
    issues: ['idToken', 'accessToken', 'refreshToken'],
    batchProblem: 'the tokens that it issues would be lost',
    deniedHint: 'Check clientId and clientSecret: they must be those of the integration',
    unknownOutcomeAdvice: () => 'A code is valid once: start the sign-in again',
    sdkFunction: async () =>
      (await import('@vercel/sdk/funcs/marketplaceExchangeSsoToken.js')).marketplaceExchangeSsoToken,
    body: oneOf([codeExchange, refresh], (value) => {
      if (!isObject(value)) return 0
      if ('code' in value) return 0
      return 'refreshToken' in value || value.grantType === 'refresh_token' ? 1 : 0
    }),
  }),
}
