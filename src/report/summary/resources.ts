// Resources and secrets, for people. Secrets by name alone.

import { code, entriesOf, facts, fieldsOf, type Html, html, type Piece, table, word } from './html.ts'
import type { Portrait } from './types.ts'

type Fields = Record<string, unknown>

const plan = (billingPlan: unknown) => word(fieldsOf(billingPlan).name)

function secrets(list: unknown, partial: unknown): Piece {
  const rows = entriesOf(list).map(({ name, prefix, environmentOverrides }) => [
    code(word(name)),
    word(prefix),
    Object.keys(fieldsOf(environmentOverrides)).join(', '),
  ])
  if (rows.length === 0) return undefined
  const scope =
    partial === true
      ? 'Sets these secrets; the resource keeps its others.'
      : 'Sets these secrets; the resource loses all others.'
  return html`<p>${scope}</p>${table(['Secret', 'Prefix', 'Other values for'], rows)}`
}

const describe = (resource: Fields): Html =>
  facts({
    Name: word(resource.name),
    Status: word(resource.status),
    Product: word(resource.productId),
    Plan: plan(resource.billingPlan) ?? word(resource.billingPlanId),
    Notification: word(fieldsOf(resource.notification).title),
    'Vercel’s id': word(resource.internalId),
  })

const change: Portrait = ({ body }) => {
  const fields = fieldsOf(body)
  const { secrets: given } = fields
  const shownSecrets = Array.isArray(given)
    ? secrets(given, false)
    : secrets(fieldsOf(given).secrets, fieldsOf(given).partial)
  const cleared = fields.notification === null ? html`<p>Takes the notification away.</p>` : undefined
  return html`${describe(fields)}${cleared}${shownSecrets}`
}

const setSecrets: Portrait = ({ body }) => secrets(fieldsOf(body).secrets, fieldsOf(body).partial)

export const portraits: Record<string, Portrait> = {
  getIntegrationResources: ({ result }) => {
    const { resources } = fieldsOf(result)
    if (!Array.isArray(resources)) return undefined
    const rows = entriesOf(resources).map((resource) => [
      code(word(resource.partnerId)),
      word(resource.name),
      word(resource.productId),
      word(resource.status),
      word(resource.billingPlanId),
    ])
    return rows.length > 0 ? table(['Resource', 'Name', 'Product', 'Status', 'Plan'], rows) : html`<p>No resources.</p>`
  },
  getIntegrationResource: ({ result }) => describe(fieldsOf(result)),
  importResource: change,
  updateResource: change,
  deleteIntegrationResource: ({ params, failure, dryRun }) =>
    failure || dryRun ? undefined : html`<p>The resource ${code(params.resourceId)} is deleted.</p>`,
  updateResourceSecrets: setSecrets,
  updateResourceSecretsById: setSecrets,
}
