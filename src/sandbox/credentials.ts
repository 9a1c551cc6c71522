// The installation: account, members, events, credentials, sign-in.

import { created, noContent, ok, Refusal } from './answer.ts'
import type { Handler } from './handler.ts'
import { fingerprint } from './records.ts'

const inAnHour = (now: Date) => Math.floor(now.getTime() / 1000) + 3600

/** An ID token with the claims of Vercel's, and with an invalid signature. */
function idToken(audience: string, now: Date, signature: string): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const claims = { iss: 'https://marketplace.vercel.com', aud: audience, sub: 'user_sandbox', exp: inAnHour(now) }
  return [part({ alg: 'none', typ: 'JWT' }), part(claims), signature].join('.')
}

export const credentials = {
  // No operation reads an installation, so nothing is stored.
  updateInstallation: () => noContent,
  getAccountInfo: ({ records }) =>
    ok({
      name: 'Sandbox Team',
      url: `https://vercel.com/sandbox/~/integrations/sandbox/${encodeURIComponent(records.id)}`,
      contact: { email: 'owner@sandbox.invalid', name: 'Sandbox Owner' },
    }),
  getMember: ({ params: { memberId = '' } }) =>
    ok({ id: memberId, role: 'ADMIN', globalUserId: `global_${memberId}`, userEmail: 'member@sandbox.invalid' }),
  createEvent: () => created,

  // The previous token still works until the caller revokes it.
  // See https://vercel.com/docs/integrations/create-integration/marketplace-api
  rotateInstallationCredential: ({ records, id }) => {
    const token = id('vct', 24)
    records.put('live', 'credential', fingerprint(token))
    return ok({
      access_token: token,
      token_type: 'oauth2-token',
      expires_in: 31_536_000,
      scope: 'integration-installation',
    })
  },
  // An unknown token was issued before the sandbox started, and is valid.
  revokeInstallationCredential: ({ records, body }) => {
    const retired = fingerprint(body.token)
    if (records.get('credential', retired) === 'revoked') return ok({ revoked: true, already_revoked: true })
    const isOther = ([print, state]: [string, string]) => print !== retired && state === 'live'
    if (![...records.list<string>('credential')].some(isOther)) {
      throw new Refusal(409, 'The last live credential of an installation cannot be revoked')
    }
    records.put('revoked', 'credential', retired)
    return ok({ revoked: true, already_revoked: false })
  },

  exchangeSsoToken: ({ records, body, now, id }) => {
    if (body.code !== undefined) {
      const print = fingerprint(body.code)
      if (records.get('code', print)) throw new Refusal(400, 'The code was used before')
      records.put(true, 'code', print)
    }
    return ok({
      id_token: idToken(body.clientId, now, id('sandbox', 32)),
      access_token: id('vcu', 24),
      refresh_token: id('vcr', 24),
      token_type: 'Bearer',
      expires_in: 3600,
    })
  },
} satisfies Record<string, Handler>
