// What installations and resources have in common: plans, notifications, states.

import { isReference } from '../payload/references.ts'
import { choice, flag, list, nothing, object, oneOf, openObject, optional, text } from '../payload/schema.ts'

export const status = choice(['ready', 'pending', 'onboarding', 'suspended', 'resumed', 'uninstalled', 'error'])

const detail = object({ label: text(), value: optional(text()) })

export const billingPlan = openObject(
  {
    id: text('Your id of the plan'),
    type: choice(['prepayment', 'subscription']),
    name: text('As the customer sees it'),
    description: optional(text()),
    paymentMethodRequired: optional(flag()),
    cost: optional(text('As the customer sees it, such as "$10.00/month"')),
    details: optional(list(detail)),
    highlightedDetails: optional(list(detail)),
    effectiveDate: optional(text('From when on the plan holds')),
  },
  'A billing plan. Fields of your own may stand beside the known ones',
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

/** A notification in an update: `null` takes the present one away. */
export const notificationChange = oneOf(
  [notification, nothing(), text()],
  (value) => {
    if (value === null) return 1
    return typeof value === 'string' || isReference(value) ? 2 : 0
  },
  'A message that the customer sees; null takes the present one away',
)
