// The compiler holds each request type against the SDK's: an update that adds, drops or changes a field fails here.

import type { descriptions as billing } from '../../src/operations/billing.ts'
import type { OperationName } from '../../src/operations/catalogue.ts'
import type { descriptions as experimentation } from '../../src/operations/experimentation.ts'
import type { descriptions as installation } from '../../src/operations/installation.ts'
import type { descriptions as resources } from '../../src/operations/resources.ts'
import type { descriptions as sso } from '../../src/operations/sso.ts'
import type { Infer } from '../../src/payload/schema.ts'

type Ours = typeof billing & typeof experimentation & typeof installation & typeof resources & typeof sso
type OurBody<N extends OperationName> = Ours[N] extends { body: infer S } ? Infer<S> : undefined
type Body<F extends (...args: never[]) => unknown> = Parameters<F>[1] extends { requestBody?: infer B }
  ? NonNullable<B>
  : undefined
/** `null` clears a notification, which the SDK's types do not know. */
type WithoutNull<T> = T extends { notification?: infer N }
  ? Omit<T, 'notification'> & { notification?: Exclude<N, null> | undefined }
  : T
type Keys<T> = T extends unknown ? keyof T : never
type Same<A, B> = [A] extends [B]
  ? [B] extends [A]
    ? [Keys<A>] extends [Keys<B>]
      ? [Keys<B>] extends [Keys<A>]
        ? true
        : 'keys'
      : 'keys'
    : 'sdk → ours'
  : 'ours → sdk'

const same = <T extends true>(held: T) => held
same<
  Same<
    WithoutNull<OurBody<'updateInstallation'>>,
    WithoutNull<Body<typeof import('@vercel/sdk/funcs/marketplaceUpdateInstallation.js').marketplaceUpdateInstallation>>
  >
>(true)
same<
  Same<
    WithoutNull<OurBody<'getAccountInfo'>>,
    WithoutNull<Body<typeof import('@vercel/sdk/funcs/marketplaceGetAccountInfo.js').marketplaceGetAccountInfo>>
  >
>(true)
same<
  Same<
    WithoutNull<OurBody<'getMember'>>,
    WithoutNull<Body<typeof import('@vercel/sdk/funcs/marketplaceGetMember.js').marketplaceGetMember>>
  >
>(true)
same<
  Same<
    WithoutNull<OurBody<'createEvent'>>,
    WithoutNull<Body<typeof import('@vercel/sdk/funcs/marketplaceCreateEvent.js').marketplaceCreateEvent>>
  >
>(true)
same<
  Same<
    WithoutNull<OurBody<'rotateInstallationCredential'>>,
    WithoutNull<
      Body<
        typeof import('@vercel/sdk/funcs/marketplaceRotateInstallationCredential.js').marketplaceRotateInstallationCredential
      >
    >
  >
>(true)
same<
  Same<
    WithoutNull<OurBody<'revokeInstallationCredential'>>,
    WithoutNull<
      Body<
        typeof import('@vercel/sdk/funcs/marketplaceRevokeInstallationCredential.js').marketplaceRevokeInstallationCredential
      >
    >
  >
>(true)
same<
  Same<
    WithoutNull<OurBody<'getIntegrationResources'>>,
    WithoutNull<
      Body<typeof import('@vercel/sdk/funcs/marketplaceGetIntegrationResources.js').marketplaceGetIntegrationResources>
    >
  >
>(true)
same<
  Same<
    WithoutNull<OurBody<'getIntegrationResource'>>,
    WithoutNull<
      Body<typeof import('@vercel/sdk/funcs/marketplaceGetIntegrationResource.js').marketplaceGetIntegrationResource>
    >
  >
>(true)
same<
  Same<
    WithoutNull<OurBody<'importResource'>>,
    WithoutNull<Body<typeof import('@vercel/sdk/funcs/marketplaceImportResource.js').marketplaceImportResource>>
  >
>(true)
same<
  Same<
    WithoutNull<OurBody<'updateResource'>>,
    WithoutNull<Body<typeof import('@vercel/sdk/funcs/marketplaceUpdateResource.js').marketplaceUpdateResource>>
  >
>(true)
same<
  Same<
    WithoutNull<OurBody<'deleteIntegrationResource'>>,
    WithoutNull<
      Body<
        typeof import('@vercel/sdk/funcs/marketplaceDeleteIntegrationResource.js').marketplaceDeleteIntegrationResource
      >
    >
  >
>(true)
same<
  Same<
    WithoutNull<OurBody<'updateResourceSecrets'>>,
    WithoutNull<
      Body<typeof import('@vercel/sdk/funcs/marketplaceUpdateResourceSecrets.js').marketplaceUpdateResourceSecrets>
    >
  >
