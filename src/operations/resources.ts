// Resources and their secrets.

import { choice, flag, type Infer, list, object, oneOf, optional, record, secret, text } from '../payload/schema.ts'
import { operation, type RuleReporter } from './definition.ts'
import { billingPlan, notification, notificationChange, status } from './plan.ts'

const resourceSecret = object({
  name: text('The name of the environment variable'),
  value: secret('Best a reference: {"$env": "NAME"} or {"$file": "path"}'),
  prefix: optional(text('Goes in front of the name')),
  environmentOverrides: optional(
    object(
      {
        development: optional(secret()),
        preview: optional(secret()),
        production: optional(secret()),
      },
      'Other values for some of the environments',
    ),
  ),
})

const secrets = list(resourceSecret)
const partial = optional(flag('true replaces the named secrets alone, false all secrets of the resource'))

const secretsBody = object({ secrets, partial })

/** All secrets of a resource, as a plain list, or some of them, with `partial`. */
const secretsChange = oneOf([secrets, secretsBody], (value) => (Array.isArray(value) ? 0 : 1))

const ownership = optional(choice(['owned', 'linked', 'sandbox']))
const metadata = optional(record('What your metadata schema describes'))
const extras = optional(record())

type Secrets = readonly { readonly name: string; readonly prefix?: string | undefined }[]

function eachOnce(secrets: Secrets, path: readonly string[], { warn }: RuleReporter): void {
  const seen = new Set<string>()
  secrets.forEach(({ name, prefix = '' }, index) => {
    const full = `${prefix}/${name}`
    if (seen.has(full)) warn([...path, index, 'name'], 'stands here twice; the later value wins')
    seen.add(full)
  })
}

/** What stands beside `partial` at a path. */
function checkSecrets(
  { secrets, partial }: Infer<typeof secretsBody>,
  path: readonly string[],
  findings: RuleReporter,
) {
  eachOnce(secrets, [...path, 'secrets'], findings)
  if (partial === undefined) {
    findings.warn(
      [...path, 'partial'],
      'is not given, so every other secret of the resource is dropped: say `partial: true` to keep them, `false` to mean it',
    )
  }
}

const secretsRules = (body: Infer<typeof secretsBody>, findings: RuleReporter) => checkSecrets(body, [], findings)

export const descriptions = {
  getIntegrationResources: {},
  getIntegrationResource: {},
  deleteIntegrationResource: {},
  importResource: operation({
    body: object({
      ownership,
      productId: text('Your id or slug of the product'),
      name: text('As the customer sees it'),
      status,
      metadata,
      billingPlan: optional(billingPlan),
      notification: optional(notification),
      extras,
      secrets: optional(secrets),
    }),
    rules: (body, findings) => eachOnce(body.secrets ?? [], ['secrets'], findings),
  }),
  updateResource: operation({
    body: object({
      ownership,
      name: optional(text('As the customer sees it')),
      status: optional(status),
      metadata,
      billingPlan: optional(billingPlan),
      notification: optional(notificationChange),
      extras,
      secrets: optional(secretsChange),
    }),
    rules: ({ secrets }, findings) => {
      if (Array.isArray(secrets)) eachOnce(secrets, ['secrets'], findings)
      else if (secrets) checkSecrets(secrets, ['secrets'], findings)
    },
  }),
  updateResourceSecrets: operation({ body: secretsBody, rules: secretsRules }),
  updateResourceSecretsById: operation({ body: secretsBody, rules: secretsRules }),
}
