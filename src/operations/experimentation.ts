// Experiments, flags and the Global Config of a resource.
// See https://vercel.com/docs/rest-api/marketplace

import { choice, flag, list, number, object, optional, record, text } from '../payload/schema.ts'
import { existsAlready, isGone, operation } from './definition.ts'
import { resourcePath } from './paths.ts'

const experimentationPath = `${resourcePath}/experimentation` as const
const sdkExperimentation = 'InstallationsByIntegrationConfigurationIdResourcesByResourceIdExperimentationGlobalConfig'

const short = { max: 1024 }

const required = {
  slug: text(short),
  origin: text({ max: 2048 }),
}

const optionalFields = {
  category: optional(choice(['experiment', 'flag'])),
  name: optional(text(short)),
  description: optional(text(short)),
  isArchived: optional(flag()),
  createdAt: optional(number()),
  updatedAt: optional(number()),
}

export const experimentationOperations = {
  createExperimentationItems: operation({
    id: 'create-experimentation-items',
    sdkName: 'createInstallationIntegrationConfiguration',
    method: 'POST',
    path: `${experimentationPath}/items`,
    retry: 'idempotent',
    purpose: 'adds experiments or flags of a resource',
    arrivalProofs: [existsAlready],
    sdkFunction: async () =>
      (await import('@vercel/sdk/funcs/marketplaceCreateInstallationIntegrationConfiguration.js'))
        .marketplaceCreateInstallationIntegrationConfiguration,
    body: object({
      items: list(object({ id: text(short), ...required, ...optionalFields }), 50),
    }),
  }),
  updateExperimentationItem: operation({
    id: 'update-experimentation-item',
    sdkName: 'updateInstallationIntegrationConfiguration',
    method: 'PATCH',
    path: `${experimentationPath}/items/{itemId}`,
    retry: 'idempotent',
    purpose: 'changes an experiment or flag',
    sdkFunction: async () =>
      (await import('@vercel/sdk/funcs/marketplaceUpdateInstallationIntegrationConfiguration.js'))
        .marketplaceUpdateInstallationIntegrationConfiguration,
    body: object({ ...required, ...optionalFields }),
  }),
  deleteExperimentationItem: operation({
    id: 'delete-experimentation-item',
    sdkName: 'deleteInstallationIntegrationConfiguration',
    method: 'DELETE',
    path: `${experimentationPath}/items/{itemId}`,
    retry: 'idempotent',
    purpose: 'deletes an experiment or flag',
    arrivalProofs: [isGone],
    sdkFunction: async () =>
      (await import('@vercel/sdk/funcs/marketplaceDeleteInstallationIntegrationConfiguration.js'))
        .marketplaceDeleteInstallationIntegrationConfiguration,
  }),
  headGlobalConfig: operation({
    id: 'head-global-config',
    sdkName: `head${sdkExperimentation}`,
    method: 'HEAD',
    path: `${experimentationPath}/global-config`,
    retry: 'idempotent',
    purpose: 'checks whether a resource has a Global Config',
    sdkFunction: async () =>
      (
        await import(
          '@vercel/sdk/funcs/marketplaceHeadInstallationsByIntegrationConfigurationIdResourcesByResourceIdExperimentationGlobalConfig.js'
        )
      ).marketplaceHeadInstallationsByIntegrationConfigurationIdResourcesByResourceIdExperimentationGlobalConfig,
  }),
  getGlobalConfig: operation({
    id: 'get-global-config',
    sdkName: `get${sdkExperimentation}`,
    method: 'GET',
    path: `${experimentationPath}/global-config`,
    retry: 'idempotent',
    purpose: "reads a resource's Global Config",
    sdkFunction: async () =>
      (
        await import(
          '@vercel/sdk/funcs/marketplaceGetInstallationsByIntegrationConfigurationIdResourcesByResourceIdExperimentationGlobalConfig.js'
        )
      ).marketplaceGetInstallationsByIntegrationConfigurationIdResourcesByResourceIdExperimentationGlobalConfig,
  }),
  replaceGlobalConfig: operation({
    id: 'replace-global-config',
    sdkName: `replace${sdkExperimentation}`,
    method: 'PUT',
    path: `${experimentationPath}/global-config`,
    retry: 'idempotent',
    purpose: "replaces a resource's Global Config",
    sdkFunction: async () =>
      (
        await import(
          '@vercel/sdk/funcs/marketplaceReplaceInstallationsByIntegrationConfigurationIdResourcesByResourceIdExperimentationGlobalConfig.js'
        )
      ).marketplaceReplaceInstallationsByIntegrationConfigurationIdResourcesByResourceIdExperimentationGlobalConfig,
    body: object({ data: record() }),
  }),
}
