// Experiments, flags and the Global Config of a resource.

import { createHash } from 'node:crypto'
import { noContent, ok, Refusal } from './answer.ts'
import type { Call, Handler } from './handler.ts'
import { findResource } from './resource.ts'

interface Config {
  readonly items: object
  /** Milliseconds since 1970. */
  readonly updatedAt: number
}

function configOf(call: Call): Config {
  const { id, importedAt } = findResource(call)
  return call.records.get<Config>('config', id) ?? { items: {}, updatedAt: importedAt }
}

const configView = ({ items, updatedAt }: Config) => ({
  items,
  updatedAt,
  digest: createHash('sha256').update(JSON.stringify(items)).digest('hex'),
  purpose: 'experimentation',
})

function findItem(call: Call): { path: [resourceId: string, itemId: string]; item: object } {
  const { id } = findResource(call)
  const { itemId = '' } = call.params
  const item = call.records.get<object>('item', id, itemId)
  if (!item) throw new Refusal(404, `Experimentation item ${itemId} not found`)
  return { path: [id, itemId], item }
}

export const experimentation = {
  createExperimentationItems: (call) => {
    const { id } = findResource(call)
    for (const item of call.body.items) call.records.put(item, 'item', id, item.id)
    return noContent
  },
  updateExperimentationItem: (call) => {
    const { path, item } = findItem(call)
    call.records.put({ ...item, ...call.body }, 'item', ...path)
    return noContent
  },
  deleteExperimentationItem: (call) => {
    call.records.remove('item', ...findItem(call).path)
    return noContent
  },
  headGlobalConfig: (call) => {
    findResource(call)
    return { status: 200 }
  },
  getGlobalConfig: (call) => ok(configView(configOf(call))),
  replaceGlobalConfig: (call) => {
    const { id } = findResource(call)
    const config = { items: call.body.data, updatedAt: call.now.getTime() }
    call.records.put(config, 'config', id)
    return ok(configView(config))
  },
} satisfies Record<string, Handler>
