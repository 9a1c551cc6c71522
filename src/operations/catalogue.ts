// The catalogue: a row for each operation. What it sends stands in its family's file, which is loaded when the
// operation is chosen, and the SDK's function for it in calls.ts. The compiler asks for all three.

/**
 * What a repeat of the request would do:
 * - `repeatable`: nothing, or the same once more
 * - `keyed`: nothing where the request carries an `externalId`, which Vercel takes once; else as `once`
 * - `once`: the work a second time
 */
export type RetrySafety = 'idempotent' | 'idempotency-key' | 'unsafe'

export type Family = 'installation' | 'resources' | 'billing' | 'sso' | 'experimentation'

export type PathParameter =
  | 'integrationConfigurationId'
  | 'resourceId'
  | 'invoiceId'
  | 'memberId'
  | 'itemId'
  | 'integrationProductIdOrSlug'

export interface Row {
  /** The API's operation id. */
  readonly id: string
  /** The SDK's method, where the row's own name is a short one of ours. */
  readonly sdkName?: string
  readonly family: Family
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** With its path parameters in braces, in the order in which they stand. */
  readonly path: string
  readonly retry: RetrySafety
  /** Without it the request carries the installation's access token. */
  readonly anonymous?: true
  /** The operation that replaces this one. */
  readonly successor?: string
  /** What it does, in a few words for tables. */
  readonly purpose: string
}

const installation = '/v1/installations/{integrationConfigurationId}'
const resource = `${installation}/resources/{resourceId}`
const experimentation = `${resource}/experimentation`
const sdkExperimentation = 'InstallationsByIntegrationConfigurationIdResourcesByResourceIdExperimentationGlobalConfig'

