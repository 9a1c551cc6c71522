// The compiler holds the type of each operation's request against the SDK's: an update of the SDK that adds, drops or
// changes a field, at any depth, fails the build here and names the operation. Nothing of this runs.

import type { descriptions as billing } from '../../src/operations/billing.ts'
import type { OperationName, PathParameter } from '../../src/operations/catalogue.ts'
import type { descriptions as experimentation } from '../../src/operations/experimentation.ts'
import type { descriptions as installation } from '../../src/operations/installation.ts'
import type { descriptions as resources } from '../../src/operations/resources.ts'
import type { descriptions as sso } from '../../src/operations/sso.ts'
import type { Infer } from '../../src/payload/schema.ts'

type Ours = typeof billing & typeof experimentation & typeof installation & typeof resources & typeof sso
type OurBody<N extends OperationName> = Ours[N] extends { readonly body: infer S } ? Infer<S> : undefined

interface Sdk {
  updateInstallation: typeof import('@vercel/sdk/funcs/marketplaceUpdateInstallation.js').marketplaceUpdateInstallation
  getAccountInfo: typeof import('@vercel/sdk/funcs/marketplaceGetAccountInfo.js').marketplaceGetAccountInfo
  getMember: typeof import('@vercel/sdk/funcs/marketplaceGetMember.js').marketplaceGetMember
  createEvent: typeof import('@vercel/sdk/funcs/marketplaceCreateEvent.js').marketplaceCreateEvent
  rotateInstallationCredential: typeof import('@vercel/sdk/funcs/marketplaceRotateInstallationCredential.js').marketplaceRotateInstallationCredential
  revokeInstallationCredential: typeof import('@vercel/sdk/funcs/marketplaceRevokeInstallationCredential.js').marketplaceRevokeInstallationCredential
  getIntegrationResources: typeof import('@vercel/sdk/funcs/marketplaceGetIntegrationResources.js').marketplaceGetIntegrationResources
  getIntegrationResource: typeof import('@vercel/sdk/funcs/marketplaceGetIntegrationResource.js').marketplaceGetIntegrationResource
  importResource: typeof import('@vercel/sdk/funcs/marketplaceImportResource.js').marketplaceImportResource
  updateResource: typeof import('@vercel/sdk/funcs/marketplaceUpdateResource.js').marketplaceUpdateResource
  deleteIntegrationResource: typeof import('@vercel/sdk/funcs/marketplaceDeleteIntegrationResource.js').marketplaceDeleteIntegrationResource
  updateResourceSecrets: typeof import('@vercel/sdk/funcs/marketplaceUpdateResourceSecrets.js').marketplaceUpdateResourceSecrets
  updateResourceSecretsById: typeof import('@vercel/sdk/funcs/marketplaceUpdateResourceSecretsById.js').marketplaceUpdateResourceSecretsById
  submitBillingData: typeof import('@vercel/sdk/funcs/marketplaceSubmitBillingData.js').marketplaceSubmitBillingData
  submitInvoice: typeof import('@vercel/sdk/funcs/marketplaceSubmitInvoice.js').marketplaceSubmitInvoice
  getInvoice: typeof import('@vercel/sdk/funcs/marketplaceGetInvoice.js').marketplaceGetInvoice
  updateInvoice: typeof import('@vercel/sdk/funcs/marketplaceUpdateInvoice.js').marketplaceUpdateInvoice
  submitPrepaymentBalances: typeof import('@vercel/sdk/funcs/marketplaceSubmitPrepaymentBalances.js').marketplaceSubmitPrepaymentBalances
  finalizeInstallation: typeof import('@vercel/sdk/funcs/marketplaceFinalizeInstallation.js').marketplaceFinalizeInstallation
  exchangeSsoToken: typeof import('@vercel/sdk/funcs/marketplaceExchangeSsoToken.js').marketplaceExchangeSsoToken
  createExperimentationItems: typeof import('@vercel/sdk/funcs/marketplaceCreateInstallationIntegrationConfiguration.js').marketplaceCreateInstallationIntegrationConfiguration
  updateExperimentationItem: typeof import('@vercel/sdk/funcs/marketplaceUpdateInstallationIntegrationConfiguration.js').marketplaceUpdateInstallationIntegrationConfiguration
  deleteExperimentationItem: typeof import('@vercel/sdk/funcs/marketplaceDeleteInstallationIntegrationConfiguration.js').marketplaceDeleteInstallationIntegrationConfiguration
  headGlobalConfig: typeof import('@vercel/sdk/funcs/marketplaceHeadInstallationsByIntegrationConfigurationIdResourcesByResourceIdExperimentationGlobalConfig.js').marketplaceHeadInstallationsByIntegrationConfigurationIdResourcesByResourceIdExperimentationGlobalConfig
  getGlobalConfig: typeof import('@vercel/sdk/funcs/marketplaceGetInstallationsByIntegrationConfigurationIdResourcesByResourceIdExperimentationGlobalConfig.js').marketplaceGetInstallationsByIntegrationConfigurationIdResourcesByResourceIdExperimentationGlobalConfig
  replaceGlobalConfig: typeof import('@vercel/sdk/funcs/marketplaceReplaceInstallationsByIntegrationConfigurationIdResourcesByResourceIdExperimentationGlobalConfig.js').marketplaceReplaceInstallationsByIntegrationConfigurationIdResourcesByResourceIdExperimentationGlobalConfig
}
type SdkRequest<N extends OperationName> = NonNullable<Parameters<Sdk[N]>[1]>
/** The request of an operation without path parameters is its body. */
type SdkBody<N extends OperationName> = N extends 'exchangeSsoToken'
  ? SdkRequest<N>
  : SdkRequest<N> extends { requestBody?: infer B }
    ? 'requestBody' extends keyof SdkRequest<N>
      ? NonNullable<B>
      : undefined
    : undefined

/** The one difference: `null` takes a notification away, which the API documents and the SDK's types leave out. */
type ClearsNotification = 'updateInstallation' | 'updateResource'
type WithNull<T> = { [K in keyof T]: K extends 'notification' ? T[K] | null : T[K] }
type Expected<N extends OperationName> = N extends ClearsNotification ? WithNull<SdkBody<N>> : SdkBody<N>

/** Whether two types are one, not just assignable to each other: an optional field more is a difference. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

type Differing = { [N in OperationName as Same<OurBody<N>, Expected<N>> extends true ? never : N]: never }
type Beside<N extends OperationName> = Exclude<keyof SdkRequest<N>, PathParameter | 'requestBody'>
type Unsaid = { [N in Exclude<OperationName, 'exchangeSsoToken'> as Beside<N> extends never ? never : N]: never }

/** The compiler's "missing properties" are the operations whose bodies are not the SDK's. */
export const differing: Differing = {}
/** The same for requests with parameters that stand neither in the path nor in the body. */
export const unsaid: Unsaid = {}
