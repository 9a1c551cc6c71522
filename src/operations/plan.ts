// Fields that installations and resources share: plan, notification, status.
// See https://vercel.com/docs/integrations/create-integration/marketplace-api

import { isReference } from '../payload/references.ts'
import { choice, flag, list, nothing, object, oneOf, openObject, optional, text } from '../payload/schema.ts'

export const status = choice(['ready', 'pending', 'onboarding', 'suspended', 'resumed', 'uninstalled', 'error'])

const detail = object({ label: text(), value: optional(text()) })

export const billingPlan = openObject(
  {
    id: text('Your id of the plan'),
    type: choice(['prepayment', 'subscription']),
    name: text('The name that the customer sees'),
    description: optional(text()),
    paymentMethodRequired: optional(flag()),
    cost: optional(text('The cost that the customer sees, such as "$10.00/month"')),
    details: optional(list(detail)),
    highlightedDetails: optional(list(detail)),
    effectiveDate: optional(text('The date from which the plan applies')),
  },
  'A billing plan. Other fields than the known ones are sent too',
)

export const notification = object(
  {
    level: choice(['info', 'warn', 'error']),
    title: text(),
    message: optional(text()),
    href: optional(text('A link for the customer', { format: 'uri' })),
  },
  'A message that the customer sees',
)

/** A notification in an update: `null` removes the current one. */
export const notificationChange = oneOf(
  [notification, nothing(), text()],
  (value) => {
    if (value === null) return 1
    return typeof value === 'string' || isReference(value) ? 2 : 0
  },
  'A message that the customer sees; null removes the current one',
)