const rows = {
  updateInstallation: {
    id: 'update-installation',
    family: 'installation',
    method: 'PATCH',
    path: installation,
    retry: 'idempotent',
    purpose: "changes an installation's status, plan or notification",
  },
  getAccountInfo: {
    id: 'get-account-info',
    family: 'installation',
    method: 'GET',
    path: `${installation}/account`,
    retry: 'idempotent',
    purpose: "reads the customer's account",
  },
  getMember: {
    id: 'get-member',
    family: 'installation',
    method: 'GET',
    path: `${installation}/member/{memberId}`,
    retry: 'idempotent',
    purpose: "reads a member of the customer's team",
  },
  createEvent: {
    id: 'create-event',
    family: 'installation',
    method: 'POST',
    path: `${installation}/events`,
    retry: 'idempotent',
    purpose: 'tells Vercel that a resource or the installation has changed',
  },
  rotateInstallationCredential: {
    id: 'rotate-installation-credential',
    family: 'installation',
    method: 'POST',
    path: `${installation}/credentials/rotate`,
    retry: 'unsafe',
    purpose: 'issues a new access token for the installation',
  },
  revokeInstallationCredential: {
    id: 'revoke-installation-credential',
    family: 'installation',
    method: 'POST',
    path: `${installation}/credentials/revoke`,
    retry: 'idempotent',
    purpose: 'retires an access token of the installation',
  },
  getIntegrationResources: {
    id: 'get-integration-resources',
    family: 'resources',
    method: 'GET',
    path: `${installation}/resources`,
    retry: 'idempotent',
    purpose: "lists the installation's resources",
  },
  getIntegrationResource: {
    id: 'get-integration-resource',
    family: 'resources',
    method: 'GET',
    path: resource,
    retry: 'idempotent',
    purpose: 'reads a resource and its status',
  },
  importResource: {
    id: 'import-resource',
    family: 'resources',
    method: 'PUT',
    path: resource,
    retry: 'idempotent',
    purpose: 'brings a resource of yours to Vercel',
  },
  updateResource: {
    id: 'update-resource',
    family: 'resources',
    method: 'PATCH',
    path: resource,
    retry: 'idempotent',
    purpose: "changes a resource's status, plan, notification or secrets",
  },
  deleteIntegrationResource: {
    id: 'delete-integration-resource',
    family: 'resources',
    method: 'DELETE',
    path: resource,
    retry: 'idempotent',
    purpose: 'removes a resource',
  },
  updateResourceSecrets: {
    id: 'update-resource-secrets',
    family: 'resources',
    method: 'PUT',
    path: `${installation}/products/{integrationProductIdOrSlug}/resources/{resourceId}/secrets`,
    retry: 'idempotent',
    successor: 'updateResourceSecretsById',
    purpose: "replaces a resource's secrets (deprecated)",
  },
  updateResourceSecretsById: {
    id: 'update-resource-secrets-by-id',
    family: 'resources',
    method: 'PUT',
    path: `${resource}/secrets`,
    retry: 'idempotent',
    purpose: "replaces a resource's secrets, or some of them",
  },
  submitBillingData: {
    id: 'submit-billing-data',
    family: 'billing',
    method: 'POST',
    path: `${installation}/billing`,
    retry: 'idempotent',
    purpose: 'reports usage and interim costs of a day',
  },
  submitInvoice: {
    id: 'submit-invoice',
    family: 'billing',
    method: 'POST',
    path: `${installation}/billing/invoices`,
    retry: 'idempotency-key',
    purpose: 'bills the customer',
  },
  getInvoice: {
    id: 'get-invoice',
    family: 'billing',
    method: 'GET',
    path: `${installation}/billing/invoices/{invoiceId}`,
    retry: 'idempotent',
    purpose: 'reads an invoice and its state',
  },
  updateInvoice: {
    id: 'update-invoice',
    family: 'billing',
    method: 'POST',
    path: `${installation}/billing/invoices/{invoiceId}/actions`,
    retry: 'unsafe',
    purpose: 'refunds an invoice, or a part of it',
  },
  submitPrepaymentBalances: {
    id: 'submit-prepayment-balances',
    family: 'billing',
    method: 'POST',
    path: `${installation}/billing/balance`,
    retry: 'idempotent',
    purpose: 'reports what is left of prepaid credits',
  },
  finalizeInstallation: {
    id: 'finalize-installation',
    family: 'billing',
    method: 'POST',
    path: `${installation}/billing/finalize`,
    retry: 'idempotent',
    purpose: 'says that no more invoices follow for an uninstalled installation',
  },
  exchangeSsoToken: {
    id: 'exchange-sso-token',
    family: 'sso',
    method: 'POST',
    path: '/v1/integrations/sso/token',
    retry: 'unsafe',
    anonymous: true,
    purpose: 'exchanges an SSO code, or a refresh token, for tokens',
  },
  createExperimentationItems: {
    id: 'create-experimentation-items',
    sdkName: 'createInstallationIntegrationConfiguration',
    family: 'experimentation',
    method: 'POST',
    path: `${experimentation}/items`,
    retry: 'idempotent',
    purpose: 'adds experiments or flags of a resource',
  },
  updateExperimentationItem: {
    id: 'update-experimentation-item',
    sdkName: 'updateInstallationIntegrationConfiguration',
    family: 'experimentation',
    method: 'PATCH',
    path: `${experimentation}/items/{itemId}`,
    retry: 'idempotent',
    purpose: 'changes an experiment or flag',
  },
  deleteExperimentationItem: {
    id: 'delete-experimentation-item',
    sdkName: 'deleteInstallationIntegrationConfiguration',
    family: 'experimentation',
    method: 'DELETE',
    path: `${experimentation}/items/{itemId}`,
    retry: 'idempotent',
    purpose: 'removes an experiment or flag',
  },
  headGlobalConfig: {
    id: 'head-global-config',
    sdkName: `head${sdkExperimentation}`,
    family: 'experimentation',
    method: 'HEAD',
    path: `${experimentation}/global-config`,
    retry: 'idempotent',
    purpose: 'asks whether a resource has a Global Config',
  },
  getGlobalConfig: {
    id: 'get-global-config',
    sdkName: `get${sdkExperimentation}`,
    family: 'experimentation',
    method: 'GET',
    path: `${experimentation}/global-config`,
    retry: 'idempotent',
    purpose: "reads a resource's Global Config",
  },
  replaceGlobalConfig: {
    id: 'replace-global-config',
    sdkName: `replace${sdkExperimentation}`,
    family: 'experimentation',
    method: 'PUT',
    path: `${experimentation}/global-config`,
    retry: 'idempotent',
    purpose: "replaces a resource's Global Config",
  },
} as const satisfies Record<string, Row>

/** The name of an operation in this project: the SDK's, or a short one where the SDK's is unusable. */
export type OperationName = keyof typeof rows

export interface Operation extends Row {
  readonly name: OperationName
  /** The name that the SDK has for it, which is the one that outputs show. */
  readonly sdkName: string
  readonly pathParameters: readonly PathParameter[]
}

export const operations: readonly Operation[] = Object.entries<Row>(rows).map(([name, row]) => ({
  sdkName: name,
  ...row,
  name: name as OperationName,
  pathParameters: [...row.path.matchAll(/\{(\w+)\}/g)].map(([, parameter]) => parameter as PathParameter),
}))

/** Every name that an operation answers to: its own, the SDK's, the API's. */
export const namesOf = ({ name, sdkName, id }: Operation): string[] => [...new Set([name, sdkName, id])]

const byName = new Map(operations.flatMap((operation) => namesOf(operation).map((name) => [name, operation])))

/** The operation of a name, whichever of its names it is. */
export const findOperation = (name: string): Operation | undefined => byName.get(name)
