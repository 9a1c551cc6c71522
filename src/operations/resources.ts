// Resources and their secrets.

import { choice, flag, type Infer, list, object, oneOf, optional, record, secret, text } from '../payload/schema.ts'
import { isGone, operation, type RuleReporter } from './definition.ts'
import { installationPath, resourcePath } from './paths.ts'
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

type NamedSecrets = readonly { readonly name: string; readonly prefix?: string | undefined }[]

function eachOnce(secrets: NamedSecrets, path: readonly string[], { warn }: RuleReporter): void {
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

export const resourceOperations = {
  getIntegrationResources: operation({
    id: 'get-integration-resources',
    method: 'GET',
    path: `${installationPath}/resources`,
    retry: 'idempotent',
    purpose: "lists the installation's resources",
    sdkFunction: async () =>
      (await import('@vercel/sdk/funcs/marketplaceGetIntegrationResources.js')).marketplaceGetIntegrationResources,
  }),
  getIntegrationResource: operation({
    id: 'get-integration-resource',
    method: 'GET',
    path: resourcePath,
    retry: 'idempotent',
    purpose: 'reads a resource and its status',
    statusField: { name: 'status', meaning: "the resource's status" },
    sdkFunction: async () =>
      (await import('@vercel/sdk/funcs/marketplaceGetIntegrationResource.js')).marketplaceGetIntegrationResource,
  }),
  importResource: operation({
    id: 'import-resource',
    method: 'PUT',
    path: resourcePath,
    retry: 'idempotent',
    purpose: 'adds one of your resources to Vercel',
    sdkFunction: async () => (await import('@vercel/sdk/funcs/marketplaceImportResource.js')).marketplaceImportResource,
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
    id: 'update-resource',
    method: 'PATCH',
    path: resourcePath,
    retry: 'idempotent',
    purpose: "changes a resource's status, plan, notification or secrets",
    secretsOf: ({ secrets }) => (Array.isArray(secrets) ? { secrets } : secrets),
    sdkFunction: async () => (await import('@vercel/sdk/funcs/marketplaceUpdateResource.js')).marketplaceUpdateResource,
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
  deleteIntegrationResource: operation({
    id: 'delete-integration-resource',
    method: 'DELETE',
    path: resourcePath,
    retry: 'idempotent',
    purpose: 'deletes a resource',
    arrivalProofs: [isGone],
    sdkFunction: async () =>
      (await import('@vercel/sdk/funcs/marketplaceDeleteIntegrationResource.js')).marketplaceDeleteIntegrationResource,
  }),
  updateResourceSecrets: operation({
    id: 'update-resource-secrets',
    method: 'PUT',
    path: `${installationPath}/products/{integrationProductIdOrSlug}/resources/{resourceId}/secrets`,
    retry: 'idempotent',
    successor: 'updateResourceSecretsById',
    purpose: "replaces a resource's secrets (deprecated)",
    secretsOf: (body) => body,
    sdkFunction: async () =>
      (await import('@vercel/sdk/funcs/marketplaceUpdateResourceSecrets.js')).marketplaceUpdateResourceSecrets,
    body: secretsBody,
    rules: secretsRules,
  }),
  updateResourceSecretsById: operation({
    id: 'update-resource-secrets-by-id',
    method: 'PUT',
    path: `${resourcePath}/secrets`,
    retry: 'idempotent',
    purpose: "replaces all or some of a resource's secrets",
    secretsOf: (body) => body,
    sdkFunction: async () =>
      (await import('@vercel/sdk/funcs/marketplaceUpdateResourceSecretsById.js')).marketplaceUpdateResourceSecretsById,
    body: secretsBody,
    rules: secretsRules,
  }),
}
