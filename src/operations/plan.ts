// Fields that installations and resources share: plan, notification, status.
// See https://vercel.com/docs/integrations/create-integration/marketplace-api

import { isReference } from '../payload/references.ts'
import { choice, flag, list, nothing, object, oneOf, openObject, optional, text } from '../payload/schema.ts'

export const status = choice(['ready', 'pending', 'onboarding', 'suspended', 'resumed', 'uninstalled', 'error'])

const detail = object({ label: text(), value: optional(text()) })

export const billingPlan = openObject({
  id: text(),
  type: choice(['prepayment', 'subscription']),
  name: text(),
  description: optional(text()),
  paymentMethodRequired: optional(flag()),
  cost: optional(text()),
  details: optional(list(detail)),
  highlightedDetails: optional(list(detail)),
  effectiveDate: optional(text()),
})

export const notification = object({
  level: choice(['info', 'warn', 'error']),
  title: text(),
  message: optional(text()),
  href: optional(text({ format: 'uri' })),
})

/** A notification in an update: `null` removes the current one. */
export const notificationChange = oneOf([notification, nothing(), text()], (value) => {
  if (value === null) return 1
  return typeof value === 'string' || isReference(value) ? 2 : 0
})
