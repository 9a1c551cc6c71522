// The installation: status, account, members, events, credentials.
// See https://vercel.com/docs/integrations/create-integration/marketplace-api

import { choice, isObject, object, oneOf, optional, secret, text } from '../payload/schema.ts'
import { operation, type ResponseFailure } from './definition.ts'
import { installationPath } from './paths.ts'
import { billingPlan, notificationChange, status } from './plan.ts'

/** The types of all events, for messages. */
const all = ['installation.updated', 'resource.updated']

const installationEvent = object({
  type: choice(['installation.updated'], { all }),
  billingPlanId: optional(text()),
})

const resourceEvent = object({
  type: choice(['resource.updated'], { all }),
  productId: optional(text()),
  resourceId: text(),
})

const event = oneOf([installationEvent, resourceEvent], (value) => {
  if (!isObject(value)) return 0
  if (value.type === 'installation.updated') return 0
  return 'resourceId' in value || String(value.type).startsWith('resource') ? 1 : 0
})

const oauthClient = {
  clientSecret: secret(),
  clientId: optional(text()),
}

/** Vercel must confirm a revocation: `revoked` or `already_revoked`. */
function revocationFailure(result: unknown): ResponseFailure | undefined {
  const { revoked, already_revoked: alreadyRevoked } = isObject(result) ? result : {}
  if (revoked === true || alreadyRevoked === true) return undefined
  return {
    code: 'not_revoked',
    message: 'Vercel accepted the revocation, but did not confirm that the token is revoked',
    // Also read after a rotation, which must not run again for this.
    hint: 'Run revokeInstallationCredential for this token again: that does no harm',
    outcomeUnknown: revoked !== false,
  }
}

export const installationOperations = {
  updateInstallation: operation({
    id: 'update-installation',
    method: 'PATCH',
    path: installationPath,
    retry: 'idempotent',
    purpose: "changes an installation's status, plan or notification",
    sdkFunction: async () =>
      (await import('@vercel/sdk/funcs/marketplaceUpdateInstallation.js')).marketplaceUpdateInstallation,
    body: object({
      status: optional(status),
      externalId: optional(text()),
      billingPlan: optional(billingPlan),
      notification: optional(notificationChange),
    }),
  }),
  getAccountInfo: operation({
    id: 'get-account-info',
    method: 'GET',
    path: `${installationPath}/account`,
    retry: 'idempotent',
    purpose: "reads the customer's account",
    sdkFunction: async () => (await import('@vercel/sdk/funcs/marketplaceGetAccountInfo.js')).marketplaceGetAccountInfo,
  }),
  getMember: operation({
    id: 'get-member',
    method: 'GET',
    path: `${installationPath}/member/{memberId}`,
    retry: 'idempotent',
    purpose: "reads a member of the customer's team",
    sdkFunction: async () => (await import('@vercel/sdk/funcs/marketplaceGetMember.js')).marketplaceGetMember,
  }),
  createEvent: operation({
    id: 'create-event',
    method: 'POST',
    path: `${installationPath}/events`,
    retry: 'idempotent',
    purpose: 'tells Vercel that a resource or the installation has changed',
    sdkFunction: async () => (await import('@vercel/sdk/funcs/marketplaceCreateEvent.js')).marketplaceCreateEvent,
    body: object({ event }),
  }),
  rotateInstallationCredential: operation({
    id: 'rotate-installation-credential',
    searchedAs: ['rotateToken', 'rotateSecret', 'rotateCredentials'],
    method: 'POST',
    path: `${installationPath}/credentials/rotate`,
    retry: 'unsafe',
    purpose: 'issues a new access token for the installation',
    wireCase: 'snake',
    issues: ['accessToken'],
    rotatesCredential: true,
    unknownOutcomeAdvice: () => 'The current token still works. If a new one was issued and lost, let it expire',
    unknownRecordAdvice:
      'Another run completes a rotation whose new token is in `new-tokens-file`. If the outcome stays unknown, find out with getAccountInfo which token works. To rotate the credential again',
    sdkFunction: async () =>
      (await import('@vercel/sdk/funcs/marketplaceRotateInstallationCredential.js'))
        .marketplaceRotateInstallationCredential,
    body: object(oauthClient),
  }),
  revokeInstallationCredential: operation({
    id: 'revoke-installation-credential',
    method: 'POST',
    path: `${installationPath}/credentials/revoke`,
    retry: 'idempotent',
    purpose: 'revokes an access token of the installation',
    failureIn: revocationFailure,
    wireCase: 'snake',
    sdkFunction: async () =>
      (await import('@vercel/sdk/funcs/marketplaceRevokeInstallationCredential.js'))
        .marketplaceRevokeInstallationCredential,
    body: object({ token: secret(), ...oauthClient }),
  }),
}
