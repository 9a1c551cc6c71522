// Experiments, flags and the Global Config, for people.

import { code, entriesOf, facts, fieldsOf, html, moment, table, word } from './html.ts'
import type { Portrait } from './types.ts'

const config: Portrait = ({ result, body, failure }) => {
  if (failure) return undefined
  const { items = fieldsOf(body).data, updatedAt, digest } = fieldsOf(result)
  if (items === undefined) return undefined
  const keys = Object.keys(fieldsOf(items))
  const when =
    typeof updatedAt === 'number' && Math.abs(updatedAt) < 8e15 ? moment(new Date(updatedAt).toISOString()) : undefined
  const list = keys.slice(0, 50).map((key) => html`${code(key)} `)
  const rest = keys.length > 50 ? `and ${keys.length - 50} more` : undefined
  return html`${facts({ Keys: keys.length, Updated: when, Digest: word(digest) })}<p>${list}${rest}</p>`
}

export const portraits: Record<string, Portrait> = {
  createExperimentationItems: ({ body }) => {
    const rows = entriesOf(fieldsOf(body).items).map(({ id, slug, category, name, isArchived }) => [
      code(word(id)),
      word(slug),
      word(category),
      word(name),
      isArchived === true ? 'archived' : '',
    ])
    return table(['Item', 'Slug', 'Kind', 'Name', ''], rows)
  },
  updateExperimentationItem: ({ body, params }) => {
    const { slug, category, name, isArchived } = fieldsOf(body)
    return facts({
      Item: code(params.itemId),
      Slug: word(slug),
      Kind: word(category),
      Name: word(name),
      Archived: isArchived === undefined ? undefined : isArchived === true ? 'yes' : 'no',
    })
  },
  deleteExperimentationItem: ({ params, failure, dryRun }) =>
    failure || dryRun ? undefined : html`<p>The item ${code(params.itemId)} is deleted.</p>`,
  headGlobalConfig: ({ failure, dryRun }) =>
    failure || dryRun ? undefined : html`<p>The resource has a Global Config.</p>`,
  getGlobalConfig: config,
  replaceGlobalConfig: config,
}