>(true)
same<
  Same<
    WithoutNull<OurBody<'updateResourceSecretsById'>>,
    WithoutNull<
      Body<
        typeof import('@vercel/sdk/funcs/marketplaceUpdateResourceSecretsById.js').marketplaceUpdateResourceSecretsById
      >
    >
  >
>(true)
same<
  Same<
    WithoutNull<OurBody<'submitBillingData'>>,
    WithoutNull<Body<typeof import('@vercel/sdk/funcs/marketplaceSubmitBillingData.js').marketplaceSubmitBillingData>>
  >
>(true)
same<
  Same<
    WithoutNull<OurBody<'submitInvoice'>>,
    WithoutNull<Body<typeof import('@vercel/sdk/funcs/marketplaceSubmitInvoice.js').marketplaceSubmitInvoice>>
  >
>(true)
same<
  Same<
    WithoutNull<OurBody<'getInvoice'>>,
    WithoutNull<Body<typeof import('@vercel/sdk/funcs/marketplaceGetInvoice.js').marketplaceGetInvoice>>
  >
>(true)
same<
  Same<
    WithoutNull<OurBody<'updateInvoice'>>,
    WithoutNull<Body<typeof import('@vercel/sdk/funcs/marketplaceUpdateInvoice.js').marketplaceUpdateInvoice>>
  >
>(true)
same<
  Same<
    WithoutNull<OurBody<'submitPrepaymentBalances'>>,
    WithoutNull<
      Body<
        typeof import('@vercel/sdk/funcs/marketplaceSubmitPrepaymentBalances.js').marketplaceSubmitPrepaymentBalances
      >
    >
  >
>(true)
same<
  Same<
    WithoutNull<OurBody<'finalizeInstallation'>>,
    WithoutNull<
      Body<typeof import('@vercel/sdk/funcs/marketplaceFinalizeInstallation.js').marketplaceFinalizeInstallation>
    >
  >
>(true)
same<
  Same<
    OurBody<'exchangeSsoToken'>,
    Parameters<typeof import('@vercel/sdk/funcs/marketplaceExchangeSsoToken.js').marketplaceExchangeSsoToken>[1]
  >
>(true)
same<
  Same<
    WithoutNull<OurBody<'createExperimentationItems'>>,
    WithoutNull<
      Body<
        typeof import('@vercel/sdk/funcs/marketplaceCreateInstallationIntegrationConfiguration.js').marketplaceCreateInstallationIntegrationConfiguration
      >
    >
  >
>(true)
same<
  Same<
    WithoutNull<OurBody<'updateExperimentationItem'>>,
    WithoutNull<
      Body<
        typeof import('@vercel/sdk/funcs/marketplaceUpdateInstallationIntegrationConfiguration.js').marketplaceUpdateInstallationIntegrationConfiguration
      >
    >
  >
>(true)
same<
  Same<
    WithoutNull<OurBody<'deleteExperimentationItem'>>,
    WithoutNull<
      Body<
        typeof import('@vercel/sdk/funcs/marketplaceDeleteInstallationIntegrationConfiguration.js').marketplaceDeleteInstallationIntegrationConfiguration
      >
    >
  >
>(true)
same<
  Same<
    WithoutNull<OurBody<'headGlobalConfig'>>,
    WithoutNull<
      Body<
        typeof import('@vercel/sdk/funcs/marketplaceHeadInstallationsByIntegrationConfigurationIdResourcesByResourceIdExperimentationGlobalConfig.js').marketplaceHeadInstallationsByIntegrationConfigurationIdResourcesByResourceIdExperimentationGlobalConfig
      >
    >
  >
>(true)
same<
  Same<
    WithoutNull<OurBody<'getGlobalConfig'>>,
    WithoutNull<
      Body<
        typeof import('@vercel/sdk/funcs/marketplaceGetInstallationsByIntegrationConfigurationIdResourcesByResourceIdExperimentationGlobalConfig.js').marketplaceGetInstallationsByIntegrationConfigurationIdResourcesByResourceIdExperimentationGlobalConfig
      >
    >
  >
>(true)
same<
  Same<
    WithoutNull<OurBody<'replaceGlobalConfig'>>,
    WithoutNull<
      Body<
        typeof import('@vercel/sdk/funcs/marketplaceReplaceInstallationsByIntegrationConfigurationIdResourcesByResourceIdExperimentationGlobalConfig.js').marketplaceReplaceInstallationsByIntegrationConfigurationIdResourcesByResourceIdExperimentationGlobalConfig
      >
    >
  >
>(true)
