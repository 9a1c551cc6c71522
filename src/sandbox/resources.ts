// Resources and their secrets.

import { isObject } from '../payload/schema.ts'
import { created, noContent, ok, Refusal } from './answer.ts'
import type { Call, Handler } from './handler.ts'
import { findResource, type Resource } from './resource.ts'

interface SecretName {
  readonly name: string
  readonly prefix?: string
}

const saveResource = ({ records }: Call, resource: Resource) => records.put(resource, 'resource', resource.id)

const nameOf = ({ name, prefix }: SecretName) => (prefix ? `${prefix}_${name}` : name)

function withSecrets(resource: Resource, secrets: readonly SecretName[], partial = false): Resource {
  const kept = partial ? resource.secretNames : []
  return { ...resource, secretNames: [...new Set([...kept, ...secrets.map(nameOf)])] }
}

const isMetadatum = (value: unknown) =>
  (Array.isArray(value) &&
    (value.every((entry) => typeof entry === 'string') || value.every((entry) => typeof entry === 'number'))) ||
  ['string', 'number', 'boolean'].includes(typeof value)

/** The fields that responses contain. Metadata must have a type that the API's responses can have. */
function readableFields({ productId, name, status, metadata, billingPlan, notification }: Partial<Resource>) {
  for (const [field, value] of Object.entries(metadata ?? {})) {
    if (isMetadatum(value)) continue
    throw new Refusal(
      400,
      `metadata.${field} must be text, a number, true or false, a list of texts, or a list of numbers`,
    )
  }
  const given = { productId, name, status, metadata, billingPlan, notification }
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
}

const resourceView = ({ internalId, name, status, productId, metadata, billingPlan, notification }: Resource) => ({
  internalId,
  name,
  status,
  productId,
  metadata,
  billingPlanId: billingPlan?.id,
  notification: isObject(notification) ? notification : undefined,
})

const updateSecrets: Handler = (call) => {
  saveResource(call, withSecrets(findResource(call), call.body.secrets, call.body.partial))
  return created
}

export const resources = {
  getIntegrationResources: ({ records }) => {
    const all = [...records.list<Resource>('resource').values()]
    return ok({ resources: all.map((resource) => ({ partnerId: resource.id, ...resourceView(resource) })) })
  },
  getIntegrationResource: (call) => {
    const resource = findResource(call)
    return ok({ id: resource.id, ...resourceView(resource) })
  },
  importResource: (call) => {
    const { records, now, id, body } = call
    const { resourceId = '' } = call.params
    const present = records.get<Resource>('resource', resourceId)
    const base = present ?? { id: resourceId, internalId: id('store'), importedAt: now.getTime(), secretNames: [] }
    const resource = { ...base, ...readableFields(body) } as Resource
    saveResource(call, body.secrets ? withSecrets(resource, body.secrets) : resource)
    return ok({ name: resource.name })
  },
  updateResource: (call) => {
    const { secrets, ...body } = call.body
    const resource = { ...findResource(call), ...readableFields(body) }
    if (secrets === undefined) saveResource(call, resource)
    else if (Array.isArray(secrets)) saveResource(call, withSecrets(resource, secrets))
    else saveResource(call, withSecrets(resource, secrets.secrets, secrets.partial))
    return ok({ name: resource.name })
  },
  deleteIntegrationResource: (call) => {
    const { id } = findResource(call)
    const { records } = call
    records.remove('resource', id)
    records.remove('config', id)
    for (const item of [...records.list('item', id).keys()]) records.remove('item', id, item)
    return noContent
  },
  updateResourceSecrets: updateSecrets,
  updateResourceSecretsById: updateSecrets,
} satisfies Record<string, Handler>
