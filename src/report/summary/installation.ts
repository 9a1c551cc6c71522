// Summaries of accounts, members, events and tokens. Issued tokens are named, never shown.

import type { installationOperations } from '../../operations/installation.ts'
import type { ssoOperations } from '../../operations/sso.ts'
import { codeTag, definitionTable, fieldsOf, html, scalarText } from './html.ts'
import type { SectionsOf, SummarySection } from './types.ts'

const issued: SummarySection = ({ result, failure, dryRun, rotation }) => {
  if (failure || dryRun) return undefined
  const { access_token: access, refresh_token: refresh, id_token: id, expires_in: seconds } = fieldsOf(result)
  const names = Object.entries({ 'an access token': access, 'a refresh token': refresh, 'an ID token': id })
    .filter(([, value]) => value !== undefined)
    .map(([name]) => name)
  const until = typeof seconds === 'number' ? `, valid for ${lifetime(seconds)}` : ''
  const kept = rotation
    ? `It is verified, and stored as ${rotation.storedIn}. The previous one ${rotation.previousRevoked ? 'is revoked' : 'still works'}.`
    : ''
  if (names.length === 0) return html`<p>The response contains no token that can be read.</p>`
  return html`<p>Issued: ${names.join(', ')}${until}. The values are in the outputs, masked.</p>${kept && html`<p>${kept}</p>`}`
}

function lifetime(seconds: number): string {
  const minutes = Math.round(seconds / 60)
  if (minutes < 120) return `${minutes} minutes`
  return minutes < 48 * 60 ? `${Math.round(minutes / 60)} hours` : `${Math.round(minutes / 60 / 24)} days`
}

export const installationSections: SectionsOf<typeof installationOperations> = {
  updateInstallation: ({ body }) => {
    const { status, externalId, billingPlan, notification } = fieldsOf(body)
    const cleared = notification === null ? 'removed' : undefined
    return definitionTable({
      Status: scalarText(status),
      'External id': scalarText(externalId),
      Plan: scalarText(fieldsOf(billingPlan).name),
      Notification: cleared ?? scalarText(fieldsOf(notification).title) ?? scalarText(notification),
    })
  },
  getAccountInfo: ({ result, failure }) => {
    const { name, url, contact } = fieldsOf(result)
    if (failure) return undefined
    const { name: person, email } = fieldsOf(contact)
    return definitionTable({
      Account: scalarText(name),
      Page: scalarText(url),
      Contact: [scalarText(person), scalarText(email)].filter(Boolean).join(', '),
    })
  },
  getMember: ({ result, failure }) => {
    const { id, role, userEmail } = fieldsOf(result)
    return failure
      ? undefined
      : definitionTable({ Member: scalarText(id), Role: scalarText(role), Email: scalarText(userEmail) })
  },
  createEvent: ({ body }) => {
    const { type, resourceId, productId, billingPlanId } = fieldsOf(fieldsOf(body).event)
    return definitionTable({
      Event: scalarText(type),
      Resource: scalarText(resourceId) === undefined ? undefined : codeTag(scalarText(resourceId)),
      Product: scalarText(productId),
      Plan: scalarText(billingPlanId),
    })
  },
  rotateInstallationCredential: issued,
  revokeInstallationCredential: ({ result, failure, dryRun }) => {
    if (failure || dryRun) return undefined
    const before = fieldsOf(result).already_revoked === true
    return html`<p>${before ? 'The token was already revoked.' : 'The token is revoked.'}</p>`
  },
}

export const ssoSections: SectionsOf<typeof ssoOperations> = { exchangeSsoToken: issued }
