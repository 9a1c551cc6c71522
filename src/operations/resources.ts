// Resources and their secrets.
// See https://vercel.com/docs/integrations/create-integration/marketplace-api

import { choice, flag, type Infer, list, object, oneOf, optional, record, secret, text } from '../payload/schema.ts'
import { isGone, operation, type RuleReporter } from './definition.ts'
import { installationPath, resourcePath } from './paths.ts'
import { billingPlan, notification, notificationChange, status } from './plan.ts'

const resourceSecret = object({
  name: text(),
  value: secret(),
  prefix: optional(text()),
  environmentOverrides: optional(
    object({
      development: optional(secret()),
      preview: optional(secret()),
      production: optional(secret()),
    }),
  ),
})

const secrets = list(resourceSecret)
const partial = optional(flag())

const secretsBody = object({ secrets, partial })

/** A list of all secrets of a resource, or an object that says with `partial` whether it is all of them. */
const secretsChange = oneOf([secrets, secretsBody], (value) => (Array.isArray(value) ? 0 : 1))

const ownership = optional(choice(['owned', 'linked', 'sandbox']))
const metadata = optional(record())
const extras = optional(record())

type NamedSecrets = readonly { readonly name: string; readonly prefix?: string | undefined }[]

/** Warns of secrets with the same name and prefix. */
function warnOfDuplicates(secrets: NamedSecrets, path: readonly string[], { warn }: RuleReporter): void {
  const seen = new Set<string>()
  secrets.forEach(({ name, prefix = '' }, index) => {
    const full = `${prefix}/${name}`
    if (seen.has(full)) warn([...path, index, 'name'], 'occurs twice; Vercel uses the later value')
    seen.add(full)
  })
}

/** Checks secrets and `partial` at a path of the body. */
function checkSecrets(
  { secrets, partial }: Infer<typeof secretsBody>,
  path: readonly string[],
  reporter: RuleReporter,
): void {
  warnOfDuplicates(secrets, [...path, 'secrets'], reporter)
  if (partial === undefined) {
    reporter.warn(
      [...path, 'partial'],
      'is missing, so every other secret of the resource is deleted: set `partial: true` to keep them, or `false` to delete them',
    )
  }
}

const secretsRules = (body: Infer<typeof secretsBody>, reporter: RuleReporter) => checkSecrets(body, [], reporter)

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
      productId: text(),
      name: text(),
      status,
      metadata,
      billingPlan: optional(billingPlan),
      notification: optional(notification),
      extras,
      secrets: optional(secrets),
    }),
    rules: (body, reporter) => warnOfDuplicates(body.secrets ?? [], ['secrets'], reporter),
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
      name: optional(text()),
      status: optional(status),
      metadata,
      billingPlan: optional(billingPlan),
      notification: optional(notificationChange),
      extras,
      secrets: optional(secretsChange),
    }),
    rules: ({ secrets }, reporter) => {
      if (Array.isArray(secrets)) warnOfDuplicates(secrets, ['secrets'], reporter)
      else if (secrets) checkSecrets(secrets, ['secrets'], reporter)
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
