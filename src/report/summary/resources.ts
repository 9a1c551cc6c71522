// Summaries of resources and secrets. Secrets are named, never shown.

import type { resourceOperations } from '../../operations/resources.ts'
import {
  codeTag,
  definitionTable,
  entriesOf,
  fieldsOf,
  type Html,
  type HtmlContent,
  html,
  type JsonObject,
  scalarText,
  table,
} from './html.ts'
import type { SectionsOf, SummarySection } from './types.ts'

const plan = (billingPlan: unknown) => scalarText(fieldsOf(billingPlan).name)

function secretsTable(list: unknown, partial: unknown): HtmlContent {
  const rows = entriesOf(list).map(({ name, prefix, environmentOverrides }) => [
    codeTag(scalarText(name)),
    scalarText(prefix),
    Object.keys(fieldsOf(environmentOverrides)).join(', '),
  ])
  if (rows.length === 0) return undefined
  const scope =
    partial === true
      ? 'Sets these secrets; the resource keeps its other secrets.'
      : 'Sets these secrets; all other secrets of the resource are deleted.'
  return html`<p>${scope}</p>${table(['Secret', 'Prefix', 'Other values for'], rows)}`
}

const resourceTable = (resource: JsonObject): Html =>
  definitionTable({
    Name: scalarText(resource.name),
    Status: scalarText(resource.status),
    Product: scalarText(resource.productId),
    Plan: plan(resource.billingPlan) ?? scalarText(resource.billingPlanId),
    Notification: scalarText(fieldsOf(resource.notification).title),
    'Vercel’s id': scalarText(resource.internalId),
  })

const change: SummarySection = ({ body }) => {
  const fields = fieldsOf(body)
  const { secrets: given } = fields
  const shownSecrets = Array.isArray(given)
    ? secretsTable(given, false)
    : secretsTable(fieldsOf(given).secrets, fieldsOf(given).partial)
  const cleared = fields.notification === null ? html`<p>Removes the notification.</p>` : undefined
  return html`${resourceTable(fields)}${cleared}${shownSecrets}`
}

const setSecrets: SummarySection = ({ body }) => secretsTable(fieldsOf(body).secrets, fieldsOf(body).partial)

export const resourceSections: SectionsOf<typeof resourceOperations> = {
  getIntegrationResources: ({ result }) => {
    const { resources } = fieldsOf(result)
    if (!Array.isArray(resources)) return undefined
    const rows = entriesOf(resources).map((resource) => [
      codeTag(scalarText(resource.partnerId)),
      scalarText(resource.name),
      scalarText(resource.productId),
      scalarText(resource.status),
      scalarText(resource.billingPlanId),
    ])
    return rows.length > 0 ? table(['Resource', 'Name', 'Product', 'Status', 'Plan'], rows) : html`<p>No resources.</p>`
  },
  getIntegrationResource: ({ result }) => resourceTable(fieldsOf(result)),
  importResource: change,
  updateResource: change,
  deleteIntegrationResource: ({ params, failure, dryRun }) =>
    failure || dryRun ? undefined : html`<p>The resource ${codeTag(params.resourceId)} is deleted.</p>`,
  updateResourceSecrets: setSecrets,
  updateResourceSecretsById: setSecrets,
}
