// The installation itself: status, account, members, events, credentials.

import { choice, isObject, object, oneOf, optional, secret, text } from '../payload/schema.ts'
import { operation } from './definition.ts'
import { billingPlan, notificationChange, status } from './plan.ts'

const all = ['installation.updated', 'resource.updated']

const installationEvent = object({
  type: choice(['installation.updated'], undefined, { all }),
  billingPlanId: optional(text("The installation's billing plan")),
})

const resourceEvent = object({
  type: choice(['resource.updated'], undefined, { all }),
  productId: optional(text('Your id or slug of the product')),
  resourceId: text('Your id of the resource'),
})

const event = oneOf([installationEvent, resourceEvent], (value) => {
  if (!isObject(value)) return 0
  if (value.type === 'installation.updated') return 0
  return 'resourceId' in value || String(value.type).startsWith('resource') ? 1 : 0
})

const client = {
  clientSecret: secret("The integration's client secret"),
  clientId: optional(text("The integration's client id")),
}

export const descriptions = {
  updateInstallation: operation({
    body: object({
      status: optional(status),
      externalId: optional(text('Your id of the installation')),
      billingPlan: optional(billingPlan),
      notification: optional(notificationChange),
    }),
  }),
  getAccountInfo: {},
  getMember: {},
  createEvent: operation({ body: object({ event }) }),
  rotateInstallationCredential: operation({ body: object(client) }),
  revokeInstallationCredential: operation({
    body: object({ token: secret('The access token to retire'), ...client }),
  }),
}
