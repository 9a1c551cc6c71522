// Accounts, members, events and tokens, for people. What was issued is named, never shown.

import { code, facts, fieldsOf, html, word } from './html.ts'
import type { Portrait } from './types.ts'

const issued: Portrait = ({ result, failure, dryRun, succession }) => {
  if (failure || dryRun) return undefined
  const { access_token: access, refresh_token: refresh, id_token: id, expires_in: seconds } = fieldsOf(result)
  const names = Object.entries({ 'an access token': access, 'a refresh token': refresh, 'an ID token': id })
    .filter(([, value]) => value !== undefined)
    .map(([name]) => name)
  const until = typeof seconds === 'number' ? `, good for ${lifetime(seconds)}` : ''
  const kept = succession
    ? `It is proven, and stored as ${succession.place}. The previous one ${succession.previousRevoked ? 'is revoked' : 'goes on working'}.`
    : ''
  return html`<p>Issued: ${names.join(', ') || 'nothing that could be read'}${until}. The values are in the outputs, masked.</p>${kept && html`<p>${kept}</p>`}`
}

function lifetime(seconds: number): string {
  const minutes = Math.round(seconds / 60)
  if (minutes < 120) return `${minutes} minutes`
  return minutes < 48 * 60 ? `${Math.round(minutes / 60)} hours` : `${Math.round(minutes / 60 / 24)} days`
}

export const portraits: Record<string, Portrait> = {
  updateInstallation: ({ body }) => {
    const { status, externalId, billingPlan, notification } = fieldsOf(body)
    const cleared = notification === null ? 'taken away' : undefined
    return facts({
      Status: word(status),
      'External id': word(externalId),
      Plan: word(fieldsOf(billingPlan).name),
      Notification: cleared ?? word(fieldsOf(notification).title) ?? word(notification),
    })
  },
  getAccountInfo: ({ result, failure }) => {
    const { name, url, contact } = fieldsOf(result)
    if (failure) return undefined
    const { name: person, email } = fieldsOf(contact)
    return facts({
      Account: word(name),
      Page: word(url),
      Contact: [word(person), word(email)].filter(Boolean).join(', '),
    })
  },
  getMember: ({ result, failure }) => {
    const { id, role, userEmail } = fieldsOf(result)
    return failure ? undefined : facts({ Member: word(id), Role: word(role), Email: word(userEmail) })
  },
  createEvent: ({ body }) => {
    const { type, resourceId, productId, billingPlanId } = fieldsOf(fieldsOf(body).event)
    return facts({
      Event: word(type),
      Resource: word(resourceId) === undefined ? undefined : code(word(resourceId)),
      Product: word(productId),
      Plan: word(billingPlanId),
    })
  },
  rotateInstallationCredential: issued,
  exchangeSsoToken: issued,
  revokeInstallationCredential: ({ result, failure, dryRun }) => {
    if (failure || dryRun) return undefined
    const before = fieldsOf(result).already_revoked === true
    return html`<p>${before ? 'The token had been revoked before.' : 'The token is revoked.'}</p>`
  },
}
