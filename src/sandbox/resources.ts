// Resources, their secrets, experiments and Global Config.

import { createHash } from 'node:crypto'
import { created, noContent, ok, Refusal } from './answer.ts'
import type { Call, Handler } from './handlers.ts'

interface Resource {
  readonly id: string
  readonly internalId: string
  readonly name: string
  readonly status: string
  readonly productId: string
  readonly metadata?: unknown
  readonly billingPlan?: { readonly id: string }
  readonly notification?: unknown
  /** Names alone: a sandbox has no use for the values. */
  readonly secretNames: readonly string[]
  readonly items: Readonly<Record<string, object>>
  readonly config: { readonly items: object; readonly updatedAt: number }
}

interface Secret {
  readonly name: string
  readonly prefix?: string
}

function find({ records, params: { resourceId = '' } }: Call): Resource {
  const resource = records.get<Resource | null>('resource', resourceId)
  if (resource) return resource
  throw new Refusal(404, `Resource ${resourceId} not found. The sandbox starts empty: importResource makes one`)
}

const save = ({ records }: Call, resource: Resource) => records.put(resource, 'resource', resource.id)

const idsOf = ({ records }: Call) => records.get<string[]>('resources') ?? []

const nameOf = ({ name, prefix }: Secret) => (prefix ? `${prefix}_${name}` : name)

function withSecrets(resource: Resource, secrets: readonly Secret[], partial = false): Resource {
  const names = secrets.map(nameOf)
  return { ...resource, secretNames: partial ? [...new Set([...resource.secretNames, ...names])] : names }
}

const view = ({ internalId, name, status, productId, metadata, billingPlan, notification }: Resource) => ({
  internalId,
  name,
  status,
  productId,
  metadata,
  billingPlanId: billingPlan?.id,
  notification: notification ?? undefined,
})

const updateSecrets: Handler = (call) => {
  save(call, withSecrets(find(call), call.body.secrets, call.body.partial))
  return created
}

const configView = ({ config: { items, updatedAt } }: Resource) => ({
  items,
  updatedAt,
  digest: createHash('sha256').update(JSON.stringify(items)).digest('hex'),
  purpose: 'experimentation',
})

const findItem = (call: Call): [Resource, string] => {
  const resource = find(call)
  const { itemId = '' } = call.params
  if (!Object.hasOwn(resource.items, itemId)) throw new Refusal(404, `Experimentation item ${itemId} not found`)
  return [resource, itemId]
}

export const resources = {
  getIntegrationResources: (call) => {
    const all = idsOf(call).map((id) => call.records.get<Resource>('resource', id) as Resource)
    return ok({ resources: all.map((resource) => ({ partnerId: resource.id, ...view(resource) })) })
  },
  getIntegrationResource: (call) => {
    const resource = find(call)
    return ok({ id: resource.id, ...view(resource) })
  },
  importResource: (call) => {
    const { secrets, ...body } = call.body
    const { resourceId = '' } = call.params
    const fresh = {
      id: resourceId,
      internalId: call.id('store'),
      secretNames: [],
      items: {},
      config: { items: {}, updatedAt: call.now.getTime() },
    }
    const present = call.records.get<Resource | null>('resource', resourceId)
    if (!present) call.records.put([...idsOf(call), resourceId], 'resources')
    const resource = { ...(present ?? fresh), ...body }
    save(call, secrets ? withSecrets(resource, secrets) : resource)
    return ok({ name: resource.name })
  },
  updateResource: (call) => {
    const { secrets, ...body } = call.body ?? {}
    const resource = { ...find(call), ...body }
    if (secrets === undefined) save(call, resource)
    else if (Array.isArray(secrets)) save(call, withSecrets(resource, secrets))
    else save(call, withSecrets(resource, secrets.secrets, secrets.partial))
    return ok({ name: resource.name })
  },
  deleteIntegrationResource: (call) => {
    const { id } = find(call)
    call.records.put(null, 'resource', id)
    call.records.put(
      idsOf(call).filter((other) => other !== id),
      'resources',
    )
    return noContent
  },
  updateResourceSecrets: updateSecrets,
  updateResourceSecretsById: updateSecrets,

  createExperimentationItems: (call) => {
    const resource = find(call)
    const added = call.body.items.map((item: { id: string }) => [item.id, item])
    save(call, { ...resource, items: { ...resource.items, ...Object.fromEntries(added) } })
    return noContent
  },
  updateExperimentationItem: (call) => {
    const [resource, id] = findItem(call)
    save(call, { ...resource, items: { ...resource.items, [id]: { ...resource.items[id], ...call.body } } })
    return noContent
  },
  deleteExperimentationItem: (call) => {
    const [resource, id] = findItem(call)
    const { [id]: _, ...items } = resource.items
    save(call, { ...resource, items })
    return noContent
  },
  headGlobalConfig: (call) => ok(configView(find(call))),
  getGlobalConfig: (call) => ok(configView(find(call))),
  replaceGlobalConfig: (call) => {
    const resource = { ...find(call), config: { items: call.body.data, updatedAt: call.now.getTime() } }
    save(call, resource)
    return ok(configView(resource))
  },
} satisfies Record<string, Handler>
