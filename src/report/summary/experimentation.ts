// Summaries of experiments, flags and the Global Config.

import type { experimentationOperations } from '../../operations/experimentation.ts'
import { codeTag, definitionTable, entriesOf, fieldsOf, formatInstant, html, scalarText, table } from './html.ts'
import type { SectionsOf, SummarySection } from './types.ts'

const config: SummarySection = ({ result, body, failure }) => {
  if (failure) return undefined
  const { items = fieldsOf(body).data, updatedAt, digest } = fieldsOf(result)
  if (items === undefined) return undefined
  const keys = Object.keys(fieldsOf(items))
  const when =
    typeof updatedAt === 'number' && Math.abs(updatedAt) < 8e15
      ? formatInstant(new Date(updatedAt).toISOString())
      : undefined
  const list = keys.slice(0, 50).map((key) => html`${codeTag(key)} `)
  const rest = keys.length > 50 ? `and ${keys.length - 50} more` : undefined
  return html`${definitionTable({ Keys: keys.length, Updated: when, Digest: scalarText(digest) })}<p>${list}${rest}</p>`
}

export const experimentationSections: SectionsOf<typeof experimentationOperations> = {
  createExperimentationItems: ({ body }) => {
    const rows = entriesOf(fieldsOf(body).items).map(({ id, slug, category, name, isArchived }) => [
      codeTag(scalarText(id)),
      scalarText(slug),
      scalarText(category),
      scalarText(name),
      isArchived === true ? 'archived' : '',
    ])
    return table(['Item', 'Slug', 'Kind', 'Name', ''], rows)
  },
  updateExperimentationItem: ({ body, params }) => {
    const { slug, category, name, isArchived } = fieldsOf(body)
    return definitionTable({
      Item: codeTag(params.itemId),
      Slug: scalarText(slug),
      Kind: scalarText(category),
      Name: scalarText(name),
      Archived: isArchived === undefined ? undefined : isArchived === true ? 'yes' : 'no',
    })
  },
  deleteExperimentationItem: ({ params, failure, dryRun }) =>
    failure || dryRun ? undefined : html`<p>The item ${codeTag(params.itemId)} is deleted.</p>`,
  headGlobalConfig: ({ failure, dryRun }) =>
    failure || dryRun ? undefined : html`<p>The resource has a Global Config.</p>`,
  getGlobalConfig: config,
  replaceGlobalConfig: config,
}
